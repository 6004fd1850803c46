//! The status of the service besides its runs, shared by the tasks that set it and the HTTP
//! handlers.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use super::push::PushReport;

/// The next run, the last push and a configuration error. The lock is held for an assignment,
/// never over an `await`.
#[derive(Debug, Default)]
pub struct ServiceStatus(Mutex<Facts>);

#[derive(Debug, Default)]
struct Facts {
    next_run_at: Option<Timestamp>,
    configuration_error: Option<String>,
    push: Option<PushReport>,
    pushes: PushTotals,
}

/// The number of rounds of pushes since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PushTotals {
    /// Rounds in which all requests succeeded.
    pub succeeded: u64,
    /// Rounds with a failure; what failed is retried in a later round.
    pub failed: u64,
}

impl ServiceStatus {
    /// Sets when the next scheduled run is due.
    pub fn announce(&self, next_run_at: Option<Timestamp>) {
        self.lock().next_run_at = next_run_at;
    }

    /// Returns when the next scheduled run is due, but never before `now`: a due run may have to
    /// wait.
    #[must_use]
    pub fn next_run_at(&self, now: Timestamp) -> Option<Timestamp> {
        self.lock().next_run_at.map(|due| due.max(now))
    }

    /// Sets why the configuration on disk is invalid; `None` if it is valid.
    pub fn set_configuration_error(&self, reason: Option<String>) {
        self.lock().configuration_error = reason;
    }

    /// Returns why the configuration on disk is invalid, while an older one is in effect.
    #[must_use]
    pub fn configuration_error(&self) -> Option<String> {
        self.lock().configuration_error.clone()
    }

    /// Sets the outcome of the last push to Backstage.
    pub fn report_push(&self, report: PushReport) {
        let mut facts = self.lock();
        match report.failure {
            None => facts.pushes.succeeded += 1,
            Some(_) => facts.pushes.failed += 1,
        }
        facts.push = Some(report);
    }

    /// Returns the outcome of the last push to Backstage.
    #[must_use]
    pub fn last_push(&self) -> Option<PushReport> {
        self.lock().push.clone()
    }

    /// Returns the number of rounds of pushes; `None` before the first one.
    #[must_use]
    pub fn push_totals(&self) -> Option<PushTotals> {
        let facts = self.lock();
        facts.push.is_some().then_some(facts.pushes)
    }

    /// Locks the facts; a panic of another holder cannot leave them half changed.
    fn lock(&self) -> MutexGuard<'_, Facts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_run_is_never_in_the_past() {
        let [past, now, future] = [1, 2, 3].map(|second| Timestamp::from_second(second).unwrap());
        let status = ServiceStatus::default();
        assert_eq!(status.next_run_at(now), None);
        for (due, shown) in [(past, now), (now, now), (future, future)] {
            status.announce(Some(due));
            assert_eq!(status.next_run_at(now), Some(shown));
        }
    }
}
