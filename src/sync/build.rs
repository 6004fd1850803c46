//! Makes a snapshot of rows, or holds them; heavy, not for a serving thread.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::guard::{self, Hold};
use crate::catalog::entity::Kind;
use crate::catalog::finding::Finding;
use crate::catalog::policy::Policy;
use crate::config::ShrinkGuard;
use crate::directory::{Directory, Sizes};
use crate::snapshot::Snapshot;
use crate::snapshot::changes::Changes;
use crate::snapshot::persistence::PersistedRows;
use crate::snapshot::recent_maxima::RecentMaxima;
use crate::snapshot::sync_mode::ResumePoint;

/// How many new findings a run logs one by one.
const LOGGED_FINDINGS: usize = 20;

/// How strictly rows are judged before they are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GuardMode {
    /// They may not be suspiciously few.
    Enforced,
    /// Somebody accepted that they are few; they are what the next ones are compared with.
    Accepted,
    /// They are served already; only somebody must be left.
    AlreadyServed,
}

/// What is known when rows are judged.
pub(super) struct SnapshotBuilder {
    /// How strictly they are judged.
    pub(super) guard_mode: GuardMode,
    /// What a run may remove.
    pub(super) limits: ShrinkGuard,
    /// What is served.
    pub(super) previous: Option<Arc<Snapshot>>,
}

impl SnapshotBuilder {
    /// Makes a snapshot of rows, unless they are held.
    pub(super) fn snapshot(
        self,
        directory: Arc<Directory>,
        policy: Arc<Policy>,
        read_at: Timestamp,
        origin: ResumePoint,
    ) -> Result<(Snapshot, Changes), Hold> {
        let previous = self.previous.as_deref();
        let kept = previous.filter(|previous| previous.policy.base_url == policy.base_url);
        if self.guard_mode == GuardMode::Enforced {
            let rows = kept.map(|kept| (&*kept.directory, kept.recent_maxima.largest(read_at)));
            guard::rows(rows, &directory, &self.limits).map_or(Ok(()), Err)?;
        }
        let users_before = kept.map(|kept| kept.document.count(Kind::User));
        let mut snapshot = Snapshot::new(directory, policy, previous, read_at, origin);
        if self.guard_mode == GuardMode::Accepted {
            snapshot.recent_maxima = RecentMaxima::at(read_at, Sizes::of(&snapshot.directory));
        } else {
            guard::nobody(users_before, snapshot.document.count(Kind::User)).map_or(Ok(()), Err)?;
        }
        let changes = Changes::between(
            previous.map(|previous| &previous.document),
            &snapshot.document,
        );
        log_new(
            &snapshot.findings,
            previous.map_or(&[], |previous| &previous.findings),
        );
        Ok((snapshot, changes))
    }
}

/// Makes a snapshot of what an earlier process kept; it was judged when it was read.
pub(super) fn restored(
    kept: PersistedRows,
    policy: Arc<Policy>,
) -> Result<(Snapshot, Changes), Hold> {
    let snapshot = Snapshot::restored(kept, policy);
    guard::nobody(None, snapshot.document.count(Kind::User)).map_or(Ok(()), Err)?;
    log_new(&snapshot.findings, &[]);
    let changes = Changes::between(None, &snapshot.document);
    Ok((snapshot, changes))
}

/// Logs findings that the previous snapshot did not have.
fn log_new(findings: &[Finding], previous: &[Finding]) {
    let known: BTreeSet<&Finding> = previous.iter().collect();
    let new: Vec<_> = findings
        .iter()
        .filter(|finding| !known.contains(finding))
        .collect();
    for finding in new.iter().take(LOGGED_FINDINGS) {
        tracing::warn!(code = %finding.code, remedy = %finding.remedy, "{}", finding.message);
    }
    if new.len() > LOGGED_FINDINGS {
        tracing::warn!(
            findings = new.len(),
            "more findings; GET /sync/{{id}} lists all"
        );
    }
}
