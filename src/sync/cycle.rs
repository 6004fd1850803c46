//! One cycle: read, judge, transform, publish. Directly callable; a failure changes nothing.

use std::sync::Arc;

use jiff::Timestamp;

use super::basis::Basis;
use super::build::{self, GuardMode, SnapshotBuilder};
use super::guard::{Acceptance, Hold};
use super::read::SyncPace;
use crate::authentik::client::Client;
use crate::authentik::cost::ServerCost;
use crate::catalog::entity::Kind;
use crate::catalog::policy::Policy;
use crate::clock::Clock;
use crate::config::ShrinkGuard;
use crate::directory::Directory;
use crate::progress::Progress;
use crate::snapshot::changes::Changes;
use crate::snapshot::persistence::PersistedRows;
use crate::snapshot::run::{Failure, Outcome, RunOptions, RunReport};
use crate::snapshot::sync_mode::{FullReason, ResumePoint, SyncMode};
use crate::snapshot::{Snapshot, Store};

/// What a cycle needs.
#[derive(Debug)]
pub struct Cycle {
    /// Asks Authentik.
    pub client: Client,
    /// Which rows become entities.
    pub policy: Arc<Policy>,
    /// When everything is read, and how long readings may take.
    pub pace: SyncPace,
    /// What a sync costs Authentik, by which full or incremental is chosen.
    pub cost: ServerCost,
    /// What a run may remove.
    pub limits: ShrinkGuard,
    /// What accepting a loss takes.
    pub acceptance: Acceptance,
    /// Where the snapshot is published.
    pub store: Arc<Store>,
    /// The wall clock.
    pub clock: Clock,
    /// Why the next run is a full sync, until one has published a snapshot: an incremental sync fell back to
    /// it, or a request asked for it.
    pub doubt: Option<FullReason>,
    /// How many readings of changes in a row did not end in time.
    pub late: u32,
    /// Rows of an earlier process that cannot be published: they lack fields, or they are held.
    pub persisted: Option<Arc<PersistedRows>>,
}

/// Why a cycle published nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CycleError {
    /// The rows were read and are suspiciously few.
    Held(Failure),
    /// The rows could not be read or transformed.
    Failed(Failure),
    /// The service shuts down.
    Cancelled(Failure),
}

impl CycleError {
    /// The reason.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Held(failure) | Self::Failed(failure) | Self::Cancelled(failure) => failure,
        }
    }
}

impl From<CycleError> for Outcome {
    fn from(stop: CycleError) -> Self {
        match stop {
            CycleError::Held(failure) => Self::Held(failure),
            CycleError::Failed(failure) | CycleError::Cancelled(failure) => Self::Failed(failure),
        }
    }
}

impl Cycle {
    /// Reads the directory and publishes what follows from it, also if that is suspiciously little
    /// where the options say so; `tell` learns how it is read.
    ///
    /// # Errors
    /// Whatever keeps the directory from being read whole within its time, or from being published.
    pub async fn run(
        &mut self,
        options: RunOptions,
        progress: &Progress,
        tell: impl Fn(SyncMode),
    ) -> Result<RunReport, CycleError> {
        let read_at = self.clock.now();
        let basis = self.basis();
        self.client.begin_run();
        if options.full {
            self.doubt = Some(FullReason::Requested);
        }
        let (directory, origin) = self.read_now(basis.as_ref(), progress, tell).await?;
        let guard_mode = if options.accepts_shrink {
            GuardMode::Accepted
        } else {
            GuardMode::Enforced
        };
        let report = self
            .publish(Arc::new(directory), guard_mode, read_at, origin)
            .await?;
        (self.doubt, self.late) = (None, 0);
        Ok(report)
    }

    /// Whether rows have the fields that the policy needs.
    #[must_use]
    pub fn suffices(&self, rows: &Directory) -> bool {
        rows.selection().covers(self.client.fields())
    }

    /// Applies the policy to the rows of the current snapshot.
    ///
    /// # Errors
    /// When there is no snapshot of this server with the fields that the policy needs, too many entities
    /// would vanish, or the transform fails.
    pub async fn reconfigure(&self) -> Result<RunReport, CycleError> {
        let snapshot = self.kept().ok_or_else(no_rows)?;
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

    /// Publishes the rows that an earlier process persisted.
    ///
    /// # Errors
    /// When they lack fields that the policy needs, no user would be left, too many entities would
    /// vanish, or the transform fails.
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
        self.publish_made(move || build::restored(rows, policy, &limits))
            .await
    }

    /// The rows that the next run continues from.
    fn basis(&self) -> Option<Basis> {
        let persisted = || self.persisted.clone().map(Basis::Persisted);
        self.kept().map(Basis::Published).or_else(persisted)
    }

    /// The snapshot, if its rows are this server's.
    pub(super) fn kept(&self) -> Option<Arc<Snapshot>> {
        self.store
            .current()
            .filter(|kept| kept.policy.base_url == self.policy.base_url)
    }

    /// Transforms rows off the serving threads and publishes what comes out.
    async fn publish(
        &self,
        directory: Arc<Directory>,
        guard_mode: GuardMode,
        read_at: Timestamp,
        origin: ResumePoint,
    ) -> Result<RunReport, CycleError> {
        let build = SnapshotBuilder {
            guard_mode,
            limits: self.limits,
            previous: self.store.current(),
            basis: self.basis(),
        };
        let policy = Arc::clone(&self.policy);
        self.publish_made(move || build.snapshot(directory, policy, read_at, origin))
            .await
    }

    /// Has a snapshot made off the serving threads and publishes it.
    async fn publish_made(
        &self,
        make: impl FnOnce() -> Result<(Snapshot, Changes), Hold> + Send + 'static,
    ) -> Result<RunReport, CycleError> {
        let made = tokio::task::spawn_blocking(make).await;
        let made = made.map_err(|_| panicked())?;
        let (snapshot, changes) =
            made.map_err(|hold| CycleError::Held(hold.into_failure(self.acceptance)))?;
        let report = RunReport {
            users: snapshot.document.count(Kind::User),
            groups: snapshot.document.count(Kind::Group),
            changes,
            findings: Arc::clone(&snapshot.findings),
        };
        self.store.publish(snapshot);
        Ok(report)
    }
}

/// The failure of a run without rows.
fn no_rows() -> CycleError {
    CycleError::Failed(Failure::new("internal", "there are no rows to transform"))
}

/// The failure of a transform that panicked; its message went to the log.
fn panicked() -> CycleError {
    CycleError::Failed(Failure::new(
        "internal",
        "the transform failed; the log has the reason",
    ))
}
