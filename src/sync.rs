//! Keeps the snapshot fresh: waits for what is due or asked for, runs one cycle at a time.

pub mod cycle;
pub mod guard;
mod judgement;
pub mod keeper;
pub mod reading;
mod restart;
pub mod timetable;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::authentik::client::Client;
use crate::catalog::policy::Policy;
use crate::clock::Clock;
use crate::config::ShrinkGuard;
use crate::jitter::Jitter;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::reading::Reading;
use crate::snapshot::run::{Failure, Outcome, Report, Run, Trigger};
use cycle::{Cycle, Stop};
use guard::Acceptance;
use keeper::Keeper;
use reading::Pace;
use timetable::{Last, Timetable};

/// The longest sleep in one piece, so that a set clock or a suspended machine is noticed.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// How long Authentik is left alone after each run, however often runs are asked for: a storm of posts
/// must not become a storm of readings.
pub const REST: Duration = Duration::from_secs(1);

/// What a changed configuration may change.
#[derive(Debug)]
pub struct Settings {
    /// Asks Authentik.
    pub client: Client,
    /// Which rows become entities.
    pub policy: Arc<Policy>,
    /// When everything is read, and how long readings may take.
    pub pace: Pace,
    /// What a run may remove.
    pub limits: ShrinkGuard,
    /// What accepting a loss takes.
    pub acceptance: Acceptance,
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
    /// What lengthens pauses after repeated failures.
    pub jitter: Jitter,
    /// Where news about the configuration comes from.
    pub reloads: mpsc::Receiver<Reload>,
    /// Keeps snapshots for the next start.
    pub keeper: Keeper,
    /// How long Authentik is left alone after each run.
    pub rest: Duration,
}

impl Scheduler {
    /// Runs until shutdown; a cycle under way is cancelled and changes nothing.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let begun = self.clock.now();
        self.keeper.begin();
        self.restore(&shutdown).await;
        let mut last: Option<Last> = None;
        let mut rested: Option<Instant> = None;
        while !shutdown.is_cancelled() {
            let due =
                self.timetable
                    .due(begun, last.as_ref(), self.cycle.store.current().is_some());
            self.ledger.announce(due);
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(reload) = self.reloads.recv() => {
                    self.reload(reload, last.as_ref(), &shutdown).await;
                    continue;
                }
                () = wanted(&self.ledger, &self.clock, due, rested) => {}
            }
            let started = self.clock.now();
            let Some(run) = self.ledger.start() else {
                continue;
            };
            let outcome = self.cycle_once(&run, &shutdown).await;
            let (succeeded, failures) = (
                outcome.is_ok(),
                self.failures(&run, &outcome, last.as_ref()),
            );
            self.conclude("sync", outcome);
            rested = Some(Instant::now() + self.rest);
            if succeeded {
                self.keep();
            }
            let (ended, jitter) = (self.clock.now(), self.jitter.next());
            last = Some(Last {
                started,
                ended,
                failures,
                succeeded,
                jitter,
            });
        }
        // Whoever still waits for a run learns that it does not come.
        self.ledger
            .close(Outcome::Failed(cancelled("before the run began")));
    }

    /// How many runs have failed one after another. Somebody who asks for a run, or another
    /// configuration, begins anew. A held run has read Authentik, so that it slows nothing down; but while
    /// there is nothing to serve it is followed as soon as a failure.
    fn failures(&self, run: &Run, outcome: &Result<Report, Stop>, last: Option<&Last>) -> u32 {
        match outcome {
            Ok(_) => 0,
            Err(Stop::Held(_)) if self.cycle.store.current().is_some() => 0,
            Err(_) if run.trigger != Trigger::Schedule => 1,
            Err(_) => last.map_or(0, |last| last.failures).saturating_add(1),
        }
    }

    /// Runs one cycle, unless the shutdown comes first.
    async fn cycle_once(
        &mut self,
        run: &Run,
        shutdown: &CancellationToken,
    ) -> Result<Report, Stop> {
        tracing::debug!(run = %run.id, "sync started");
        let ledger = Arc::clone(&self.ledger);
        tokio::select! {
            () = shutdown.cancelled() => Err(Stop::Failed(cancelled("during the run"))),
            ended = self.cycle.run(run.wishes, &run.progress, |reading| ledger.tell(reading)) => ended,
        }
    }

    /// Takes new settings over. The rows that are kept of this server are transformed again; a run is
    /// asked for where there are none, or where the last one failed and the change may have mended it.
    async fn reload(&mut self, reload: Reload, last: Option<&Last>, shutdown: &CancellationToken) {
        let Settings {
            client,
            policy,
            pace,
            limits,
            acceptance,
            timetable,
            state_dir,
        } = match reload {
            Reload::Settings(settings) => *settings,
            Reload::Refused(failure) => {
                self.ledger.refuse(Some(failure.message.clone()));
                self.ledger.begin(Trigger::Reload);
                self.conclude("reload", Err(Stop::Failed(failure)));
                return;
            }
        };
        self.ledger.refuse(None);
        self.timetable = timetable;
        (self.cycle.client, self.cycle.policy, self.cycle.pace) = (client, policy, pace);
        (self.cycle.limits, self.cycle.acceptance) = (limits, acceptance);
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
        if !has_kept_rows || last.is_some_and(|last| !last.succeeded) {
            self.ledger.request(Trigger::Reload);
        }
    }

    /// Ends the run that is under way, in the ledger and then in the log.
    fn conclude(&self, what: &str, ended: Result<Report, Stop>) {
        let reading = self
            .ledger
            .finish(ended.clone().map_or_else(Outcome::from, Outcome::Succeeded));
        let mode = reading.map(Reading::mode);
        let why = reading
            .and_then(Reading::reason)
            .map(tracing::field::display);
        match ended {
            Ok(Report {
                users,
                groups,
                changes,
                findings,
            }) => tracing::info!(
                mode,
                why,
                users,
                groups,
                added = changes.added,
                changed = changes.changed,
                removed = changes.removed,
                findings = findings.len(),
                "{what} succeeded"
            ),
            Err(Stop::Held(Failure { code, message, .. })) => {
                tracing::error!(code, mode, why, reason = %message, "{what} was held");
            }
            Err(Stop::Failed(Failure { code, message, .. })) => {
                tracing::error!(code, mode, why, reason = %message, "{what} failed");
            }
        }
    }
}

/// Waits until a run is due or asked for, and Authentik has been left alone for long enough.
async fn wanted(ledger: &Ledger, clock: &Clock, due: Option<Timestamp>, rested: Option<Instant>) {
    tokio::select! {
        () = sleep_until(clock, due) => { ledger.request(Trigger::Schedule); }
        () = ledger.requested() => {}
    }
    if let Some(rested) = rested {
        tokio::time::sleep_until(rested).await;
    }
}

/// Waits until a time of the wall clock; for ever without one.
async fn sleep_until(clock: &Clock, due: Option<Timestamp>) {
    let Some(due) = due else {
        return std::future::pending().await;
    };
    while let Ok(rest) = Duration::try_from(due.duration_since(clock.now())) {
        if rest.is_zero() {
            return;
        }
        tokio::time::sleep(rest.min(LONGEST_SLEEP)).await;
    }
}

/// The end of a run that the shutdown came before.
fn cancelled(when: &str) -> Failure {
    Failure::new("cancelled", format!("the service was shut down {when}"))
}
