//! Keeps the snapshot fresh: waits for what is due or asked for, runs one cycle at a time.

pub mod cycle;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Frequency, Schedule};
use crate::progress::Progress;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::run::{Failure, Outcome, RunId, Trigger};
use cycle::Cycle;

/// The longest sleep in one piece, so that a set clock or a suspended machine is noticed.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);
/// The first pause after a failure while there is nothing to serve; it doubles.
const FIRST_RETRY: Duration = Duration::from_secs(10);
/// The longest such pause.
const LAST_RETRY: Duration = Duration::from_mins(5);

/// Runs cycles when they are due or asked for.
#[derive(Debug)]
pub struct Scheduler {
    /// What a run does.
    pub cycle: Cycle,
    /// When runs are due.
    pub schedule: Schedule,
    /// Where runs are asked for and reported.
    pub ledger: Arc<Ledger>,
    /// The wall clock.
    pub clock: Clock,
    /// The local time that cron expressions mean.
    pub zone: TimeZone,
}

impl Scheduler {
    /// Runs until shutdown; a cycle under way is cancelled and changes nothing.
    pub async fn run(self, shutdown: CancellationToken) {
        let mut due = self.first();
        let mut failures = 0;
        while !shutdown.is_cancelled() {
            self.ledger.announce(due);
            tokio::select! {
                () = shutdown.cancelled() => break,
                () = self.sleep_until(due) => { self.ledger.request(Trigger::Schedule); }
                () = self.ledger.requested() => {}
            }
            let started = self.clock.now();
            let Some((id, progress)) = self.ledger.start() else { continue };
            let outcome = tokio::select! {
                () = shutdown.cancelled() => {
                    tracing::info!(run = %id, "sync cancelled");
                    Outcome::Failed(cancelled())
                }
                outcome = self.cycle_once(id, &progress) => outcome,
            };
            failures = if matches!(outcome, Outcome::Failed(_)) { failures + 1 } else { 0 };
            self.ledger.finish(outcome);
            due = self.next(started, failures);
        }
        // Whoever still waits for a run learns that it does not come.
        if self.ledger.start().is_some() {
            self.ledger.finish(Outcome::Failed(cancelled()));
        }
        self.ledger.announce(None);
    }

    /// Runs one cycle and logs how it ended.
    async fn cycle_once(&self, id: RunId, progress: &Progress) -> Outcome {
        tracing::debug!(run = %id, "sync started");
        match self.cycle.run(progress).await {
            Ok(report) => {
                let changes = &report.changes;
                tracing::info!(
                    run = %id, users = report.users, groups = report.groups, added = changes.added,
                    changed = changes.changed, removed = changes.removed, findings = report.findings.len(),
                    "sync succeeded"
                );
                Outcome::Succeeded(report)
            }
            Err(failure) => {
                tracing::error!(run = %id, code = failure.code, reason = %failure.message, "sync failed");
                Outcome::Failed(failure)
            }
        }
    }

    /// When the first run is due: none while runs are only asked for.
    fn first(&self) -> Option<Timestamp> {
        let manual = matches!(self.schedule.frequency, Frequency::Manual);
        (!manual).then(|| later(self.clock.now(), self.schedule.initial_delay))
    }

    /// When the next run is due; sooner after a failure that left nothing to serve.
    fn next(&self, started: Timestamp, failures: u32) -> Option<Timestamp> {
        let now = self.clock.now();
        let due = self.schedule.frequency.next_after(started, now, &self.zone)?;
        if failures == 0 || self.cycle.has_snapshot() {
            return Some(due);
        }
        let pause = FIRST_RETRY.saturating_mul(1 << (failures - 1).min(5)).min(LAST_RETRY);
        Some(due.min(later(now, pause)))
    }

    /// Waits until a time of the wall clock; for ever without one.
    async fn sleep_until(&self, due: Option<Timestamp>) {
        let Some(due) = due else { return std::future::pending().await };
        while let Ok(rest) = Duration::try_from(due.duration_since(self.clock.now())) {
            if rest.is_zero() {
                return;
            }
            tokio::time::sleep(rest.min(LONGEST_SLEEP)).await;
        }
    }
}

/// A time moved by a duration, held at the end of time.
fn later(time: Timestamp, by: Duration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}

/// The end of a run that the shutdown interrupted.
fn cancelled() -> Failure {
    Failure { code: "cancelled", message: "the service was shut down during the run".into() }
}
