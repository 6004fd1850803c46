//! The section `entityProvider.fullSync`, and the time limits of syncs.

use std::time::Duration;

use super::duration::positive_duration;
use super::schedule::{Frequency, frequency};
use super::section::{defaults, section};

section! {
    /// The section `entityProvider.fullSync`.
    pub struct FullSync {
        /// How often a full sync runs. The first sync after that time is a full one.
        frequency: Frequency = frequency().default("{hours: 24}"),
        /// The time limit of a full sync, unless `schedule.timeout` is longer; longer than zero.
        timeout: Duration = positive_duration().default("{hours: 1}"),
    }
}

impl Default for FullSync {
    fn default() -> Self {
        defaults()
    }
}

/// The time limit of a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimit {
    /// The key that sets it.
    pub key: &'static str,
    /// The time.
    pub time: Duration,
}

impl TimeLimit {
    /// Returns the limit of an incremental sync.
    pub(super) fn of_delta(timeout: Duration) -> Self {
        Self {
            key: "schedule.timeout",
            time: timeout,
        }
    }

    /// Returns the limit of a full sync. A longer `schedule.timeout` applies to full syncs too.
    pub(super) fn of_full(timeout: Duration, schedule: Duration) -> Self {
        let delta = Self::of_delta(schedule);
        if delta.time > timeout {
            delta
        } else {
            Self {
                key: "fullSync.timeout",
                time: timeout,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longer_time_is_that_of_a_full_reading() {
        let [minute, hour] = [Duration::from_mins(1), Duration::from_hours(1)];
        assert_eq!(
            TimeLimit::of_full(hour, minute),
            TimeLimit {
                key: "fullSync.timeout",
                time: hour
            }
        );
        assert_eq!(
            TimeLimit::of_full(minute, hour),
            TimeLimit {
                key: "schedule.timeout",
                time: hour
            }
        );
    }
}
