//! Simulated processing time of answers.

use std::time::Duration;

/// Processing time and concurrency of requests; free and unlimited by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Time added to every request.
    pub latency: Duration,
    /// Time added for every returned user (measured on the real server: about 7 ms).
    pub per_user: Duration,
    /// Number of requests processed at once; others queue. `None` means unlimited.
    pub workers: Option<usize>,
}

impl Cost {
    /// Returns the processing time of an answer with this many users.
    pub(super) fn of(&self, users: usize) -> Duration {
        self.latency
            + self
                .per_user
                .saturating_mul(u32::try_from(users).unwrap_or(u32::MAX))
    }
}
