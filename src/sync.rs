//! Keeps the snapshot fresh: waits for what is due or asked for, runs one cycle at a time.

mod basis;
mod build;
pub mod cycle;
pub mod guard;
pub mod persister;
pub mod read;
mod reconfigure;
mod restart;
mod run_log;
pub mod timetable;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::jitter::Jitter;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::run::{Failure, Outcome, Run, RunReport, Trigger};
use crate::snapshot::status::ServiceStatus;
use cycle::{Cycle, CycleError};
use persister::Persister;
pub use reconfigure::{Reload, SyncSettings};
use timetable::{LastRun, Timetable};

/// The longest sleep in one piece, so that a set clock or a suspended machine is noticed.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// How long Authentik is left alone after each run, however often runs are asked for: a storm of posts
/// must not become a storm of readings.
pub const COOLDOWN: Duration = Duration::from_secs(1);

/// What the scheduler remembers of the runs before.
#[derive(Debug)]
struct Past {
    /// When the scheduler began.
    begun: Timestamp,
    /// The run that ended last.
    last: Option<LastRun>,
    /// When the cooldown after that run ends.
    cooled_at: Option<Instant>,
}

impl Past {
    fn new(begun: Timestamp) -> Self {
        Self {
            begun,
            last: None,
            cooled_at: None,
        }
    }
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
    /// Where the next run and a refused configuration are reported.
    pub status: Arc<ServiceStatus>,
    /// The wall clock.
    pub clock: Clock,
    /// What lengthens pauses after repeated failures.
    pub jitter: Jitter,
    /// Where news about the configuration comes from.
    pub reloads: mpsc::Receiver<Reload>,
    /// Keeps snapshots for the next start.
    pub persister: Persister,
    /// How long Authentik is left alone after each run.
    pub cooldown: Duration,
}

impl Scheduler {
    /// Runs until shutdown; a cycle under way is cancelled and changes nothing.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut past = Past::new(self.clock.now());
        self.persister.begin();
        self.restore(&past, &shutdown).await;
        while !shutdown.is_cancelled() {
            let due = self.announce(&past);
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(reload) = self.reloads.recv() => self.reload(reload, &past, &shutdown).await,
                () = wanted(&self.ledger, &self.clock, due, past.cooled_at) => {
                    self.sync(&mut past, &shutdown).await;
                }
            }
        }
        // Clients that still wait for a run learn that it does not come.
        self.status.announce(None);
        self.ledger
            .close(Outcome::Failed(cancelled("before the run began")));
    }

    /// Says when the next run is due.
    fn announce(&self, past: &Past) -> Option<Timestamp> {
        let has_snapshot = self.cycle.store.current().is_some();
        let due = self
            .timetable
            .due(past.begun, past.last.as_ref(), has_snapshot);
        self.status.announce(due);
        due
    }

    /// Begins and ends the queued run, if there is one.
    async fn sync(&mut self, past: &mut Past, shutdown: &CancellationToken) {
        let Some(run) = self.ledger.start() else {
            return;
        };
        // When the next one is due depends on the end of this one.
        self.status.announce(None);
        let (started, before) = (self.clock.now(), self.cycle.client.traffic());
        let ended = self.cycle_once(&run, shutdown).await;
        let failures = self.failures(&run, &ended, past.last.as_ref());
        let run = self.finish(&ended);
        past.cooled_at = Some(Instant::now() + self.cooldown);
        past.last = Some(LastRun {
            started,
            ended: self.clock.now(),
            failures,
            succeeded: ended.is_ok(),
            jitter: self.jitter.next(),
        });
        let next_run_at = self.announce(past);
        let traffic = self.cycle.client.traffic().since(before);
        self.log("sync", run.as_ref(), &ended, traffic, next_run_at);
        if ended.is_ok() {
            self.keep();
        }
    }

    /// How many runs have failed one after another. Somebody who asks for a run, or another
    /// configuration, begins anew. A held run has read Authentik, so that it slows nothing down; but while
    /// there is nothing to serve it is followed as soon as a failure.
    fn failures(
        &self,
        run: &Run,
        outcome: &Result<RunReport, CycleError>,
        last: Option<&LastRun>,
    ) -> u32 {
        match outcome {
            Ok(_) => 0,
            Err(CycleError::Held(_)) if self.cycle.store.current().is_some() => 0,
            Err(_) if run.trigger != Trigger::Schedule => 1,
            Err(_) => last.map_or(0, |last| last.failures).saturating_add(1),
        }
    }

    /// Runs one cycle, unless the shutdown comes first.
    async fn cycle_once(
        &mut self,
        run: &Run,
        shutdown: &CancellationToken,
    ) -> Result<RunReport, CycleError> {
        tracing::debug!(run = %run.id, "sync started");
        let ledger = Arc::clone(&self.ledger);
        tokio::select! {
            () = shutdown.cancelled() => Err(CycleError::Cancelled(cancelled("during the run"))),
            ended = self.cycle.run(run.options, &run.progress, |reading| ledger.set_mode(reading)) => ended,
        }
    }
}

/// Waits until a run is due or asked for, and Authentik has been left alone for long enough.
async fn wanted(
    ledger: &Ledger,
    clock: &Clock,
    due: Option<Timestamp>,
    cooled_at: Option<Instant>,
) {
    tokio::select! {
        () = sleep_until(clock, due) => { ledger.request(Trigger::Schedule); }
        () = ledger.requested() => {}
    }
    if let Some(cooled_at) = cooled_at {
        tokio::time::sleep_until(cooled_at).await;
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
