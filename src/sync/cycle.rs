//! One cycle: read, judge, transform, publish. Directly callable; a failure changes nothing.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use super::guard::Hold;
use super::judgement::{self, Caution, Judgement};
use crate::authentik::client::Client;
use crate::authentik::error::Error;
use crate::authentik::reading::read_directory;
use crate::catalog::entity::Kind;
use crate::catalog::policy::Policy;
use crate::clock::Clock;
use crate::config::ShrinkGuard;
use crate::directory::Directory;
use crate::progress::Progress;
use crate::snapshot::changes::Changes;
use crate::snapshot::kept::Kept;
use crate::snapshot::run::{Failure, Outcome, Report};
use crate::snapshot::{Snapshot, Store};

/// What a cycle needs.
#[derive(Debug)]
pub struct Cycle {
    /// Asks Authentik.
    pub client: Client,
    /// Which rows become entities.
    pub policy: Arc<Policy>,
    /// How long the reading may take.
    pub timeout: Duration,
    /// What a run may remove.
    pub limits: ShrinkGuard,
    /// Where the snapshot is published.
    pub store: Arc<Store>,
    /// The wall clock.
    pub clock: Clock,
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

impl From<Hold> for Stop {
    fn from(hold: Hold) -> Self {
        Self::Held(hold.into())
    }
}

impl Cycle {
    /// Reads the directory and publishes what follows from it, also if that is suspiciously little
    /// where `accepts_shrink` says so.
    ///
    /// # Errors
    /// Whatever keeps the directory from being read whole within the timeout, or from being published.
    pub async fn run(&self, accepts_shrink: bool, progress: &Progress) -> Result<Report, Stop> {
        let read_at = self.clock.now();
        let kept = self.kept().map(|kept| Arc::clone(&kept.directory)).unwrap_or_default();
        let directory = self.read(&kept, progress).await?;
        let caution = if accepts_shrink { Caution::Accepted } else { Caution::Guarded };
        self.publish(Arc::new(directory), caution, read_at).await
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
        let nothing = || Stop::Failed(Failure { code: "internal", message: "no rows are kept".into() });
        let kept = self.kept().ok_or_else(nothing)?;
        self.publish(Arc::clone(&kept.directory), Caution::Kept, kept.read_at).await
    }

    /// Publishes what an earlier process kept of this server.
    ///
    /// # Errors
    /// When nobody would be left, or the transform fails.
    pub async fn restore(&self, kept: Kept) -> Result<Report, Stop> {
        let policy = Arc::clone(&self.policy);
        self.publish_made(move || judgement::restored(kept, policy)).await
    }

    /// The snapshot, if its rows are this server's.
    fn kept(&self) -> Option<Arc<Snapshot>> {
        self.store.current().filter(|kept| kept.policy.base_url == self.policy.base_url)
    }

    /// Transforms rows off the serving threads and publishes what comes out.
    async fn publish(
        &self,
        directory: Arc<Directory>,
        caution: Caution,
        read_at: Timestamp,
    ) -> Result<Report, Stop> {
        let judgement = Judgement { caution, limits: self.limits, previous: self.store.current() };
        let policy = Arc::clone(&self.policy);
        self.publish_made(move || judgement.snapshot(directory, policy, read_at)).await
    }

    /// Has a snapshot made off the serving threads and publishes it.
    async fn publish_made(
        &self,
        make: impl FnOnce() -> Result<(Snapshot, Changes), Hold> + Send + 'static,
    ) -> Result<Report, Stop> {
        let made = tokio::task::spawn_blocking(make).await;
        let (snapshot, changes) = made.map_err(|_| panicked())??;
        let report = Report {
            users: snapshot.document.count(Kind::User),
            groups: snapshot.document.count(Kind::Group),
            changes,
            findings: Arc::clone(&snapshot.findings),
        };
        self.store.publish(snapshot);
        Ok(report)
    }

    /// Reads the directory within the timeout; `kept` is what is known from before.
    ///
    /// # Errors
    /// Whatever keeps the directory from being read whole within the timeout.
    pub async fn read(&self, kept: &Directory, progress: &Progress) -> Result<Directory, Stop> {
        let started = Instant::now();
        match timeout(self.timeout, read_directory(&self.client, kept, progress)).await {
            Ok(Ok(directory)) => Ok(directory),
            // No full view is empty, so that nobody can accept it either.
            Ok(Err(error @ Error::Empty)) => Err(Stop::Held(failure(&error))),
            Ok(Err(error)) => Err(Stop::Failed(failure(&error))),
            Err(_) => Err(Stop::Failed(timed_out(started.elapsed(), progress))),
        }
    }
}

/// The failure of a run that could not read Authentik.
fn failure(error: &Error) -> Failure {
    Failure { code: error.code(), message: error.to_string() }
}

/// The failure of a run that took too long, with a timeout that would do.
fn timed_out(elapsed: Duration, progress: &Progress) -> Failure {
    let (done, total) = (progress.done(), progress.total());
    let advice = if done == 0 {
        "check whether Authentik answers at all, or raise `schedule.timeout`".to_owned()
    } else if !progress.is_sized() {
        "one list did not even tell its size: raise `schedule.timeout`".to_owned()
    } else {
        let whole = elapsed.as_secs_f64() * 1.5 * total as f64 / done as f64;
        format!("set `schedule.timeout` to {{ minutes: {} }} or more", (whole / 60.0).ceil().max(1.0))
    };
    let message = format!(
        "the run was ended after {} s (`schedule.timeout`) with {done} of {total} pages read; {advice}",
        elapsed.as_secs_f64().round()
    );
    Failure { code: "timeout", message }
}

/// The failure of a transform that panicked; its message went to the log.
fn panicked() -> Stop {
    Stop::Failed(Failure { code: "internal", message: "the transform failed; the log has the reason".into() })
}
