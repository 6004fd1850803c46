//! Keeps the snapshot fresh: waits for what is due or asked for, runs one cycle at a time.

pub mod cycle;
pub mod keeper;
mod restart;
pub mod timetable;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::authentik::client::Client;
use crate::catalog::policy::Policy;
use crate::clock::Clock;
use crate::progress::Progress;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::run::{Failure, Outcome, Report, RunId, Trigger};
use cycle::Cycle;
use keeper::Keeper;
use timetable::{Last, Timetable};

/// The longest sleep in one piece, so that a set clock or a suspended machine is noticed.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// What a changed configuration may change.
#[derive(Debug)]
pub struct Settings {
    /// Asks Authentik.
    pub client: Client,
    /// Which rows become entities.
    pub policy: Arc<Policy>,
    /// How long the reading may take.
    pub timeout: Duration,
    /// When runs are due.
    pub timetable: Timetable,
    /// Where snapshots are kept for the next start.
    pub state_dir: Option<PathBuf>,
}

/// News about the configuration.
#[derive(Debug)]
pub enum Reload {
    /// These settings count from now on.
    Settings(Box<Settings>),
    /// The new configuration is invalid; the old one stays.
    Refused(Failure),
}

/// Runs cycles when they are due or asked for.
#[derive(Debug)]
pub struct Scheduler {
    /// What a run does.
    pub cycle: Cycle,
    /// When runs are due.
    pub timetable: Timetable,
    /// Where runs are asked for and reported.
    pub ledger: Arc<Ledger>,
    /// The wall clock.
    pub clock: Clock,
    /// Where news about the configuration comes from.
    pub reloads: mpsc::Receiver<Reload>,
    /// Keeps snapshots for the next start.
    pub keeper: Keeper,
}

impl Scheduler {
    /// Runs until shutdown; a cycle under way is cancelled and changes nothing.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let begun = self.clock.now();
        self.keeper.begin();
        self.restore(&shutdown).await;
        let mut last: Option<Last> = None;
        while !shutdown.is_cancelled() {
            let due = self.timetable.due(begun, last.as_ref(), self.cycle.store.current().is_some());
            self.ledger.announce(due);
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(reload) = self.reloads.recv() => {
                    self.reload(reload, last.as_ref(), &shutdown).await;
                    continue;
                }
                () = sleep_until(&self.clock, due) => { self.ledger.request(Trigger::Schedule); }
                () = self.ledger.requested() => {}
            }
            let started = self.clock.now();
            let Some((id, progress)) = self.ledger.start() else { continue };
            let ended = self.cycle_once(id, &progress, &shutdown).await;
            let failures = if ended.is_err() { last.map_or(0, |last| last.failures) + 1 } else { 0 };
            self.conclude("sync", ended);
            if failures == 0 {
                self.keep();
            }
            last = Some(Last { started, ended: self.clock.now(), failures });
        }
        // Whoever still waits for a run learns that it does not come.
        self.ledger.close(Outcome::Failed(cancelled("before the run began")));
    }

    /// Runs one cycle, unless the shutdown comes first.
    async fn cycle_once(
        &self,
        id: RunId,
        progress: &Progress,
        shutdown: &CancellationToken,
    ) -> Result<Report, Failure> {
        tracing::debug!(run = %id, "sync started");
        tokio::select! {
            () = shutdown.cancelled() => Err(cancelled("during the run")),
            ended = self.cycle.run(progress) => ended,
        }
    }

    /// Takes new settings over. The rows that are kept of this server are transformed again; a run is
    /// asked for where there are none, or where the last one failed and the change may have mended it.
    async fn reload(&mut self, reload: Reload, last: Option<&Last>, shutdown: &CancellationToken) {
        let Settings { client, policy, timeout, timetable, state_dir } = match reload {
            Reload::Settings(settings) => *settings,
            Reload::Refused(failure) => {
                self.ledger.refuse(Some(failure.message.clone()));
                self.ledger.begin(Trigger::Reload);
                self.conclude("reload", Err(failure));
                return;
            }
        };
        self.ledger.refuse(None);
        self.timetable = timetable;
        (self.cycle.client, self.cycle.policy, self.cycle.timeout) = (client, policy, timeout);
        self.keeper.move_to(state_dir);
        let has_kept_rows = self.cycle.has_kept_rows();
        if has_kept_rows {
            self.ledger.begin(Trigger::Reload);
            let ended = self.cycle.run_on_kept_rows().await;
            let succeeded = ended.is_ok();
            self.conclude("reload", ended);
            if succeeded {
                self.keep();
            }
        } else {
            self.restore(shutdown).await;
        }
        if !has_kept_rows || last.is_some_and(|last| last.failures > 0) {
            self.ledger.request(Trigger::Reload);
        }
    }

    /// Ends the run that is under way, in the ledger and then in the log.
    fn conclude(&self, what: &str, ended: Result<Report, Failure>) {
        self.ledger.finish(ended.clone().map_or_else(Outcome::Failed, Outcome::Succeeded));
        match ended {
            Ok(Report { users, groups, changes, findings }) => tracing::info!(
                users,
                groups,
                added = changes.added,
                changed = changes.changed,
                removed = changes.removed,
                findings = findings.len(),
                "{what} succeeded"
            ),
            Err(Failure { code, message }) => tracing::error!(code, reason = %message, "{what} failed"),
        }
    }
}

/// Waits until a time of the wall clock; for ever without one.
async fn sleep_until(clock: &Clock, due: Option<Timestamp>) {
    let Some(due) = due else { return std::future::pending().await };
    while let Ok(rest) = Duration::try_from(due.duration_since(clock.now())) {
        if rest.is_zero() {
            return;
        }
        tokio::time::sleep(rest.min(LONGEST_SLEEP)).await;
    }
}

/// The end of a run that the shutdown came before.
fn cancelled(when: &str) -> Failure {
    Failure { code: "cancelled", message: format!("the service was shut down {when}") }
}
