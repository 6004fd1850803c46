//! The database's clock, which all replicas use, so that their machines' clocks may differ.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

use jiff::SignedDuration;

use crate::clock::Clock;

/// A smaller difference is ignored, so that times do not jump back and forth.
const TOLERATED_SKEW_MS: i64 = 1000;

/// This machine's clock with a correction.
#[derive(Clone, Debug)]
pub struct DatabaseClock {
    machine: Clock,
    /// The database's clock minus this machine's, in milliseconds.
    skew_ms: Arc<AtomicI64>,
}

impl DatabaseClock {
    /// Returns a clock that equals this machine's until the first correction.
    #[must_use]
    pub fn new(machine: Clock) -> Self {
        Self {
            machine,
            skew_ms: Arc::default(),
        }
    }

    /// Returns the corrected clock.
    #[must_use]
    pub fn clock(&self) -> Clock {
        let Self { machine, skew_ms } = self.clone();
        Clock::new(move || {
            let now = machine.now();
            let skew = SignedDuration::from_millis(skew_ms.load(Relaxed));
            now.checked_add(skew).unwrap_or(now)
        })
    }

    /// Corrects the clock by a time of the database, in milliseconds since the epoch.
    pub(super) fn correct(&self, database_ms: i64) {
        let skew = database_ms - self.machine.now().as_millisecond();
        if (skew - self.skew_ms.load(Relaxed)).abs() > TOLERATED_SKEW_MS {
            self.skew_ms.store(skew, Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_clock_that_is_an_hour_off_is_corrected() {
        let machine = Timestamp::from_second(1_000_000).unwrap();
        let shared = DatabaseClock::new(Clock::new(move || machine));
        let clock = shared.clock();
        let seconds_off = |database_ms| {
            shared.correct(database_ms);
            clock.now().duration_since(machine).as_secs_f64()
        };
        let database = machine.as_millisecond() - 3_600_000;
        for (time, off) in [
            (machine.as_millisecond() + 900, 0.0),
            (database, -3600.0),
            (database + 900, -3600.0),
            (machine.as_millisecond(), 0.0),
        ] {
            assert!((seconds_off(time) - off).abs() < f64::EPSILON);
        }
    }
}
