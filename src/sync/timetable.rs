//! When the next run is due: a pure function of the schedule and of the last run.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::{Frequency, Schedule};

/// The first pause after a failure while there is nothing to serve; it doubles.
const FIRST_RETRY: Duration = Duration::from_secs(10);
/// The longest such pause.
const LAST_RETRY: Duration = Duration::from_mins(5);

/// The run before the next.
#[derive(Clone, Copy, Debug)]
pub struct Last {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How many runs have failed one after another, this one included.
    pub failures: u32,
}

/// A schedule in a time zone.
#[derive(Clone, Debug)]
pub struct Timetable {
    /// The schedule.
    pub schedule: Schedule,
    /// The local time that cron expressions mean.
    pub zone: TimeZone,
}

impl Timetable {
    /// When the next run is due; never while runs are only asked for.
    ///
    /// The first one is due `initialDelay` after the service began, since there is nothing to serve
    /// before it; for the same reason a failure without a snapshot is followed sooner.
    #[must_use]
    pub fn due(&self, begun: Timestamp, last: Option<&Last>, has_snapshot: bool) -> Option<Timestamp> {
        let Schedule { frequency, initial_delay, .. } = &self.schedule;
        let Some(last) = last else {
            return (!matches!(frequency, Frequency::Manual)).then(|| later(begun, *initial_delay));
        };
        let due = frequency.next_after(last.started, last.ended, &self.zone)?;
        if has_snapshot || last.failures == 0 {
            return Some(due);
        }
        let pause = FIRST_RETRY.saturating_mul(1 << (last.failures - 1).min(5)).min(LAST_RETRY);
        Some(due.min(later(last.ended, pause)))
    }
}

/// A time moved by a duration, held at the end of time.
fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}
