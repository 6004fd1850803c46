//! When everything is read anew, and how long each kind of reading may take.

use std::time::Duration;

use super::duration::positive_duration;
use super::schedule::{Frequency, frequency};
use super::section::{defaults, section};

section! {
    /// The section `entityProvider.fullSync`.
    pub struct FullSync {
        /// How often a sync reads everything and not only what changed; it is the first one that is due
        /// after that time.
        frequency: Frequency = frequency().default("{hours: 24}"),
        /// How long a sync that reads everything may take, unless `schedule.timeout` is longer; longer than
        /// zero.
        timeout: Duration = positive_duration().default("{hours: 1}"),
    }
}

impl Default for FullSync {
    fn default() -> Self {
        defaults()
    }
}

/// How long a reading may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// The key that says so.
    pub key: &'static str,
    /// The time.
    pub time: Duration,
}

impl Limit {
    /// The limit of a reading of what changed.
    pub(super) fn of_delta(timeout: Duration) -> Self {
        Self {
            key: "schedule.timeout",
            time: timeout,
        }
    }

    /// The limit of a full reading: whoever raised the other one above it meant full readings.
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
            Limit::of_full(hour, minute),
            Limit {
                key: "fullSync.timeout",
                time: hour
            }
        );
        assert_eq!(
            Limit::of_full(minute, hour),
            Limit {
                key: "schedule.timeout",
                time: hour
            }
        );
    }
}
