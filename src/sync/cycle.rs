//! One cycle: read, judge, transform, publish. Directly callable; a failure changes nothing.

use std::sync::Arc;

use jiff::Timestamp;

use super::guard::{Acceptance, Hold};
use super::judgement::{self, Caution, Judgement};
use super::reading::Pace;
use crate::authentik::client::Client;
use crate::catalog::entity::Kind;
use crate::catalog::policy::Policy;
use crate::clock::Clock;
use crate::config::ShrinkGuard;
use crate::directory::Directory;
use crate::progress::Progress;
use crate::snapshot::changes::Changes;
use crate::snapshot::kept::Kept;
use crate::snapshot::reading::{FullReason, Origin, Reading};
use crate::snapshot::run::{Failure, Outcome, Report, Wishes};
use crate::snapshot::{Snapshot, Store};

/// What a cycle needs.
#[derive(Debug)]
pub struct Cycle {
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
    /// Where the snapshot is published.
    pub store: Arc<Store>,
    /// The wall clock.
    pub clock: Clock,
    /// What a reading of changes left in doubt, until everything was read and published.
    pub doubt: Option<FullReason>,
    /// How many readings of changes in a row did not end in time.
    pub late: u32,
}

/// Why a cycle published nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The rows were read and are suspiciously few.
    Held(Failure),
    /// The rows could not be read or transformed.
    Failed(Failure),
}

impl Stop {
    /// The reason.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Held(failure) | Self::Failed(failure) => failure,
        }
    }
}

impl From<Stop> for Outcome {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Held(failure) => Self::Held(failure),
            Stop::Failed(failure) => Self::Failed(failure),
        }
    }
}

impl Cycle {
    /// Reads the directory and publishes what follows from it, also if that is suspiciously little
    /// where the wishes say so; `tell` learns how it is read.
    ///
    /// # Errors
    /// Whatever keeps the directory from being read whole within its time, or from being published.
    pub async fn run(
        &mut self,
        wishes: Wishes,
        progress: &Progress,
        tell: impl Fn(Reading),
    ) -> Result<Report, Stop> {
        let read_at = self.clock.now();
        let kept = self.kept();
        let (directory, origin) = self
            .read_now(kept.as_deref(), wishes.full, progress, tell)
            .await?;
        let caution = if wishes.accepts_shrink {
            Caution::Accepted
        } else {
            Caution::Guarded
        };
        let report = self
            .publish(Arc::new(directory), caution, read_at, origin)
            .await?;
        (self.doubt, self.late) = (None, 0);
        Ok(report)
    }

    /// Whether rows of this server are kept.
    #[must_use]
    pub fn has_kept_rows(&self) -> bool {
        self.kept().is_some()
    }

    /// Applies the policy to the rows that are kept.
    ///
    /// # Errors
    /// When there are none of this server, or the transform fails.
    pub async fn run_on_kept_rows(&self) -> Result<Report, Stop> {
        let nothing = || Stop::Failed(Failure::new("internal", "no rows are kept"));
        let kept = self.kept().ok_or_else(nothing)?;
        self.publish(
            Arc::clone(&kept.directory),
            Caution::Kept,
            kept.read_at,
            kept.origin.clone(),
        )
        .await
    }

    /// Publishes what an earlier process kept of this server.
    ///
    /// # Errors
    /// When nobody would be left, or the transform fails.
    pub async fn restore(&self, kept: Kept) -> Result<Report, Stop> {
        let policy = Arc::clone(&self.policy);
        self.publish_made(move || judgement::restored(kept, policy))
            .await
    }

    /// The snapshot, if its rows are this server's.
    fn kept(&self) -> Option<Arc<Snapshot>> {
        self.store
            .current()
            .filter(|kept| kept.policy.base_url == self.policy.base_url)
    }

    /// Transforms rows off the serving threads and publishes what comes out.
    async fn publish(
        &self,
        directory: Arc<Directory>,
        caution: Caution,
        read_at: Timestamp,
        origin: Origin,
    ) -> Result<Report, Stop> {
        let judgement = Judgement {
            caution,
            limits: self.limits,
            previous: self.store.current(),
        };
        let policy = Arc::clone(&self.policy);
        self.publish_made(move || judgement.snapshot(directory, policy, read_at, origin))
            .await
    }

    /// Has a snapshot made off the serving threads and publishes it.
    async fn publish_made(
        &self,
        make: impl FnOnce() -> Result<(Snapshot, Changes), Hold> + Send + 'static,
    ) -> Result<Report, Stop> {
        let made = tokio::task::spawn_blocking(make).await;
        let made = made.map_err(|_| panicked())?;
        let (snapshot, changes) =
            made.map_err(|hold| Stop::Held(hold.into_failure(self.acceptance)))?;
        let report = Report {
            users: snapshot.document.count(Kind::User),
            groups: snapshot.document.count(Kind::Group),
            changes,
            findings: Arc::clone(&snapshot.findings),
        };
        self.store.publish(snapshot);
        Ok(report)
    }
}

/// The failure of a transform that panicked; its message went to the log.
fn panicked() -> Stop {
    Stop::Failed(Failure::new(
        "internal",
        "the transform failed; the log has the reason",
    ))
}
