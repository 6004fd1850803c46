//! One cycle: read, check, transform, publish. A failed cycle leaves the published snapshot as it is.

use std::sync::Arc;

use jiff::Timestamp;
use tracing::{Instrument, info_span};

use super::basis::Basis;
use super::build::{self, GuardMode, HeldSnapshot, SnapshotBuilder};
use super::guard::Acceptance;
use super::read::SyncPace;
use crate::authentik::client::Client;
use crate::authentik::cost::ServerCost;
use crate::catalog::policy::Policy;
use crate::clock::Clock;
use crate::cluster::Cluster;
use crate::config::ShrinkGuard;
use crate::directory::Directory;
use crate::progress::Progress;
use crate::snapshot::changes::Changes;
use crate::snapshot::persistence::PersistedRows;
use crate::snapshot::run::{Failure, Outcome, RunOptions, RunReport};
use crate::snapshot::sync_mode::{FullReason, ResumePoint, SyncMode};
use crate::snapshot::{Snapshot, Store};
use crate::trace;

/// The dependencies of a cycle, and its state between runs.
#[derive(Debug)]
pub struct Cycle {
    /// The client of Authentik.
    pub client: Client,
    /// The rules of the transform.
    pub policy: Arc<Policy>,
    /// When a full sync is due, and how long reading may take.
    pub pace: SyncPace,
    /// The estimated load on Authentik, which decides between a full and an incremental sync.
    pub cost: ServerCost,
    /// The limits of the shrink guard.
    pub limits: ShrinkGuard,
    /// How an operator accepts a held run.
    pub acceptance: Acceptance,
    /// Where the snapshot is published.
    pub store: Arc<Store>,
    /// The place of this process among the replicas, to which the snapshot is published as well.
    pub cluster: Cluster,
    /// The wall clock.
    pub clock: Clock,
    /// Why the next run is a full sync: an incremental sync fell back to it, or it was requested. Cleared
    /// when a snapshot is published.
    pub full_reason: Option<FullReason>,
    /// The number of consecutive incremental syncs that timed out.
    pub timeouts: u32,
    /// Rows from the state file that are not published, because they lack fields or are held.
    pub persisted: Option<Arc<PersistedRows>>,
}

/// Why a cycle published nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CycleError {
    /// The shrink guard holds the result, with the changes that it would publish.
    Held(Failure, Changes),
    /// The rows could not be read, transformed or published.
    Failed(Failure),
    /// Authentik was not read within the time limit.
    TimedOut(Failure),
    /// The rows cannot be read incrementally, and the run postpones a full sync.
    Postponed(Failure),
    /// The service shuts down.
    Cancelled(Failure),
}

impl CycleError {
    /// Returns the reason.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Held(failure, _)
            | Self::Failed(failure)
            | Self::TimedOut(failure)
            | Self::Postponed(failure)
            | Self::Cancelled(failure) => failure,
        }
    }
}

impl From<CycleError> for Outcome {
    fn from(error: CycleError) -> Self {
        match error {
            CycleError::Held(failure, changes) => Self::Held(failure, changes),
            CycleError::Failed(failure)
            | CycleError::TimedOut(failure)
            | CycleError::Postponed(failure)
            | CycleError::Cancelled(failure) => Self::Failed(failure),
        }
    }
}

impl Cycle {
    /// Reads the directory and publishes a snapshot of it. Calls `on_mode` for each mode that it starts;
    /// an incremental sync may fall back to a full one.
    ///
    /// # Errors
    /// If the directory cannot be read completely within the timeout, the shrink guard holds the
    /// result, or the transform fails.
    pub async fn run(
        &mut self,
        options: RunOptions,
        progress: &Progress,
        on_mode: impl Fn(SyncMode),
    ) -> Result<RunReport, CycleError> {
        let read_at = self.clock.now();
        let basis = self.basis();
        self.client.begin_run();
        if options.full {
            self.full_reason = Some(FullReason::Requested);
        }
        let (directory, resume_point) = self
            .read_now(basis.as_ref(), options, progress, on_mode)
            .await?;
        let guard_mode = if options.accepts_shrink {
            GuardMode::Accepted
        } else {
            GuardMode::Enforced
        };
        let report = self
            .publish(Arc::new(directory), guard_mode, read_at, resume_point)
            .await?;
        (self.full_reason, self.timeouts) = (None, 0);
        Ok(report)
    }

    /// Returns true if the next run has to be a full sync.
    #[must_use]
    pub fn needs_full(&self) -> bool {
        self.known_rows(self.basis().as_ref()).is_err()
    }

    /// Returns true if rows have the fields that the policy needs.
    #[must_use]
    pub fn has_needed_fields(&self, rows: &Directory) -> bool {
        rows.selection().covers(self.client.fields())
    }

    /// Applies the policy to the rows of the current snapshot.
    ///
    /// # Errors
    /// If there is no snapshot of this server with the fields that the policy needs, the shrink guard
    /// holds the result, or the transform fails.
    pub async fn reconfigure(&self) -> Result<RunReport, CycleError> {
        let snapshot = self.own_snapshot().ok_or_else(no_rows)?;
        let fields = self.client.fields();
        let directory = if snapshot.directory.selection() == fields {
            Arc::clone(&snapshot.directory)
        } else {
            let basis = Basis::Published(Arc::clone(&snapshot));
            let rows = basis.with_fields(fields).ok_or_else(no_rows)?;
            Arc::new(rows.into_owned())
        };
        let resume_point = snapshot.resume_point.clone();
        let mode = GuardMode::Reconfigured;
        self.publish(directory, mode, snapshot.read_at, resume_point)
            .await
    }

    /// Publishes rows from the state file.
    ///
    /// # Errors
    /// If they lack fields that the policy needs, the shrink guard holds the result, or the transform
    /// fails.
    pub async fn restore(&self, rows: &Arc<PersistedRows>) -> Result<RunReport, CycleError> {
        let basis = Basis::Persisted(Arc::clone(rows));
        let directory = basis
            .with_fields(self.client.fields())
            .ok_or_else(no_rows)?;
        let rows = PersistedRows {
            directory: directory.into_owned(),
            names: rows.names.clone(),
            recent_maxima: rows.recent_maxima.clone(),
            read_at: rows.read_at,
            resume_point: rows.resume_point.clone(),
        };
        let (policy, limits) = (Arc::clone(&self.policy), self.limits);
        self.build_and_publish(move || build::restored(rows, policy, &limits))
            .await
    }

    /// Returns the rows that the next run continues from.
    fn basis(&self) -> Option<Basis> {
        let persisted = || self.persisted.clone().map(Basis::Persisted);
        self.own_snapshot().map(Basis::Published).or_else(persisted)
    }

    /// Returns the current snapshot if its rows come from the configured server.
    pub(super) fn own_snapshot(&self) -> Option<Arc<Snapshot>> {
        self.store
            .current()
            .filter(|snapshot| snapshot.policy.base_url == self.policy.base_url)
    }

    /// Transforms rows on a blocking thread and publishes the snapshot.
    async fn publish(
        &self,
        directory: Arc<Directory>,
        guard_mode: GuardMode,
        read_at: Timestamp,
        resume_point: ResumePoint,
    ) -> Result<RunReport, CycleError> {
        let build = SnapshotBuilder {
            guard_mode,
            limits: self.limits,
            previous: self.store.current(),
            basis: self.basis(),
        };
        let policy = Arc::clone(&self.policy);
        self.build_and_publish(move || build.snapshot(directory, policy, read_at, resume_point))
            .await
    }

    /// Builds a snapshot on a blocking thread and publishes it.
    async fn build_and_publish(
        &self,
        build: impl FnOnce() -> Result<(Snapshot, Changes), HeldSnapshot> + Send + 'static,
    ) -> Result<RunReport, CycleError> {
        let span = info_span!(target: trace::TARGET, "publish");
        let built = tokio::task::spawn_blocking(build).instrument(span).await;
        let built = built.map_err(|_| panicked())?;
        let (snapshot, changes) = built.map_err(|HeldSnapshot { hold, changes }| {
            CycleError::Held(hold.into_failure(self.acceptance), changes)
        })?;
        let report = RunReport::of(&snapshot, changes);
        let published = self.cluster.publish(&self.store, snapshot).await;
        published.map_err(CycleError::Failed)?;
        Ok(report)
    }
}

/// The failure of a run that has no rows to transform.
fn no_rows() -> CycleError {
    CycleError::Failed(Failure::new("internal", "there are no rows to transform"))
}

/// The failure of a transform that panicked. The panic hook has logged the message.
fn panicked() -> CycleError {
    CycleError::Failed(Failure::new(
        "internal",
        "the transform failed; the log has the reason",
    ))
}
