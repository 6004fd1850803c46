//! The largest sizes of the directory in the last 24 hours. The shrink guard compares with them, so
//! that it notices many small removals.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::directory::Sizes;

/// The number of hours before the current one.
const HOURS: u64 = 24;

/// The largest published sizes of each hour; a part of the snapshot with at most a few entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RecentMaxima(BTreeMap<i64, Sizes>);

impl RecentMaxima {
    /// Returns maxima of a single moment.
    #[must_use]
    pub fn at(time: Timestamp, sizes: Sizes) -> Self {
        Self(BTreeMap::from([(hour(time), sizes)]))
    }

    /// Adds the sizes that were published at `time`, and drops hours more than a day away from it.
    /// Hours up to a day after it stay: a clock that is set back must not weaken the guard.
    #[must_use]
    pub fn and(&self, time: Timestamp, sizes: Sizes) -> Self {
        let now = hour(time);
        let mut hours = self.0.clone();
        hours.retain(|hour, _| is_within_a_day(*hour, now));
        let known = hours.get(&now).copied().unwrap_or_default();
        hours.insert(now, known.largest(sizes));
        Self(hours)
    }

    /// Returns the largest sizes that were published within 24 hours before a time.
    #[must_use]
    pub fn largest(&self, time: Timestamp) -> Sizes {
        let now = hour(time);
        let mut largest = Sizes::default();
        for (hour, sizes) in &self.0 {
            if is_within_a_day(*hour, now) {
                largest = largest.largest(*sizes);
            }
        }
        largest
    }
}

/// Whether two hours are at most a day apart.
fn is_within_a_day(hour: i64, other: i64) -> bool {
    hour.abs_diff(other) <= HOURS
}

/// Returns the hour of a time, counted from the epoch.
fn hour(time: Timestamp) -> i64 {
    time.as_second().div_euclid(3600)
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn at(minutes: i64) -> Timestamp {
        "2026-01-05T08:00:00Z".parse::<Timestamp>().unwrap() + SignedDuration::from_mins(minutes)
    }

    fn users(users: usize) -> Sizes {
        Sizes {
            users,
            ..Sizes::default()
        }
    }

    #[test]
    fn a_size_is_the_maximum_for_24_hours_and_is_then_dropped() {
        let maxima = RecentMaxima::at(at(0), users(100))
            .and(at(10), users(90))
            .and(at(60 * 20), users(80));
        assert_eq!(maxima.largest(at(60 * 23)).users, 100);
        assert_eq!(maxima.largest(at(60 * 25)).users, 80);
        assert_eq!(maxima.largest(at(60 * 50)).users, 0);
    }

    #[test]
    fn it_stays_small_when_the_clock_is_set() {
        let mut maxima = RecentMaxima::default();
        for minutes in (0..60 * 100).chain((-60 * 100..60 * 100).rev()) {
            maxima = maxima.and(at(minutes), users(1));
            assert!(maxima.0.len() <= 49, "{}", maxima.0.len());
        }
    }
}
