//! When the next run is due: a pure function of the schedule, of the last run and of chance.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::config::{Frequency, Schedule};

/// The first pause after a failure while there is nothing to serve; it doubles.
const FIRST_RETRY: Duration = Duration::from_secs(10);
/// The longest such pause.
const LAST_RETRY: Duration = Duration::from_mins(5);
/// How many failures in a row are followed by a regular run: a restart of Authentik takes no longer.
const REGULAR_FAILURES: u32 = 2;
/// The longest pause that repeated failures lead to, unless the schedule's own is longer: so long may a
/// mended Authentik go unnoticed.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);
/// How much longer a lengthened pause may be by chance, so that several services do not ask at once.
const JITTER: f64 = 0.25;

/// The run before the next.
#[derive(Clone, Copy, Debug)]
pub struct LastRun {
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// How many runs have failed one after another, this one included, since the last one that
    /// succeeded, that was asked for or that follows another configuration.
    pub failures: u32,
    /// Whether it published something.
    pub succeeded: bool,
    /// Which part of the possible jitter the pause after it gets, 0 to 1.
    pub jitter: f64,
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
    pub fn due(
        &self,
        begun: Timestamp,
        last: Option<&LastRun>,
        has_snapshot: bool,
    ) -> Option<Timestamp> {
        let Schedule {
            frequency,
            initial_delay,
            ..
        } = &self.schedule;
        let Some(last) = last else {
            return (!matches!(frequency, Frequency::Manual)).then(|| later(begun, *initial_delay));
        };
        let due = frequency.next_after(last.started, last.ended, &self.zone)?;
        if has_snapshot {
            return Some(self.lengthened(due, last));
        }
        if last.failures == 0 {
            return Some(due);
        }
        let pause = FIRST_RETRY
            .saturating_mul(1 << (last.failures - 1).min(5))
            .min(LAST_RETRY);
        Some(due.min(later(last.ended, pause)))
    }

    /// The due time after repeated failures: the pause doubles with each failure beyond the first few.
    fn lengthened(&self, due: Timestamp, last: &LastRun) -> Timestamp {
        let doublings = last.failures.saturating_sub(REGULAR_FAILURES).min(16);
        let Ok(regular) = Duration::try_from(due.duration_since(last.started)) else {
            return due;
        };
        let pause = regular.saturating_mul(1 << doublings).min(LONGEST_PAUSE);
        if doublings == 0 || pause <= regular {
            return due;
        }
        let earliest = later(
            last.started,
            pause.mul_f64(1.0 + JITTER * last.jitter.clamp(0.0, 1.0)),
        );
        // A moment sooner, since a cron expression's next time is later than the one it is asked about.
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

/// A time moved by a duration, held at the end of time.
fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}
