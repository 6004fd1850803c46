//! One cycle: read, transform, publish. Directly callable; a failure changes nothing.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::{Instant, timeout};

use crate::authentik::client::Client;
use crate::authentik::reading::read_directory;
use crate::catalog::entity::Kind;
use crate::catalog::finding::Finding;
use crate::catalog::policy::Policy;
use crate::clock::Clock;
use crate::directory::{Directory, Disagreement};
use crate::progress::Progress;
use crate::snapshot::changes::Changes;
use crate::snapshot::kept::Kept;
use crate::snapshot::run::{Failure, Report};
use crate::snapshot::{Snapshot, Store};

/// Why entities without any user are not published: they would delete everybody from a catalog.
pub const NOBODY: &str = "no user would be left: every user that Authentik shows is inactive or a service \
    account; check the token's permission `view_user` and `includeServiceAccounts`";
/// How many new findings a run logs one by one.
const LOGGED_FINDINGS: usize = 20;

/// What a cycle needs.
#[derive(Debug)]
pub struct Cycle {
    /// Asks Authentik.
    pub client: Client,
    /// Which rows become entities.
    pub policy: Arc<Policy>,
    /// How long the reading may take.
    pub timeout: Duration,
    /// Where the snapshot is published.
    pub store: Arc<Store>,
    /// The wall clock.
    pub clock: Clock,
}

impl Cycle {
    /// Reads the directory and publishes what follows from it.
    ///
    /// # Errors
    /// Whatever keeps the directory from being read whole within the timeout.
    pub async fn run(&self, progress: &Progress) -> Result<Report, Failure> {
        let read_at = self.clock.now();
        let known = self.kept().map(|kept| Disagreement::of(&kept.directory));
        let directory = self.read(&known.unwrap_or_default(), progress).await?;
        self.publish(Arc::new(directory), self.store.current(), read_at).await
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
    pub async fn run_on_kept_rows(&self) -> Result<Report, Failure> {
        let nothing = || Failure { code: "internal", message: "no rows are kept".into() };
        let kept = self.kept().ok_or_else(nothing)?;
        let (directory, read_at) = (Arc::clone(&kept.directory), kept.read_at);
        self.publish(directory, Some(kept), read_at).await
    }

    /// Publishes what an earlier process kept of this server.
    ///
    /// # Errors
    /// When nobody would be left, or the transform fails.
    pub async fn restore(&self, kept: Kept) -> Result<Report, Failure> {
        self.publish_made(None, move |policy, _| Snapshot::restored(kept, policy)).await
    }

    /// The snapshot, if its rows are this server's.
    fn kept(&self) -> Option<Arc<Snapshot>> {
        self.store.current().filter(|kept| kept.policy.base_url == self.policy.base_url)
    }

    /// Transforms rows and publishes what comes out.
    async fn publish(
        &self,
        directory: Arc<Directory>,
        previous: Option<Arc<Snapshot>>,
        read_at: Timestamp,
    ) -> Result<Report, Failure> {
        let make = move |policy, previous: Option<&_>| Snapshot::new(directory, policy, previous, read_at);
        self.publish_made(previous, make).await
    }

    /// Has a snapshot made off the serving threads and publishes it.
    async fn publish_made(
        &self,
        previous: Option<Arc<Snapshot>>,
        make: impl FnOnce(Arc<Policy>, Option<&Snapshot>) -> Snapshot + Send + 'static,
    ) -> Result<Report, Failure> {
        let policy = Arc::clone(&self.policy);
        let made = tokio::task::spawn_blocking(move || {
            let snapshot = make(policy, previous.as_deref());
            let old = previous.as_ref().map(|previous| &previous.document);
            let changes = Changes::between(old, &snapshot.document);
            log_new(&snapshot.findings, previous.as_ref().map_or(&[], |previous| &previous.findings));
            (snapshot, changes)
        });
        let (snapshot, changes) = made.await.map_err(|_| panicked())?;
        if snapshot.document.count(Kind::User) == 0 {
            return Err(Failure { code: "nobody", message: NOBODY.into() });
        }
        let report = Report {
            users: snapshot.document.count(Kind::User),
            groups: snapshot.document.count(Kind::Group),
            changes,
            findings: Arc::clone(&snapshot.findings),
        };
        self.store.publish(snapshot);
        Ok(report)
    }

    /// Reads the directory within the timeout; `known` are differences from before.
    ///
    /// # Errors
    /// Whatever keeps the directory from being read whole within the timeout.
    pub async fn read(&self, known: &Disagreement, progress: &Progress) -> Result<Directory, Failure> {
        let started = Instant::now();
        match timeout(self.timeout, read_directory(&self.client, known, progress)).await {
            Ok(Ok(directory)) => Ok(directory),
            Ok(Err(error)) => Err(Failure { code: error.code(), message: error.to_string() }),
            Err(_) => Err(timed_out(started.elapsed(), progress)),
        }
    }
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

/// Logs findings that the previous snapshot did not have.
fn log_new(findings: &[Finding], previous: &[Finding]) {
    let known: BTreeSet<&Finding> = previous.iter().collect();
    let new: Vec<_> = findings.iter().filter(|finding| !known.contains(finding)).collect();
    for finding in new.iter().take(LOGGED_FINDINGS) {
        tracing::warn!(code = %finding.code, remedy = %finding.remedy, "{}", finding.message);
    }
    if new.len() > LOGGED_FINDINGS {
        tracing::warn!(findings = new.len(), "more findings; GET /sync/{{id}} lists all");
    }
}

/// The failure of a transform that panicked; its message went to the log.
fn panicked() -> Failure {
    Failure { code: "internal", message: "the transform failed; the log has the reason".into() }
}
