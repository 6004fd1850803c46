//! The exchange of runs between the ledger of this process and the database.
//!
//! The replica that syncs records its runs. The others show what it has recorded.

use std::collections::BTreeMap;

use super::database::DatabaseError;
use super::replica::Replica;
use super::runs::Revisions;
use super::term::Term;
use crate::progress::Pages;
use crate::snapshot::run::{Failure, Outcome, Run, RunId};
use crate::snapshot::sync_mode::SyncMode;

/// The runs of the database, as far as this replica knows them.
#[derive(Debug, Default)]
pub(super) struct RunTable {
    /// The runs that were read, with their revisions.
    read: BTreeMap<RunId, (i64, Run)>,
    /// What was last recorded of each run.
    recorded: BTreeMap<RunId, Stage>,
}

/// The part of a run that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stage {
    mode: Option<SyncMode>,
    pages: Pages,
    has_ended: bool,
}

impl Stage {
    fn of(run: &Run) -> Self {
        Self {
            mode: run.mode,
            pages: run.progress.pages(),
            has_ended: run.end.is_some(),
        }
    }
}

impl RunTable {
    /// Returns the runs that have changed, and forgets those that are gone.
    fn changed(&mut self, revisions: &Revisions) -> Vec<RunId> {
        self.read.retain(|id, _| revisions.contains_key(id));
        let is_known = |id: &RunId, revision: i64| {
            self.read
                .get(id)
                .is_some_and(|(known, _)| *known == revision)
        };
        let changed = revisions
            .iter()
            .filter(|(id, revision)| !is_known(id, **revision));
        changed.map(|(id, _)| *id).collect()
    }
}

impl Replica {
    /// Copies the runs of the database into the ledger; the replica that syncs takes only the queued one.
    pub(super) async fn mirror_runs(&self) -> Result<(), DatabaseError> {
        if self.current_term().is_some() {
            if let Some(queued) = self.database.queued(&self.server).await? {
                self.process.ledger.adopt(queued);
            }
            return Ok(());
        }
        let mut table = self.runs.lock().await;
        let revisions = self.database.revisions(&self.server).await?;
        let before = table.read.len();
        let changed = table.changed(&revisions);
        if changed.is_empty() && before == table.read.len() {
            return Ok(());
        }
        for run in self.database.runs(&changed).await? {
            let revision = revisions.get(&run.id).copied().unwrap_or_default();
            table.read.insert(run.id, (revision, run));
        }
        let newest_first = table.read.values().rev().map(|(_, run)| run.clone());
        self.process.ledger.mirror(newest_first.collect());
        Ok(())
    }

    /// Starts to record runs; those that the ledger knows are recorded.
    pub(super) async fn begin_recording(&self) {
        let mut table = self.runs.lock().await;
        let runs = self.process.ledger.runs();
        table.recorded = runs.iter().map(|run| (run.id, Stage::of(run))).collect();
        // The next follower's view is read anew.
        table.read.clear();
    }

    /// Writes the runs of a term that have started or changed.
    pub(super) async fn record_runs(&self, term: &Term) {
        let mut table = self.runs.lock().await;
        let mut is_changed = false;
        for run in self.process.ledger.runs().iter().rev() {
            let stage = Stage::of(run);
            if run.started_at.is_none() || table.recorded.get(&run.id) == Some(&stage) {
                continue;
            }
            let recorded = self.database.record(&self.server, term.token, run).await;
            if let Err(error) = recorded {
                tracing::debug!(%error, run = %run.id, "cannot record a run; it is tried again");
                return;
            }
            table.recorded.insert(run.id, stage);
            is_changed = true;
        }
        if is_changed {
            let pruned = self.database.prune(&self.server).await;
            if let Err(error) = pruned {
                tracing::debug!(%error, "cannot delete old runs; it is tried again");
            }
            self.database.notify().await;
        }
    }

    /// Takes the queued run of the database into the ledger, so that later requests lead to another run.
    pub(super) async fn claim(&self) -> Result<(), DatabaseError> {
        let token = self.current_term().ok_or(DatabaseError::Fenced)?.token;
        if let Some(run) = self.database.claim(&self.server, token).await? {
            self.process.ledger.adopt(run);
        }
        Ok(())
    }

    /// Ends the runs of a replica that has stopped or was cut off.
    pub(super) async fn end_interrupted_runs(&self, token: i64) -> Result<(), DatabaseError> {
        let now = self.now();
        for run in self.database.unfinished(&self.server).await? {
            let failure = Failure::new(
                "interrupted",
                "the replica that executed the run has stopped, lost the database or was suspended; \
                 request another run if you need it now",
            );
            let ended = Run {
                end: Some((now, Outcome::Failed(failure))),
                ..run
            };
            self.database.record(&self.server, token, &ended).await?;
        }
        Ok(())
    }
}
