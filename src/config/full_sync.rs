//! When everything is read anew, and how long each kind of reading may take.

use std::time::Duration;

use serde::Deserialize;

use super::duration;
use super::schedule::Frequency;

/// The section `entityProvider.fullSync`.
#[derive(Clone, Debug, Deserialize)]
#[serde(
    rename_all = "camelCase",
    default,
    expecting = "a mapping such as `{frequency: {hours: 24}}`"
)]
pub struct FullSync {
    /// How often a run reads everything and not only what changed.
    pub frequency: Frequency,
    /// How long such a reading may take; never zero.
    #[serde(deserialize_with = "duration::positive")]
    pub timeout: Duration,
}

impl Default for FullSync {
    fn default() -> Self {
        Self {
            frequency: Frequency::Every(Duration::from_hours(24)),
            timeout: Duration::from_hours(1),
        }
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
