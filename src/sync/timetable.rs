//! When the next run is due: a pure function of the schedule, the last run and a random jitter.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::config::{Frequency, Schedule};

/// The first backoff after a failure while there is no snapshot. It doubles with each failure.
const INITIAL_BACKOFF: Duration = Duration::from_secs(10);
/// The longest such backoff.
const INITIAL_BACKOFF_LIMIT: Duration = Duration::from_mins(5);
/// After so many consecutive failures the pauses get longer. A restart of Authentik causes fewer.
const REGULAR_FAILURES: u32 = 2;
/// The longest backoff after repeated failures, unless the schedule's own pause is longer. It limits the
/// time until a repaired Authentik is noticed.
const LONGEST_BACKOFF: Duration = Duration::from_hours(1);
/// The largest random extension of a longer pause, so that several services do not sync at once.
const JITTER: f64 = 0.25;

/// The last run.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct LastRun {
    /// When it started.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// The number of consecutive failures, this run included. A success, a request and a changed
    /// configuration reset it.
    pub failures: u32,
    /// True if it published a snapshot.
    pub succeeded: bool,
    /// The share of the maximum jitter for the pause after it, 0 to 1.
    pub jitter: f64,
}

/// A schedule in a time zone.
#[derive(Clone, Debug)]
pub struct Timetable {
    /// The schedule.
    pub schedule: Schedule,
    /// The time zone of cron expressions.
    pub zone: TimeZone,
}

impl Timetable {
    /// Returns when the next run is due; `None` if runs are only requested.
    ///
    /// The first run of this process is due `initialDelay` after its start at the earliest, also if another
    /// replica has run before. While there is no snapshot, a failed run is retried sooner.
    #[must_use]
    pub fn due(
        &self,
        service_started: Timestamp,
        last: Option<&LastRun>,
        has_snapshot: bool,
    ) -> Option<Timestamp> {
        let Schedule {
            frequency,
            initial_delay,
            ..
        } = &self.schedule;
        let first = later(service_started, *initial_delay);
        let Some(last) = last else {
            return (!matches!(frequency, Frequency::Manual)).then_some(first);
        };
        let due = frequency.next_after(last.started, last.ended, &self.zone)?;
        let due = if has_snapshot {
            self.backed_off(due, last)
        } else if last.failures == 0 {
            due
        } else {
            due.min(later(last.ended, initial_backoff(last.failures)))
        };
        Some(due.max(first))
    }

    /// Returns the due time after repeated failures: the pause doubles with each failure after the first few.
    fn backed_off(&self, due: Timestamp, last: &LastRun) -> Timestamp {
        let doublings = last.failures.saturating_sub(REGULAR_FAILURES).min(16);
        let Ok(regular) = Duration::try_from(due.duration_since(last.started)) else {
            return due;
        };
        let pause = regular.saturating_mul(1 << doublings).min(LONGEST_BACKOFF);
        if doublings == 0 || pause <= regular {
            return due;
        }
        let earliest = later(
            last.started,
            pause.mul_f64(1.0 + JITTER * last.jitter.clamp(0.0, 1.0)),
        );
        // One nanosecond earlier, because a cron expression's next time is strictly later than its argument.
        let before = earliest
            .checked_sub(Duration::from_nanos(1))
            .unwrap_or(earliest);
        let Schedule { frequency, .. } = &self.schedule;
        match frequency {
            Frequency::Cron(_) => frequency
                .next_after(last.started, before, &self.zone)
                .unwrap_or(earliest),
            Frequency::Every(_) | Frequency::Manual => earliest,
        }
    }
}

/// Returns the pause after this number of failures while there is no snapshot.
fn initial_backoff(failures: u32) -> Duration {
    INITIAL_BACKOFF
        .saturating_mul(1 << failures.saturating_sub(1).min(5))
        .min(INITIAL_BACKOFF_LIMIT)
}

/// Adds a duration to a time; saturates at the largest time.
fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}
