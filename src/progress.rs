//! How far the reading of a directory has come, shared between who reads and who is asked.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Pages read, and pages known to exist.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicUsize,
    total: AtomicUsize,
}

impl Progress {
    /// Counts pages that are to be read.
    pub fn expect(&self, pages: usize) {
        self.total.fetch_add(pages, Relaxed);
    }

    /// Counts a page that was read.
    pub fn advance(&self) {
        self.done.fetch_add(1, Relaxed);
    }

    /// Pages read so far.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done.load(Relaxed)
    }

    /// Pages known to exist so far.
    #[must_use]
    pub fn total(&self) -> usize {
        self.total.load(Relaxed)
    }
}
