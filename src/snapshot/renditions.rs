//! Renditions made on first use: one at a time, off the serving threads, kept within bounds.

use std::sync::Arc;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tokio::sync::Semaphore;
use tokio::task::{JoinError, spawn, spawn_blocking};

use super::Snapshot;
use super::locations::Locations;
use super::rendition::{Encoding, Format, Rendition, Variant};

/// What a kept rendition takes beside its body: key, tag and the cache's own records. Without it, bodies
/// without bytes, which empty shards have, would be kept without bounds.
const OVERHEAD: usize = 512;

/// What a rendition is kept under: what it was made from and in which coding.
type Key = (Source, Encoding);

/// What a rendition was made from, and how.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Source {
    /// Entities, by the digest of the document or of the shard; a shard's outlives changes elsewhere.
    Entities(Box<str>, Variant),
    /// The list of the shards.
    Locations(Box<Locations>, Format),
}

/// Answers with renditions of snapshots; the default body without a coding comes with them.
#[derive(Debug)]
pub struct Renditions {
    kept: Cache<Key, Arc<Rendition>>,
    turn: Arc<Semaphore>,
}

impl Renditions {
    /// Keeps at most `capacity` bytes of bodies, the least recently used go first.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let kept = Cache::builder()
            .max_capacity(capacity)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|_, rendition: &Arc<Rendition>| {
                u32::try_from(rendition.bytes.len() + OVERHEAD).unwrap_or(u32::MAX)
            })
            .build();
        Self {
            kept,
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    /// The rendition of a variant; whoever asks for one that is being made waits for it.
    pub async fn rendition(
        &self,
        snapshot: &Arc<Snapshot>,
        variant: Variant,
        encoding: Encoding,
    ) -> Arc<Rendition> {
        let source = Source::entities(snapshot, variant);
        let plain = if variant == Variant::default() {
            Arc::clone(snapshot.identity())
        } else {
            let snapshot = Arc::clone(snapshot);
            let make = move || Rendition::plain(&snapshot.document, variant);
            self.kept(source.clone(), Encoding::Identity, make).await
        };
        self.encoded(source, plain, encoding).await
    }

    /// The list of the shards; whoever asks for one that is being made waits for it.
    pub async fn locations(
        &self,
        locations: Locations,
        format: Format,
        encoding: Encoding,
    ) -> Arc<Rendition> {
        let source = Source::Locations(Box::new(locations.clone()), format);
        let make = move || locations.render(format);
        let plain = self.kept(source.clone(), Encoding::Identity, make).await;
        self.encoded(source, plain, encoding).await
    }

    /// The same in a coding.
    async fn encoded(
        &self,
        source: Source,
        plain: Arc<Rendition>,
        encoding: Encoding,
    ) -> Arc<Rendition> {
        match encoding {
            Encoding::Identity => plain,
            coding => {
                self.kept(source, coding, move || plain.encoded(coding))
                    .await
            }
        }
    }

    /// A kept rendition, made now if there is none. The making is a task of its own and goes on when
    /// the client does not wait for it: its work is not lost, and nobody else's turn comes too early.
    async fn kept(
        &self,
        source: Source,
        encoding: Encoding,
        make: impl FnOnce() -> Rendition + Send + 'static,
    ) -> Arc<Rendition> {
        let key: Key = (source, encoding);
        if let Some(kept) = self.kept.get(&key).await {
            return kept;
        }
        let (kept, turn) = (self.kept.clone(), Arc::clone(&self.turn));
        let rendition = async move {
            let _turn = turn.acquire_owned().await;
            Arc::new(unpanicked(spawn_blocking(make).await))
        };
        unpanicked(spawn(async move { kept.get_with(key, rendition).await }).await)
    }
}

impl Source {
    fn entities(snapshot: &Snapshot, variant: Variant) -> Self {
        let document = &snapshot.document;
        let digest = variant
            .shard
            .map(|shard| document.shard_digest(shard).into());
        Self::Entities(digest.unwrap_or_else(|| document.digest().into()), variant)
    }
}

/// What a task gave; its panic goes on here.
fn unpanicked<T>(joined: Result<T, JoinError>) -> T {
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
    use crate::snapshot::reading::Origin;
    use crate::snapshot::shard::{ShardCount, changed_shards};

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
            pk: GroupPk(uuid::Uuid::from_u128(number)),
            name: format!("group-{number}").into(),
            parents: Box::default(),
            users: Box::default(),
        };
        let policy = Policy {
            base_url: BaseUrl::parse("https://authentik.example.com").unwrap(),
            names: NamePolicy::Seed,
            exclude_groups: Vec::new(),
            include_service_accounts: false,
        };
        let directory = Arc::new(Directory::new(Vec::new(), (0..groups).map(group).collect()));
        Arc::new(Snapshot::new(
            directory,
            Arc::new(policy),
            None,
            Timestamp::UNIX_EPOCH,
            Origin::default(),
        ))
    }

    #[tokio::test]
    async fn the_default_body_is_that_of_the_snapshot_and_not_made_again() {
        let (renditions, snapshot) = (Renditions::new(1 << 20), snapshot(9));
        let answered = renditions
            .rendition(&snapshot, Variant::default(), Encoding::Identity)
            .await;
        assert!(Arc::ptr_eq(&answered, snapshot.identity()));
        for coding in Encoding::COMPRESSING {
            renditions
                .rendition(&snapshot, Variant::default(), coding)
                .await;
        }
        renditions.kept.run_pending_tasks().await;
        assert_eq!(
            renditions.kept.entry_count(),
            3,
            "each coding is made on first use"
        );
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn whoever_asks_for_the_same_at_once_gets_the_one_that_is_made() {
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
    async fn equal_content_is_not_rendered_again_for_another_snapshot() {
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
    async fn a_shard_survives_a_snapshot_in_which_only_others_changed() {
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
    async fn bodies_without_bytes_are_bounded_too() {
        let (renditions, snapshot) = (Renditions::new(20 * OVERHEAD as u64), snapshot(0));
        for shard in "1024".parse::<ShardCount>().unwrap().shards().take(100) {
            let variant = Variant {
                shard: Some(shard),
                ..Variant::default()
            };
            let answered = renditions
                .rendition(&snapshot, variant, Encoding::Identity)
                .await;
            assert!(answered.bytes.is_empty());
        }
        renditions.kept.run_pending_tasks().await;
        assert!(
            (1..=20).contains(&renditions.kept.entry_count()),
            "{}",
            renditions.kept.entry_count()
        );
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn one_rendition_is_made_at_a_time() {
        let (renditions, snapshot) = (Renditions::new(1 << 20), snapshot(9));
        let (working, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let asked = [JSON, NDJSON].into_iter().flat_map(|variant| {
            [
                Encoding::Identity,
                Encoding::Gzip,
                Encoding::Brotli,
                Encoding::Zstd,
            ]
            .map(|coding| (variant, coding))
        });
        let made = asked.map(|(variant, coding)| {
            let (working, most, source) = (
                Arc::clone(&working),
                Arc::clone(&most),
                Arc::clone(&snapshot),
            );
            renditions.kept(Source::entities(&snapshot, variant), coding, move || {
                most.fetch_max(working.fetch_add(1, SeqCst) + 1, SeqCst);
                // Long enough for others to come in, if they could.
                (0..1000).for_each(|_| std::thread::yield_now());
                let rendition = Rendition::plain(&source.document, variant);
                working.fetch_sub(1, SeqCst);
                rendition
            })
        });
        assert_eq!(join_all(made).await.len(), 8);
        assert_eq!(most.load(SeqCst), 1);
    }

    #[tokio::test]
    async fn what_a_client_does_not_wait_for_is_made_all_the_same() {
        let (renditions, snapshot) = (Renditions::new(1 << 20), snapshot(9));
        let (begun, began) = tokio::sync::oneshot::channel();
        let (allow, allowed) = std::sync::mpsc::channel::<()>();
        let json = || Source::entities(&snapshot, JSON);
        let source = Arc::clone(&snapshot);
        let make = move || {
            let _ = begun.send(());
            allowed.recv().unwrap();
            Rendition::plain(&source.document, JSON)
        };
        tokio::select! {
            _ = renditions.kept(json(), Encoding::Identity, make) => panic!("nothing was allowed"),
            _ = began => {}
        }
        assert_eq!(
            renditions.turn.available_permits(),
            0,
            "the turn is not over"
        );
        allow.send(()).unwrap();
        let again = || -> Rendition { panic!("made twice") };
        let answered = renditions.kept(json(), Encoding::Identity, again).await;
        assert!(!answered.bytes.is_empty());
    }

    #[tokio::test]
    async fn no_more_bytes_are_kept_than_the_capacity() {
        let snapshots: Vec<_> = (50..60).map(snapshot).collect();
        let size = snapshots[9].document.bytes().len() as u64;
        let renditions = Renditions::new(size * 2);
        for snapshot in &snapshots {
            let answered = renditions
                .rendition(snapshot, NDJSON, Encoding::Identity)
                .await;
            assert!(!answered.bytes.is_empty());
        }
        renditions.kept.run_pending_tasks().await;
        assert!((1..=size * 2).contains(&renditions.kept.weighted_size()));
    }
}
