//! Counts what a client sends and receives.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The counters of a client.
#[derive(Debug, Default)]
pub(super) struct TrafficCounters {
    requests: AtomicU64,
    rows: AtomicU64,
}

impl TrafficCounters {
    /// Counts a request, a repeated one too.
    pub(super) fn count_request(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    /// Counts rows of a page.
    pub(super) fn count_rows(&self, rows: usize) {
        self.rows.fetch_add(rows as u64, Relaxed);
    }

    /// What has been counted so far.
    pub(super) fn traffic(&self) -> Traffic {
        Traffic {
            requests: self.requests.load(Relaxed),
            rows: self.rows.load(Relaxed),
        }
    }
}

/// Requests to Authentik and the rows of its answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests that were sent, repeated ones included.
    pub requests: u64,
    /// Rows of users and groups that were received.
    pub rows: u64,
}

impl Traffic {
    /// What came after an earlier count of the same client.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(earlier.requests),
            rows: self.rows.saturating_sub(earlier.rows),
        }
    }
}
