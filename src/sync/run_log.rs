//! The end of a run: its entry in the ledger, and one line in the log.

use std::sync::Arc;

use jiff::Timestamp;

use super::cycle::CycleError;
use super::{Past, Scheduler};
use crate::authentik::client::Traffic;
use crate::snapshot::Snapshot;
use crate::snapshot::run::{Outcome, Run, RunReport};
use crate::snapshot::sync_mode::SyncMode;

/// The fields of the log line.
struct RunFacts<'a> {
    /// The first word of the message, such as `sync`.
    what: &'a str,
    /// The run after its end.
    run: &'a Run,
    /// The requests that it sent.
    traffic: Traffic,
    /// When the next scheduled run is due.
    next_run_at: Option<Timestamp>,
    /// The age of the snapshot, if it was restored from the state file.
    restored_age_seconds: Option<i64>,
}

/// Logs an event with the fields of a run and with further ones.
macro_rules! run_event {
    ($level:ident, $facts:expr, $($field:tt)+) => {{
        let RunFacts { run, traffic, next_run_at, restored_age_seconds, .. } = $facts;
        tracing::$level!(
            run = %run.id,
            trigger = %run.trigger,
            mode = run.mode.map(SyncMode::name),
            reason = run.mode.and_then(SyncMode::reason).map(tracing::field::display),
            duration_seconds = run.duration_seconds(),
            requests = traffic.requests,
            rows = traffic.rows,
            age_seconds = restored_age_seconds,
            next_run_at = next_run_at.map(tracing::field::display),
            $($field)+
        )
    }};
}

impl RunFacts<'_> {
    /// Writes the line. A run that the shutdown cancels is not an error.
    fn log(&self, ended: &Result<RunReport, CycleError>) {
        let what = self.what;
        match ended {
            Ok(report) => self.succeeded(report),
            Err(CycleError::Held(failure, changes)) => {
                let (code, message) = (&*failure.code, &failure.message);
                let removed = changes.removed;
                run_event!(error, self, code, removed, error = %message, "{what} was held");
            }
            Err(CycleError::Failed(failure) | CycleError::TimedOut(failure)) => {
                let (code, message) = (&*failure.code, &failure.message);
                run_event!(error, self, code, error = %message, "{what} failed");
            }
            Err(CycleError::Postponed(failure)) => {
                let (code, message) = (&*failure.code, &failure.message);
                run_event!(warn, self, code, error = %message, "{what} was postponed");
            }
            Err(CycleError::Cancelled(_)) => {
                let facts = &Self {
                    next_run_at: None,
                    ..*self
                };
                run_event!(info, facts, "{what} was cancelled");
            }
        }
    }

    fn succeeded(&self, report: &RunReport) {
        let what = self.what;
        run_event!(
            info,
            self,
            users = report.users,
            groups = report.groups,
            added = report.changes.added,
            changed = report.changes.changed,
            removed = report.changes.removed,
            findings = report.findings,
            "{what} succeeded"
        );
    }
}

impl Scheduler {
    /// Ends the run in progress in the ledger.
    pub(super) fn finish(&self, ended: &Result<RunReport, CycleError>) -> Option<Run> {
        let outcome = ended.clone().map_or_else(Outcome::from, Outcome::Succeeded);
        self.ledger.finish(outcome)
    }

    /// Ends and logs a run without requests: a restart, or a changed configuration.
    pub(super) fn conclude(&self, what: &str, ended: &Result<RunReport, CycleError>, past: &Past) {
        let run = self.finish(ended);
        let next_run_at = self.announce(past);
        self.log(what, run.as_ref(), ended, Traffic::default(), next_run_at);
    }

    /// Logs a run that has ended.
    pub(super) fn log(
        &self,
        what: &str,
        run: Option<&Run>,
        ended: &Result<RunReport, CycleError>,
        traffic: Traffic,
        next_run_at: Option<Timestamp>,
    ) {
        let Some(run) = run else { return };
        let restored = self
            .cycle
            .store
            .current()
            .filter(|current| current.restored);
        let age = |snapshot: Arc<Snapshot>| self.clock.now().duration_since(snapshot.read_at);
        let facts = RunFacts {
            what,
            run,
            traffic,
            next_run_at,
            restored_age_seconds: restored.map(|snapshot| age(snapshot).as_secs().max(0)),
        };
        facts.log(ended);
    }
}
