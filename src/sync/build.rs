//! Builds a snapshot from rows, or holds them. Takes long: to be called on a blocking thread.

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

/// The maximum number of new findings that a run logs one by one.
const LOGGED_FINDINGS: usize = 20;

/// Which checks of the shrink guard apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GuardMode {
    /// All checks, of rows and of entities.
    Enforced,
    /// None: an operator accepted the loss. The next rows are compared with these.
    Accepted,
    /// Only the checks of entities: the rows are those of the current snapshot.
    Reconfigured,
}

/// Builds a snapshot from rows that were read.
pub(super) struct SnapshotBuilder {
    /// The checks that apply.
    pub(super) guard_mode: GuardMode,
    /// The limits of the shrink guard.
    pub(super) limits: ShrinkGuard,
    /// The current snapshot.
    pub(super) previous: Option<Arc<Snapshot>>,
    /// The previous rows of the same server.
    pub(super) basis: Option<Basis>,
}

/// A snapshot that the shrink guard does not let through.
pub(super) struct HeldSnapshot {
    /// Why it is held.
    pub(super) hold: Hold,
    /// The changes that it would publish.
    pub(super) changes: Changes,
}

impl SnapshotBuilder {
    /// Builds a snapshot from rows, unless they are held.
    pub(super) fn snapshot(
        self,
        directory: Arc<Directory>,
        policy: Arc<Policy>,
        read_at: Timestamp,
        resume_point: ResumePoint,
    ) -> Result<(Snapshot, Changes), HeldSnapshot> {
        let previous = self.previous.as_deref();
        let rows_hold = self.check_rows(&directory, read_at);
        let persisted = match &self.basis {
            Some(Basis::Persisted(rows)) => Some(&**rows),
            _ => None,
        };
        let mut snapshot = Snapshot::new(
            directory,
            policy,
            previous,
            persisted,
            (read_at, resume_point),
        );
        let changes = Changes::between(
            previous.map(|previous| &previous.document),
            &snapshot.document,
        );
        if let Some(hold) = rows_hold.or_else(|| self.check_entities(&snapshot)) {
            return Err(HeldSnapshot { hold, changes });
        }
        if self.guard_mode == GuardMode::Accepted {
            snapshot.recent_maxima = RecentMaxima::at(read_at, Sizes::of(&snapshot.directory));
        }
        log_new(
            &snapshot.findings,
            previous.map_or(&[], |previous| &previous.findings),
        );
        Ok((snapshot, changes))
    }

    /// Returns why rows are held, if their check applies.
    fn check_rows(&self, directory: &Directory, read_at: Timestamp) -> Option<Hold> {
        if self.guard_mode != GuardMode::Enforced {
            return None;
        }
        let basis = self.basis.as_ref();
        let rows = basis.map(|basis| (basis.directory(), basis.largest(read_at)));
        guard::rows(rows, directory, &self.limits)
    }

    /// Returns why entities are held, if their check applies.
    fn check_entities(&self, snapshot: &Snapshot) -> Option<Hold> {
        if self.guard_mode == GuardMode::Accepted {
            return None;
        }
        check_entities(
            self.basis.as_ref().map(Basis::names),
            snapshot,
            &self.limits,
        )
    }
}

/// Builds a snapshot from the state file. Its rows were checked when they were read.
pub(super) fn restored(
    rows: PersistedRows,
    policy: Arc<Policy>,
    limits: &ShrinkGuard,
) -> Result<(Snapshot, Changes), HeldSnapshot> {
    let names = rows.names.clone();
    let snapshot = Snapshot::restored(rows, policy);
    let changes = Changes::between(None, &snapshot.document);
    if let Some(hold) = check_entities(Some(&names), &snapshot, limits) {
        return Err(HeldSnapshot { hold, changes });
    }
    log_new(&snapshot.findings, &[]);
    Ok((snapshot, changes))
}

/// Returns why a snapshot is held: it has no user, or lacks too many of the previous entities.
fn check_entities(
    before: Option<&Names>,
    snapshot: &Snapshot,
    limits: &ShrinkGuard,
) -> Option<Hold> {
    let users_before = before.map(|names| names.users.len());
    let no_users = guard::no_users(users_before, snapshot.document.count(Kind::User));
    no_users.or_else(|| before.and_then(|names| entities::check(names, &snapshot.names, limits)))
}

/// Logs the findings that the previous snapshot did not have.
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
