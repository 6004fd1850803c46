//! How far the reading of a directory has come, shared between who reads and who is asked.

use tokio::sync::watch;

/// Pages read, and pages known to exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pages {
    /// Pages read so far.
    pub done: usize,
    /// Pages known to exist so far.
    pub total: usize,
}

/// Counts pages and tells whoever watches.
#[derive(Debug, Default)]
pub struct Progress(watch::Sender<Pages>);

impl Progress {
    /// Counts pages that are to be read.
    pub fn expect(&self, pages: usize) {
        self.0.send_modify(|counted| counted.total += pages);
    }

    /// Counts a page that was read.
    pub fn advance(&self) {
        self.0.send_modify(|counted| counted.done += 1);
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

    /// Both at one moment.
    #[must_use]
    pub fn pages(&self) -> Pages {
        *self.0.borrow()
    }

    /// Follows the counts; a slow follower misses steps and never the last one.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Pages> {
        self.0.subscribe()
    }

    /// Resolves as soon as nobody follows the counts.
    pub async fn unwatched(&self) {
        self.0.closed().await;
    }
}
