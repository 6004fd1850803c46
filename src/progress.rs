//! How far the reading of a directory has come, shared between who reads and who is asked.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Pages read, and pages known to exist.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicUsize,
    total: AtomicUsize,
    unsized_lists: AtomicUsize,
}

impl Progress {
    /// A list is asked for its size.
    pub fn open(&self) {
        self.unsized_lists.fetch_add(1, Relaxed);
    }

    /// A list has told its size.
    pub fn sized(&self) {
        self.unsized_lists.fetch_sub(1, Relaxed);
    }

    /// Whether every list that was asked has told its size, so that the total can be relied on.
    #[must_use]
    pub fn is_sized(&self) -> bool {
        self.unsized_lists.load(Relaxed) == 0
    }

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
