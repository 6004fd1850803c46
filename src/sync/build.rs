//! Makes a snapshot of rows, or holds them; heavy, not for a serving thread.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;

use super::basis::Basis;
use super::guard::{self, Hold, entities};
use crate::catalog::entity::Kind;
use crate::catalog::finding::Finding;
use crate::catalog::plan::Names;
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
    /// The rows are served already: only the entities that they make are judged.
    Reconfigured,
}

/// What is known when rows are judged.
pub(super) struct SnapshotBuilder {
    /// How strictly they are judged.
    pub(super) guard_mode: GuardMode,
    /// What a run may remove.
    pub(super) limits: ShrinkGuard,
    /// What is served.
    pub(super) previous: Option<Arc<Snapshot>>,
    /// The rows of this server before.
    pub(super) basis: Option<Basis>,
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
        let basis = self.basis.as_ref();
        if self.guard_mode == GuardMode::Enforced {
            let rows = basis.map(|basis| (basis.directory(), basis.largest(read_at)));
            guard::rows(rows, &directory, &self.limits).map_or(Ok(()), Err)?;
        }
        let persisted = match basis {
            Some(Basis::Persisted(rows)) => Some(&**rows),
            _ => None,
        };
        let mut snapshot = Snapshot::new(directory, policy, previous, persisted, (read_at, origin));
        if self.guard_mode == GuardMode::Accepted {
            snapshot.recent_maxima = RecentMaxima::at(read_at, Sizes::of(&snapshot.directory));
        } else {
            let names = basis.map(Basis::names);
            judge_entities(names, &snapshot, &self.limits)?;
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
    rows: PersistedRows,
    policy: Arc<Policy>,
    limits: &ShrinkGuard,
) -> Result<(Snapshot, Changes), Hold> {
    let names = rows.names.clone();
    let snapshot = Snapshot::restored(rows, policy);
    judge_entities(Some(&names), &snapshot, limits)?;
    log_new(&snapshot.findings, &[]);
    let changes = Changes::between(None, &snapshot.document);
    Ok((snapshot, changes))
}

/// Holds a snapshot that has no user, or lacks too many of the entities before.
fn judge_entities(
    before: Option<&Names>,
    snapshot: &Snapshot,
    limits: &ShrinkGuard,
) -> Result<(), Hold> {
    let users_before = before.map(|names| names.users.len());
    let no_users = guard::no_users(users_before, snapshot.document.count(Kind::User));
    let vanished = || before.and_then(|names| entities::judge(names, &snapshot.names, limits));
    no_users.or_else(vanished).map_or(Ok(()), Err)
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
