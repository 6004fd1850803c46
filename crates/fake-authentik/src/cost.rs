//! What answers cost: the time a real server would take, spent asleep.

use std::time::Duration;

/// The price of requests; nothing by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Time that every request takes.
    pub latency: Duration,
    /// Time that every returned user takes (measured on the real server: about 7 ms).
    pub per_user: Duration,
    /// Requests worked on at once; others queue. None means any number.
    pub workers: Option<usize>,
}

impl Cost {
    /// Gives the time that an answer with this many users takes.
    pub(super) fn of(&self, users: usize) -> Duration {
        self.latency
            + self
                .per_user
                .saturating_mul(u32::try_from(users).unwrap_or(u32::MAX))
    }
}
