//! Renditions made on first use: one at a time, off the serving threads, kept within bounds.

use std::sync::Arc;

use moka::future::Cache;
use moka::policy::EvictionPolicy;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::Snapshot;
use super::rendition::{Encoding, Rendition, Variant};

/// What a rendition is kept under: the content that it was made from, and how.
type Key = (Box<str>, Variant, Encoding);

/// Answers with renditions of snapshots; the default body is never made here.
#[derive(Debug)]
pub struct Renditions {
    kept: Cache<Key, Arc<Rendition>>,
    turn: Semaphore,
}

impl Renditions {
    /// Keeps at most `capacity` bytes of bodies, the least recently used go first.
    #[must_use]
    pub fn new(capacity: u64) -> Self {
        let kept = Cache::builder()
            .max_capacity(capacity)
            .eviction_policy(EvictionPolicy::lru())
            .weigher(|_, rendition: &Arc<Rendition>| u32::try_from(rendition.bytes.len()).unwrap_or(u32::MAX))
            .build();
        Self { kept, turn: Semaphore::new(1) }
    }

    /// The rendition of a variant; whoever asks for one that is being made waits for it.
    pub async fn rendition(
        &self,
        snapshot: &Arc<Snapshot>,
        variant: Variant,
        encoding: Encoding,
    ) -> Arc<Rendition> {
        if variant == Variant::default() {
            return Arc::clone(snapshot.default_rendition(encoding));
        }
        let plain = self.kept(snapshot, variant, Encoding::Identity, {
            let snapshot = Arc::clone(snapshot);
            move || Rendition::plain(&snapshot.document, variant)
        });
        let plain = plain.await;
        match encoding {
            Encoding::Identity => plain,
            Encoding::Gzip => self.kept(snapshot, variant, encoding, move || plain.gzip()).await,
        }
    }

    /// A kept rendition, made now if there is none.
    async fn kept(
        &self,
        snapshot: &Snapshot,
        variant: Variant,
        encoding: Encoding,
        make: impl FnOnce() -> Rendition + Send + 'static,
    ) -> Arc<Rendition> {
        let key = (snapshot.document.digest().into(), variant, encoding);
        let rendition = async {
            let _turn = self.turn.acquire().await;
            let joined = spawn_blocking(make).await;
            Arc::new(joined.unwrap_or_else(|failed| std::panic::resume_unwind(failed.into_panic())))
        };
        self.kept.get_with(key, rendition).await
    }
}
