//! The scheduler: waits until a run is due or requested, and runs one cycle at a time.

mod basis;
mod build;
pub mod cycle;
mod follow;
pub mod guard;
pub mod persister;
pub mod read;
mod reconfigure;
mod restart;
mod run_log;
mod run_span;
pub mod timetable;
mod webhook;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use crate::clock::Clock;
use crate::cluster::Term;
use crate::jitter::Jitter;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::run::{Failure, Outcome, Run, RunReport, Trigger};
use crate::snapshot::status::ServiceStatus;
use cycle::{Cycle, CycleError};
use persister::Persister;
pub use reconfigure::{Reload, SyncSettings};
use timetable::{LastRun, Timetable};
use webhook::{WebhookPauses, WebhookRun};

/// The longest single sleep, so that the scheduler notices a changed clock or a suspended machine.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// The minimum time between two runs, so that many requests do not overload Authentik.
pub const COOLDOWN: Duration = Duration::from_secs(1);

/// The pause before a run that the database did not let begin is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// The history that decides when the next run is due.
#[derive(Debug)]
struct Past {
    /// When the scheduler started.
    started: Timestamp,
    /// The run that ended last.
    last: Option<LastRun>,
    /// When the cooldown after that run ends.
    cooled_at: Option<Instant>,
    /// When webhooks may start runs again.
    pauses: WebhookPauses,
}

impl Past {
    fn new(started: Timestamp) -> Self {
        Self {
            started,
            last: None,
            cooled_at: None,
            pauses: WebhookPauses::default(),
        }
    }
}

/// The runs that start without a request of a client.
#[derive(Debug)]
struct NextRuns {
    scheduled: Option<Timestamp>,
    webhook: Option<WebhookRun>,
}

/// Runs cycles when they are due or requested.
#[derive(Debug)]
pub struct Scheduler {
    /// Executes a run.
    pub cycle: Cycle,
    /// When runs are due.
    pub timetable: Timetable,
    /// Run requests and their outcomes.
    pub ledger: Arc<Ledger>,
    /// Publishes the time of the next run and a configuration error.
    pub status: Arc<ServiceStatus>,
    /// The wall clock.
    pub clock: Clock,
    /// Random part of the pauses after repeated failures.
    pub jitter: Jitter,
    /// Changes of the configuration.
    pub reloads: mpsc::Receiver<Reload>,
    /// Writes snapshots to the state file.
    pub persister: Persister,
    /// The minimum time between two runs.
    pub cooldown: Duration,
}

impl Scheduler {
    /// Runs until shutdown. A cycle in progress is cancelled and publishes nothing.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let mut past = Past::new(self.clock.now());
        self.persister.start();
        while let Some(term) = self.next_term(&shutdown).await {
            if self.take_over(&term, &mut past).await {
                self.lead(&term, &mut past).await;
            }
            self.status.announce(None);
        }
        // Clients that wait for a queued run get an answer.
        self.ledger.close(Outcome::Failed(cancelled(
            "the service was shut down",
            "before the run began",
        )));
    }

    /// Syncs until the end of the term.
    async fn lead(&mut self, term: &Term, past: &mut Past) {
        let cluster = self.cycle.cluster.clone();
        while !term.ended.is_cancelled() {
            let webhooks = self.ledger.webhooks();
            let next = self.next_runs(past);
            self.announce_one_of(&next);
            tokio::select! {
                () = term.ended.cancelled() => break,
                Some(reload) = self.reloads.recv() => self.reload(reload, past, &term.ended).await,
                () = self.ledger.notified(webhooks) => {}
                publication = cluster.publication(&self.cycle.store) => {
                    self.follow(publication).await;
                }
                () = next_run(&self.ledger, &self.clock, &next, past.cooled_at) => {
                    self.sync(past, term).await;
                }
            }
        }
    }

    /// Publishes and returns the time at which the next run is due.
    fn announce(&self, past: &Past) -> Option<Timestamp> {
        self.announce_one_of(&self.next_runs(past))
    }

    /// Publishes and returns the time at which the first of these runs is due.
    fn announce_one_of(&self, next: &NextRuns) -> Option<Timestamp> {
        let webhook = next.webhook.and_then(|run| {
            let left = run.at.saturating_duration_since(Instant::now());
            self.clock.now().checked_add(left).ok()
        });
        let due = next.scheduled.into_iter().chain(webhook).min();
        self.status.announce(due);
        due
    }

    /// Returns the next run of the schedule, and that of a webhook.
    fn next_runs(&self, past: &Past) -> NextRuns {
        let has_snapshot = self.cycle.store.current().is_some();
        NextRuns {
            scheduled: self
                .timetable
                .due(past.started, past.last.as_ref(), has_snapshot),
            webhook: self.webhook_run(past),
        }
    }

    /// Executes the queued run, if there is one.
    async fn sync(&mut self, past: &mut Past, term: &Term) {
        if let Err(failure) = self.cycle.cluster.claim().await {
            tracing::debug!(reason = %failure.message, "no run can begin; it is tried again");
            past.cooled_at = Some(Instant::now() + RETRY);
            return;
        }
        let Some(run) = self.ledger.start() else {
            return;
        };
        // The next due time depends on the end of this run.
        self.status.announce(None);
        let (started, before) = (self.clock.now(), self.cycle.client.traffic());
        let instant = Instant::now();
        let span = run_span::of(&run);
        let ended = self.cycle_once(&run, term).instrument(span.clone()).await;
        let failures = self.failures(&run, &ended, past.last.as_ref());
        let run = self.finish(&ended);
        past.cooled_at = Some(Instant::now() + self.cooldown);
        past.pauses
            .follow(run.as_ref().and_then(|run| run.mode), instant);
        if matches!(ended, Err(CycleError::Postponed(_))) {
            self.ledger.notify();
        }
        past.last = Some(LastRun {
            started,
            ended: self.clock.now(),
            failures,
            succeeded: ended.is_ok(),
            jitter: self.jitter.next(),
        });
        let next_run_at = self.announce(past);
        let traffic = self.cycle.client.traffic().since(before);
        if let Some(run) = &run {
            run_span::end(&span, run, traffic);
        }
        self.log("sync", run.as_ref(), &ended, traffic, next_run_at);
        if ended.is_ok() {
            self.save_snapshot();
        }
        self.share_last_run(past.last.as_ref()).await;
        if matches!(ended, Err(CycleError::TimedOut(_))) {
            self.cycle.cluster.step_down().await;
        }
    }

    /// Returns the number of consecutive failures after this run.
    ///
    /// A requested run and a changed configuration reset the count. A held run counts as a failure only
    /// while there is no snapshot: Authentik works, but the first snapshot should come soon. A postponed one
    /// is none.
    fn failures(
        &self,
        run: &Run,
        outcome: &Result<RunReport, CycleError>,
        last: Option<&LastRun>,
    ) -> u32 {
        match outcome {
            Ok(_) | Err(CycleError::Postponed(_)) => 0,
            Err(CycleError::Held(..)) if self.cycle.store.current().is_some() => 0,
            Err(_) if !matches!(run.trigger, Trigger::Schedule | Trigger::Webhook) => 1,
            Err(_) => last.map_or(0, |last| last.failures).saturating_add(1),
        }
    }

    /// Executes one cycle, unless the term ends first.
    async fn cycle_once(&mut self, run: &Run, term: &Term) -> Result<RunReport, CycleError> {
        tracing::debug!(run = %run.id, "sync started");
        let ledger = Arc::clone(&self.ledger);
        tokio::select! {
            () = term.ended.cancelled() => {
                Err(CycleError::Cancelled(cancelled(term.end_reason(), "during the run")))
            }
            ended = self.cycle.run(run.options, &run.progress, |mode| ledger.set_mode(mode)) => ended,
        }
    }
}

/// Waits until a run is due or requested, and the cooldown is over.
async fn next_run(ledger: &Ledger, clock: &Clock, next: &NextRuns, cooled_at: Option<Instant>) {
    tokio::select! {
        () = sleep_until(clock, next.scheduled) => { ledger.request(Trigger::Schedule); }
        options = webhook::due(next.webhook) => { ledger.request_with(Trigger::Webhook, options); }
        () = ledger.requested() => {}
    }
    if let Some(cooled_at) = cooled_at {
        tokio::time::sleep_until(cooled_at).await;
    }
}

/// Waits until a time of the wall clock; without a time, it never returns.
async fn sleep_until(clock: &Clock, due: Option<Timestamp>) {
    let Some(due) = due else {
        return std::future::pending().await;
    };
    while let Ok(left) = Duration::try_from(due.duration_since(clock.now())) {
        if left.is_zero() {
            return;
        }
        tokio::time::sleep(left.min(LONGEST_SLEEP)).await;
    }
}

/// The failure of a run that the shutdown or another replica cancelled.
fn cancelled(why: &str, when: &str) -> Failure {
    Failure::new("cancelled", format!("{why} {when}"))
}
