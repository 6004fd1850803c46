//! The ledger of runs: the queued run, the run in progress, and the last runs that ended.
//!
//! At most one run is queued. All requests during a run share the queued one, so every request
//! leads to a run that starts after it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::run::{Outcome, Run, RunId, RunOptions, Trigger};
use super::sync_mode::SyncMode;
use super::totals::Totals;
use crate::clock::Clock;

/// The number of ended runs that the ledger stores.
pub const MAX_ENDED: usize = 100;

/// How long Authentik may take to commit a change after it has announced it: it sends the webhook of a removal or
/// of a change of members first (`authentik/events/middleware.py`: `pre_delete`, `pre_add`).
pub const SETTLING: SignedDuration = SignedDuration::from_millis(500);

/// The webhooks of Authentik that no run has followed yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Webhooks {
    /// When the first one arrived.
    pub first: Timestamp,
    /// When the last one arrived.
    pub last: Timestamp,
}

/// The ledger of runs. Its channel holds a lock for a few assignments, never over an `await`.
#[derive(Debug)]
pub struct Ledger {
    clock: Clock,
    runs: watch::Sender<Runs>,
}

#[derive(Debug, Default)]
struct Runs {
    queued: Option<Run>,
    running: Option<Run>,
    ended: VecDeque<Run>,
    /// The webhooks that no run has followed yet.
    webhooks: Option<Webhooks>,
    closed: bool,
    totals: Totals,
}

impl Runs {
    /// Returns all runs, newest first.
    fn all(&self) -> impl Iterator<Item = &Run> {
        self.queued.iter().chain(&self.running).chain(&self.ended)
    }

    /// Counts a run that has ended, and stores it until [`MAX_ENDED`] others have ended.
    fn end(&mut self, run: Run) {
        self.totals.count(&run);
        self.ended.push_front(run);
        self.ended.truncate(MAX_ENDED);
    }
}

/// Waits for changes of a ledger.
#[derive(Debug)]
pub struct LedgerChanges(watch::Receiver<Runs>);

impl LedgerChanges {
    /// Waits until the ledger has changed since the last call.
    pub async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            // The ledger is gone.
            std::future::pending::<()>().await;
        }
    }
}

#[expect(
    clippy::must_use_candidate,
    reason = "callers need the changes, not always the results"
)]
impl Ledger {
    /// Returns an empty ledger.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self {
            clock,
            runs: watch::Sender::default(),
        }
    }

    /// Queues a run, unless one is queued, and returns the id of the queued run. Returns `None` if
    /// the ledger is closed.
    pub fn request(&self, trigger: Trigger) -> Option<RunId> {
        self.request_with(trigger, RunOptions::default())
    }

    /// Queues a run with options, which are added to those of a queued run.
    pub fn request_with(&self, trigger: Trigger, options: RunOptions) -> Option<RunId> {
        let queued_at = self.clock.now();
        self.change(|runs| {
            if runs.closed {
                return None;
            }
            let run = match runs.queued.take() {
                Some(run) => Run {
                    options: run.options.merged(options),
                    ..run
                },
                None => Run {
                    options,
                    ..Run::queued(trigger, queued_at)
                },
            };
            Some(runs.queued.insert(run).id)
        })
    }

    /// Queues a run that was requested at any replica, with its id. A queued run of the schedule becomes this
    /// one.
    pub fn adopt(&self, run: Run) {
        self.change(|runs| {
            let mut begun = runs.running.iter().chain(&runs.ended);
            if runs.closed || begun.any(|known| known.id == run.id) {
                return;
            }
            let queued = runs.queued.take().map(|queued| queued.options);
            let options = queued.map_or(run.options, |queued| queued.merged(run.options));
            runs.queued = Some(Run { options, ..run });
        });
    }

    /// Replaces all runs by those of the replica that syncs, newest first. They count in no counter.
    pub fn mirror(&self, all: Vec<Run>) {
        self.change(|runs| {
            let known = runs.all().map(|run| (run.id, Arc::clone(&run.progress)));
            let known: BTreeMap<_, _> = known.collect();
            (runs.queued, runs.running, runs.webhooks) = (None, None, None);
            runs.ended.clear();
            for mut run in all {
                // Clients may follow the progress that they know.
                if let Some(progress) = known.get(&run.id) {
                    progress.follow(run.progress.pages());
                    run.progress = Arc::clone(progress);
                }
                match (&run.started_at, &run.end) {
                    (_, Some(_)) => {
                        runs.totals.note_success(&run);
                        runs.ended.push_back(run);
                    }
                    (Some(_), None) => runs.running = Some(run),
                    (None, None) => runs.queued = Some(run),
                }
            }
        });
    }

    /// Subscribes to changes of the runs; the first one is immediate.
    #[must_use]
    pub fn changes(&self) -> LedgerChanges {
        let mut changes = self.runs.subscribe();
        changes.mark_changed();
        LedgerChanges(changes)
    }

    /// Records that Authentik sent a webhook; the scheduler decides when a run follows. Returns false if
    /// the ledger is closed.
    pub fn notify(&self) -> bool {
        let now = self.clock.now();
        self.change(|runs| {
            if !runs.closed {
                let one = Webhooks {
                    first: now,
                    last: now,
                };
                runs.webhooks.get_or_insert(one).last = now;
            }
            !runs.closed
        })
    }

    /// Returns the webhooks that no run has followed yet.
    #[must_use]
    pub fn webhooks(&self) -> Option<Webhooks> {
        self.runs.borrow().webhooks
    }

    /// Waits until there are other webhooks than these.
    pub async fn notified(&self, seen: Option<Webhooks>) {
        self.wait_for(|runs| runs.webhooks.filter(|_| runs.webhooks != seen).map(drop))
            .await;
    }

    /// Waits until a run is queued.
    pub async fn requested(&self) {
        self.wait_for(|runs| runs.queued.as_ref().map(drop)).await;
    }

    /// Starts the queued run, if there is one.
    pub fn start(&self) -> Option<Run> {
        let now = self.clock.now();
        self.change(|runs| {
            let run = Run {
                started_at: Some(now),
                ..runs.queued.take()?
            };
            // This run may miss a change that was announced just now.
            let unsettled = |webhooks: &Webhooks| now.duration_since(webhooks.last) < SETTLING;
            runs.webhooks = runs
                .webhooks
                .filter(unsettled)
                .map(|Webhooks { last, .. }| Webhooks { first: last, last });
            runs.running = Some(run.clone());
            Some(run)
        })
    }

    /// Starts a run at once, without the queue. The caller calls it only between runs.
    pub fn start_now(&self, trigger: Trigger) {
        let now = self.clock.now();
        self.change(|runs| {
            runs.running = Some(Run {
                started_at: Some(now),
                ..Run::queued(trigger, now)
            });
        });
    }

    /// Sets the mode of the run in progress.
    pub fn set_mode(&self, mode: SyncMode) {
        self.change(|runs| {
            if let Some(run) = &mut runs.running {
                run.mode = Some(mode);
            }
        });
    }

    /// Ends the run in progress and returns it.
    pub fn finish(&self, outcome: Outcome) -> Option<Run> {
        let now = self.clock.now();
        self.change(|runs| {
            let run = Run {
                end: Some((now, outcome)),
                ..runs.running.take()?
            };
            runs.end(run.clone());
            Some(run)
        })
    }

    /// Ends the queued run without starting it, and refuses further requests.
    pub fn close(&self, outcome: Outcome) {
        let now = self.clock.now();
        self.change(|runs| {
            runs.closed = true;
            if let Some(run) = runs.queued.take() {
                runs.end(Run {
                    end: Some((now, outcome)),
                    ..run
                });
            }
        });
    }

    /// Returns the known runs, newest first.
    #[must_use]
    pub fn runs(&self) -> Vec<Run> {
        self.runs.borrow().all().cloned().collect()
    }

    /// Returns true if a run is in progress.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.runs.borrow().running.is_some()
    }

    /// Returns the last run that ended.
    #[must_use]
    pub fn last(&self) -> Option<Run> {
        self.runs.borrow().ended.front().cloned()
    }

    /// Returns the run in progress, or the queued one.
    #[must_use]
    pub fn unfinished(&self) -> Option<Run> {
        let runs = self.runs.borrow();
        runs.running.as_ref().or(runs.queued.as_ref()).cloned()
    }

    /// Returns the counters since the start of the process.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.runs.borrow().totals.clone()
    }

    /// Returns a run, if it is known.
    #[must_use]
    pub fn find(&self, id: RunId) -> Option<Run> {
        self.runs.borrow().all().find(|run| run.id == id).cloned()
    }

    /// Waits until a run has ended, and returns it. Returns `None` if it is unknown.
    pub async fn ended(&self, id: RunId) -> Option<Run> {
        self.wait_for(|runs| {
            let run = runs.all().find(|run| run.id == id);
            run.is_none_or(|run| run.end.is_some())
                .then(|| run.cloned())
        })
        .await
    }

    /// Waits until `find` returns a value.
    async fn wait_for<T>(&self, mut find: impl FnMut(&Runs) -> Option<T>) -> T {
        let mut runs = self.runs.subscribe();
        loop {
            if let Some(found) = find(&runs.borrow_and_update()) {
                return found;
            }
            if runs.changed().await.is_err() {
                // Unreachable: `self` owns the sender.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Changes the runs and wakes all waiting tasks.
    fn change<T>(&self, change: impl FnOnce(&mut Runs) -> T) -> T {
        let mut result = None;
        self.runs.send_modify(|runs| result = Some(change(runs)));
        result.expect("the closure is called once")
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::snapshot::run::Failure;

    fn ledger() -> Ledger {
        Ledger::new(Clock::new(|| Timestamp::UNIX_EPOCH))
    }

    fn failed() -> Outcome {
        Outcome::Failed(Failure::new("test", "it failed"))
    }

    #[test]
    fn requests_during_a_run_share_the_next_one() {
        let ledger = ledger();
        let first = ledger.request(Trigger::Request).unwrap();
        assert_eq!(ledger.request(Trigger::Schedule), Some(first));
        assert_eq!(ledger.start().unwrap().id, first);
        let second = ledger.request(Trigger::Request).unwrap();
        assert_ne!(second, first);
        assert_eq!(ledger.request(Trigger::Request), Some(second));
        ledger.finish(failed());
        assert_eq!(ledger.start().unwrap().id, second);
        assert!(ledger.start().is_none());
    }

    #[test]
    fn only_the_queued_run_takes_options() {
        let ledger = ledger();
        let options = RunOptions {
            accepts_shrink: true,
            full: true,
            postpones_full: false,
        };
        ledger.request(Trigger::Schedule);
        let running = ledger.start().unwrap().id;
        let queued = ledger.request(Trigger::Schedule);
        assert_eq!(ledger.request_with(Trigger::Request, options), queued);
        ledger.request(Trigger::Request);
        assert_eq!(
            ledger.find(running).unwrap().options,
            RunOptions::default(),
            "it started before the request"
        );
        ledger.finish(failed());
        assert_eq!(
            ledger.start().unwrap().options,
            options,
            "a later request does not remove them"
        );
        ledger.finish(failed());
        ledger.request(Trigger::Schedule);
        assert_eq!(
            ledger.start().unwrap().options,
            RunOptions::default(),
            "they applied to one run"
        );
    }

    #[test]
    fn a_run_that_was_requested_elsewhere_replaces_the_queued_one_and_takes_later_options() {
        let ledger = ledger();
        ledger.request(Trigger::Schedule);
        let run = Run::queued(Trigger::Request, Timestamp::UNIX_EPOCH);
        ledger.adopt(run.clone());
        let full = RunOptions {
            full: true,
            ..RunOptions::default()
        };
        ledger.adopt(Run {
            options: full,
            ..run.clone()
        });
        let started = ledger.start().unwrap();
        assert_eq!((started.id, started.options.full), (run.id, true));
        ledger.adopt(run);
        assert!(ledger.start().is_none(), "it has begun");
    }

    #[test]
    fn a_mirrored_run_keeps_the_progress_that_clients_follow() {
        let ledger = ledger();
        let run = Run {
            started_at: Some(Timestamp::UNIX_EPOCH),
            ..Run::queued(Trigger::Request, Timestamp::UNIX_EPOCH)
        };
        ledger.adopt(Run::queued(Trigger::Request, Timestamp::UNIX_EPOCH));
        ledger.mirror(vec![run.clone()]);
        let followed = ledger.find(run.id).unwrap().progress;
        let read: Run = serde_json::from_value(serde_json::to_value(&run).unwrap()).unwrap();
        read.progress.expect(7);
        ledger.mirror(vec![read]);
        assert_eq!(followed.total(), 7);
        assert_eq!(ledger.runs().len(), 1, "the queued run is gone");
    }

    #[tokio::test]
    async fn the_end_of_a_run_can_be_awaited() {
        let ledger = ledger();
        let id = ledger.request(Trigger::Request).unwrap();
        ledger.requested().await;
        let (ended, ()) = tokio::join!(ledger.ended(id), async {
            ledger.start();
            tokio::task::yield_now().await;
            ledger.finish(failed());
        });
        assert!(matches!(ended.unwrap().end, Some((_, Outcome::Failed(_)))));
        assert!(ledger.ended(RunId::new()).await.is_none());
    }

    #[test]
    fn a_closed_ledger_ends_the_queued_run_and_refuses_requests() {
        let ledger = ledger();
        let queued = ledger.request(Trigger::Request).unwrap();
        ledger.close(failed());
        let run = ledger.find(queued).unwrap();
        assert!(run.end.is_some() && run.started_at.is_none());
        assert_eq!(ledger.request(Trigger::Request), None);
        assert!(ledger.start().is_none());
        assert!(
            ledger
                .totals()
                .runs()
                .any(|count| count == (("failed", "none"), 1))
        );
    }

    #[test]
    fn only_the_last_runs_are_stored() {
        let ledger = ledger();
        let first = ledger.request(Trigger::Request).unwrap();
        for _ in 0..=MAX_ENDED {
            ledger.request(Trigger::Request);
            ledger.start();
            ledger.finish(failed());
        }
        assert_eq!(ledger.runs().len(), MAX_ENDED);
        assert!(ledger.find(first).is_none());
        let counted: u64 = ledger.totals().runs().map(|(_, count)| count).sum();
        assert_eq!(
            counted,
            MAX_ENDED as u64 + 1,
            "the counters include dropped runs"
        );
    }
}
