//! A bounded cache of renditions: built on first use, one at a time, off the async threads.

use std::sync::Arc;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn, spawn_blocking};

use super::Snapshot;
use super::locations::Locations;
use super::rendition::{Encoding, Format, Rendition, Variant};

/// Estimated size of a cache entry without its body, in bytes. Without it the cache would hold any
/// number of empty bodies, such as those of empty shards.
const OVERHEAD: usize = 512;

/// The key of a cached rendition.
type RenditionKey = (RenditionSource, Encoding);

/// The content that a rendition is built from, and its format.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum RenditionSource {
    /// Entities, by the digest of the document or shard; the entry of an unchanged shard survives a
    /// new snapshot.
    Entities(Box<str>, Variant),
    /// The list of shards.
    Locations(Box<Locations>, Format),
}

/// Returns renditions of snapshots; the default body without a coding comes with the snapshot.
#[derive(Debug)]
pub struct Renditions {
    cache: Cache<RenditionKey, Arc<Rendition>>,
    permits: Arc<Semaphore>,
}

impl Renditions {
    /// Creates a cache of at most `capacity` bytes; it evicts the least recently used entries.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let cache = Cache::builder()
            .max_capacity(capacity)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|_, rendition: &Arc<Rendition>| {
                u32::try_from(rendition.bytes.len() + OVERHEAD).unwrap_or(u32::MAX)
            })
            .build();
        Self {
            cache,
            permits: Arc::new(Semaphore::new(1)),
        }
    }

    /// Returns the rendition of a variant; concurrent calls share one build.
    pub async fn rendition(
        &self,
        snapshot: &Arc<Snapshot>,
        variant: Variant,
        encoding: Encoding,
    ) -> Arc<Rendition> {
        let source = RenditionSource::entities(snapshot, variant);
        let plain = if variant == Variant::default() {
            Arc::clone(snapshot.identity())
        } else {
            let snapshot = Arc::clone(snapshot);
            let make = move || Rendition::plain(&snapshot.document, variant);
            self.cached(source.clone(), Encoding::Identity, make).await
        };
        self.encoded(source, plain, encoding).await
    }

    /// Returns the list of shards; concurrent calls share one build.
    pub async fn locations(
        &self,
        locations: Locations,
        format: Format,
        encoding: Encoding,
    ) -> Arc<Rendition> {
        let source = RenditionSource::Locations(Box::new(locations.clone()), format);
        let make = move || locations.render(format);
        let plain = self.cached(source.clone(), Encoding::Identity, make).await;
        self.encoded(source, plain, encoding).await
    }

    /// Returns the rendition in a content coding.
    async fn encoded(
        &self,
        source: RenditionSource,
        plain: Arc<Rendition>,
        encoding: Encoding,
    ) -> Arc<Rendition> {
        match encoding {
            Encoding::Identity => plain,
            coding => {
                self.cached(source, coding, move || plain.encoded(coding))
                    .await
            }
        }
    }

    /// Returns a cached rendition or builds it. The build runs in its own task: it continues if the
    /// client disconnects, and the next build still waits for its end.
    async fn cached(
        &self,
        source: RenditionSource,
        encoding: Encoding,
        make: impl FnOnce() -> Rendition + Send + 'static,
    ) -> Arc<Rendition> {
        let key: RenditionKey = (source, encoding);
        if let Some(rendition) = self.cache.get(&key).await {
            return rendition;
        }
        let (cache, permits) = (self.cache.clone(), Arc::clone(&self.permits));
        let rendition = async move {
            let _permit = permits.acquire_owned().await;
            Arc::new(resume_panic(spawn_blocking(make).await))
        };
        resume_panic(spawn(async move { cache.get_with(key, rendition).await }).await)
    }
}

impl RenditionSource {
    fn entities(snapshot: &Snapshot, variant: Variant) -> Self {
        let document = &snapshot.document;
        let digest = variant
            .shard
            .map(|shard| document.shard_digest(shard).into());
        Self::Entities(digest.unwrap_or_else(|| document.digest().into()), variant)
    }
}

/// Returns a task's result; resumes its panic.
fn resume_panic<T>(joined: Result<T, JoinError>) -> T {
    joined.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    use futures::future::join_all;
    use jiff::Timestamp;

    use super::*;
    use crate::base_url::BaseUrl;
    use crate::catalog::policy::{NamePolicy, Policy};
    use crate::directory::{Directory, Group, GroupPk};
    use crate::snapshot::shard::{ShardCount, changed_shards};
    use crate::snapshot::sync_mode::ResumePoint;

    const JSON: Variant = Variant {
        format: Format::Json,
        kind: None,
        shard: None,
    };
    const NDJSON: Variant = Variant {
        format: Format::Ndjson,
        kind: None,
        shard: None,
    };

    fn snapshot(groups: u128) -> Arc<Snapshot> {
        let group = |number| Group {
            fields: crate::directory::Fields::default(),
            pk: GroupPk(uuid::Uuid::from_u128(number)),
            name: format!("group-{number}").into(),
            parents: Box::default(),
            users: Box::default(),
        };
        let policy = Policy {
            shape: crate::catalog::shape::Shape::default(),
            base_url: BaseUrl::parse("https://authentik.example.com").unwrap(),
            names: NamePolicy::NpmModule,
            exclude_groups: Vec::new(),
            include_service_accounts: false,
        };
        let directory = Arc::new(Directory::new(Vec::new(), (0..groups).map(group).collect()));
        Arc::new(Snapshot::new(
            directory,
            Arc::new(policy),
            None,
            None,
            (Timestamp::UNIX_EPOCH, ResumePoint::default()),
        ))
    }

    #[tokio::test]
    async fn the_default_body_is_that_of_the_snapshot() {
        let (renditions, snapshot) = (Renditions::new(1 << 20), snapshot(9));
        let rendition = renditions
            .rendition(&snapshot, Variant::default(), Encoding::Identity)
            .await;
        assert!(Arc::ptr_eq(&rendition, snapshot.identity()));
        for coding in Encoding::COMPRESSING {
            renditions
                .rendition(&snapshot, Variant::default(), coding)
                .await;
        }
        renditions.cache.run_pending_tasks().await;
        assert_eq!(
            renditions.cache.entry_count(),
            3,
            "each coding is built on first use"
        );
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn concurrent_calls_share_one_build() {
        let (renditions, snapshot) = (Renditions::new(1 << 20), snapshot(99));
        for (variant, encoding) in [
            (Variant::default(), Encoding::Brotli),
            (JSON, Encoding::Zstd),
        ] {
            let all =
                join_all((0..20).map(|_| renditions.rendition(&snapshot, variant, encoding))).await;
            assert!(all.iter().all(|rendition| Arc::ptr_eq(rendition, &all[0])));
        }
    }

    #[tokio::test]
    async fn snapshots_with_equal_content_share_renditions() {
        let renditions = Renditions::new(1 << 20);
        let first = renditions
            .rendition(&snapshot(9), JSON, Encoding::Brotli)
            .await;
        let second = renditions
            .rendition(&snapshot(9), JSON, Encoding::Brotli)
            .await;
        let other = renditions
            .rendition(&snapshot(10), JSON, Encoding::Brotli)
            .await;
        assert!(Arc::ptr_eq(&first, &second) && !Arc::ptr_eq(&first, &other));
    }

    #[tokio::test]
    async fn an_unchanged_shard_survives_a_new_snapshot() {
        let (renditions, of) = (Renditions::new(1 << 20), "8".parse::<ShardCount>().unwrap());
        let (before, after) = (snapshot(50), snapshot(51));
        let changed = changed_shards(Some(&before.document), &after.document, of);
        assert_eq!(changed.len(), 1, "one group is new");
        for shard in of.shards() {
            for encoding in [Encoding::Identity, Encoding::Gzip, Encoding::Zstd] {
                let variant = Variant {
                    shard: Some(shard),
                    ..Variant::default()
                };
                let [before, after] = [&before, &after]
                    .map(|snapshot| renditions.rendition(snapshot, variant, encoding));
                let (before, after) = (before.await, after.await);
                assert_eq!(
                    Arc::ptr_eq(&before, &after),
                    !changed.contains(&shard),
                    "{shard}"
                );
                assert_eq!(
                    before.etag == after.etag,
                    !changed.contains(&shard),
                    "{shard}"
                );
            }
        }
    }

    #[tokio::test]
    async fn the_number_of_empty_bodies_is_bounded() {
        let (renditions, snapshot) = (Renditions::new(20 * OVERHEAD as u64), snapshot(0));
        for shard in "1024".parse::<ShardCount>().unwrap().shards().take(100) {
            let variant = Variant {
                shard: Some(shard),
                ..Variant::default()
            };
            let rendition = renditions
                .rendition(&snapshot, variant, Encoding::Identity)
                .await;
            assert!(rendition.bytes.is_empty());
        }
        renditions.cache.run_pending_tasks().await;
        assert!(
            (1..=20).contains(&renditions.cache.entry_count()),
            "{}",
            renditions.cache.entry_count()
        );
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_rendition_is_built_at_a_time() {
        let (renditions, snapshot) = (Renditions::new(1 << 20), snapshot(9));
        let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let requested = [JSON, NDJSON].into_iter().flat_map(|variant| {
            [
                Encoding::Identity,
                Encoding::Gzip,
                Encoding::Brotli,
                Encoding::Zstd,
            ]
            .map(|coding| (variant, coding))
        });
        let made = requested.map(|(variant, coding)| {
            let (running, most, source) = (
                Arc::clone(&running),
                Arc::clone(&most),
                Arc::clone(&snapshot),
            );
            renditions.cached(
                RenditionSource::entities(&snapshot, variant),
                coding,
                move || {
                    most.fetch_max(running.fetch_add(1, SeqCst) + 1, SeqCst);
                    // Long enough for another build to start, if the semaphore allowed it.
                    (0..1000).for_each(|_| std::thread::yield_now());
                    let rendition = Rendition::plain(&source.document, variant);
                    running.fetch_sub(1, SeqCst);
                    rendition
                },
            )
        });
        assert_eq!(join_all(made).await.len(), 8);
        assert_eq!(most.load(SeqCst), 1);
    }

    #[tokio::test]
    async fn a_build_survives_its_client() {
        let (renditions, snapshot) = (Renditions::new(1 << 20), snapshot(9));
        let (start, started) = tokio::sync::oneshot::channel();
        let (release, released) = std::sync::mpsc::channel::<()>();
        let json = || RenditionSource::entities(&snapshot, JSON);
        let source = Arc::clone(&snapshot);
        let make = move || {
            let _ = start.send(());
            released.recv().unwrap();
            Rendition::plain(&source.document, JSON)
        };
        tokio::select! {
            _ = renditions.cached(json(), Encoding::Identity, make) => panic!("the build was not released"),
            _ = started => {}
        }
        assert_eq!(
            renditions.permits.available_permits(),
            0,
            "the build holds the permit"
        );
        release.send(()).unwrap();
        let again = || -> Rendition { panic!("built twice") };
        let rendition = renditions.cached(json(), Encoding::Identity, again).await;
        assert!(!rendition.bytes.is_empty());
    }

    #[tokio::test]
    async fn the_cache_holds_at_most_its_capacity() {
        let snapshots: Vec<_> = (50..60).map(snapshot).collect();
        let size = snapshots[9].document.bytes().len() as u64;
        let renditions = Renditions::new(size * 2);
        for snapshot in &snapshots {
            let rendition = renditions
                .rendition(snapshot, NDJSON, Encoding::Identity)
                .await;
            assert!(!rendition.bytes.is_empty());
        }
        renditions.cache.run_pending_tasks().await;
        assert!((1..=size * 2).contains(&renditions.cache.weighted_size()));
    }
}
