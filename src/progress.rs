//! Progress of a full or incremental sync in pages, shared by the reader and its observers.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::sync::watch;
use utoipa::ToSchema;

/// Pages read, and pages known to exist, at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Pages {
    /// Pages read so far.
    pub done: usize,
    /// Pages known to exist so far.
    pub total: usize,
}

/// Counts pages and notifies the receivers of [`watch`](Self::watch).
#[derive(Debug, Default)]
pub struct Progress {
    pages: watch::Sender<Pages>,
    unsized_lists: AtomicUsize,
}

impl Progress {
    /// Registers a list whose size is not known yet.
    pub fn open(&self) {
        self.unsized_lists.fetch_add(1, Relaxed);
    }

    /// Marks one list as sized.
    pub fn sized(&self) {
        self.unsized_lists.fetch_sub(1, Relaxed);
    }

    /// Whether the size of every registered list is known, so that the total is final.
    #[must_use]
    pub fn is_sized(&self) -> bool {
        self.unsized_lists.load(Relaxed) == 0
    }

    /// Replaces the counts by those of another process.
    pub fn follow(&self, pages: Pages) {
        self.pages.send_if_modified(|counted| {
            let is_new = *counted != pages;
            *counted = pages;
            is_new
        });
    }

    /// Adds pages to the total.
    pub fn expect(&self, pages: usize) {
        self.pages.send_modify(|counted| counted.total += pages);
    }

    /// Counts one page as read.
    pub fn advance(&self) {
        self.pages.send_modify(|counted| counted.done += 1);
    }

    /// Pages read so far.
    #[must_use]
    pub fn done(&self) -> usize {
        self.pages().done
    }

    /// Pages known to exist so far.
    #[must_use]
    pub fn total(&self) -> usize {
        self.pages().total
    }

    /// Both counts at one moment.
    #[must_use]
    pub fn pages(&self) -> Pages {
        *self.pages.borrow()
    }

    /// Subscribes to the counts; a slow receiver may miss steps but always sees the last one.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Pages> {
        self.pages.subscribe()
    }

    /// Resolves when no receiver is left.
    pub async fn no_receivers(&self) {
        self.pages.closed().await;
    }
}

/// The serialized form is the counts.
impl Serialize for Progress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.pages().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Progress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let progress = Self::default();
        progress.follow(Pages::deserialize(deserializer)?);
        Ok(progress)
    }
}
