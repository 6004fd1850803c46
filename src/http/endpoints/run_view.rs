//! A run in JSON.

use std::borrow::Cow;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::accept::Accept;
use super::changes_view::ChangesView;
use crate::catalog::finding::Finding;
use crate::progress::Pages;
use crate::snapshot::run::{Failure, Outcome, Run, Trigger};
use crate::snapshot::sync_mode::{FullReason, SyncMode};

/// A run.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunView {
    /// The id.
    id: String,
    /// The trigger.
    trigger: Trigger,
    /// What the client accepted in advance.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    accept: Option<Accept>,
    /// The mode, as soon as it is known; absent if the run does not read Authentik.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    mode: Option<Mode>,
    /// The reason for a full sync.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    reason: Option<FullReason>,
    /// The start of the time range of an incremental sync, by Authentik's clock:
    /// `entityProvider.incrementalOverlap` before the last known change.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    since: Option<Timestamp>,
    /// The state.
    state: RunState,
    /// When it was queued.
    #[schema(value_type = String, format = DateTime)]
    queued_at: Timestamp,
    /// When it started.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    started_at: Option<Timestamp>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    ended_at: Option<Timestamp>,
    /// Its duration in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    duration_seconds: Option<f64>,
    /// Pages of Authentik's lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pages: Option<Pages>,
    /// Number of user entities in the snapshot of a successful run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    users: Option<usize>,
    /// Number of group entities in the snapshot of a successful run.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    groups: Option<usize>,
    /// Number of entities that are not in the previous snapshot. A held run has not published its changes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    added: Option<usize>,
    /// Number of entities that differ from the previous snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    changed: Option<usize>,
    /// Number of entities that are only in the previous snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    removed: Option<usize>,
    /// Number of findings of a successful run; `GET /sync/{id}` lists them.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    findings: Option<usize>,
    /// Why the run failed or was held.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    error: Option<FailureView>,
}

/// A run with its findings and changes.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunDetailView {
    #[serde(flatten)]
    run: RunView,
    /// The findings, at most 1000; `findings` has the total number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    finding_list: Option<Vec<Finding>>,
    /// The entities that a successful run added, changed and removed, or that a held run would have.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    change_list: Option<ChangesView>,
}

/// The mode of a run.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RunMode)]
enum Mode {
    /// A full sync: the run reads all rows.
    Full,
    /// An incremental sync: the run reads the rows that changed.
    Incremental,
}

/// The state of a run.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum RunState {
    Queued,
    Running,
    Succeeded,
    /// The rows are suspiciously few; the old snapshot stays until an operator accepts them.
    Held,
    Failed,
}

/// The progress of a run that has not ended.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[schema(as = RunProgress)]
pub struct RunProgressView {
    /// `queued` or `running`.
    state: RunState,
    /// Pages of Authentik's lists; absent before the run starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pages: Option<Pages>,
}

impl From<&Run> for RunProgressView {
    fn from(run: &Run) -> Self {
        Self {
            state: RunState::of(run),
            pages: run.started_at.map(|_| run.progress.pages()),
        }
    }
}

impl fmt::Display for RunProgressView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.pages {
            Some(Pages { done, total }) if *total > 0 => {
                write!(
                    f,
                    "a run is in progress and has read {done} of {total} pages"
                )
            }
            Some(_) => f.write_str("a run is in progress"),
            None => f.write_str("a run is queued"),
        }
    }
}

/// Why a run failed or was held.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct FailureView {
    /// The kind of failure; stable across versions.
    #[schema(example = "token")]
    code: Cow<'static, str>,
    /// The problem and its remedy.
    message: String,
}

impl From<&Run> for RunView {
    fn from(run: &Run) -> Self {
        let (ended_at, outcome) = run.end.as_ref().map(|(at, outcome)| (*at, outcome)).unzip();
        let report = outcome.and_then(Outcome::report);
        let changes = outcome.and_then(Outcome::changes);
        let failure = outcome.and_then(Outcome::failure);
        Self {
            id: run.id.to_string(),
            trigger: run.trigger,
            accept: run.options.accepts_shrink.then_some(Accept::Shrink),
            mode: run.mode.map(Mode::from),
            reason: run.mode.and_then(SyncMode::reason),
            since: run.mode.and_then(SyncMode::since),
            state: RunState::of(run),
            queued_at: run.queued_at,
            started_at: run.started_at,
            ended_at,
            duration_seconds: run.duration_seconds(),
            pages: run.started_at.map(|_| run.progress.pages()),
            users: report.map(|report| report.users),
            groups: report.map(|report| report.groups),
            added: changes.map(|changes| changes.added),
            changed: changes.map(|changes| changes.changed),
            removed: changes.map(|changes| changes.removed),
            findings: report.map(|report| report.findings),
            error: failure.map(FailureView::from),
        }
    }
}

impl RunView {
    /// Returns a run without texts of other servers, for clients without a token.
    pub(super) fn public(run: &Run) -> Self {
        let mut view = Self::from(run);
        let failure = run.end.as_ref().and_then(|(_, outcome)| outcome.failure());
        if let Some((error, failure)) = view.error.as_mut().zip(failure) {
            error.message = failure.public_message();
        }
        view
    }
}

impl From<&Failure> for FailureView {
    fn from(failure: &Failure) -> Self {
        Self {
            code: failure.code.clone(),
            message: failure.message.clone(),
        }
    }
}

impl From<&Run> for RunDetailView {
    fn from(run: &Run) -> Self {
        let outcome = run.end.as_ref().map(|(_, outcome)| outcome);
        let report = outcome.and_then(Outcome::report);
        let findings = report.map(|report| report.listed_findings.to_vec());
        Self {
            run: run.into(),
            finding_list: findings,
            change_list: outcome
                .and_then(Outcome::changes)
                .map(|changes| ChangesView::from(&*changes.refs)),
        }
    }
}

impl From<SyncMode> for Mode {
    fn from(mode: SyncMode) -> Self {
        match mode {
            SyncMode::Full(_) => Self::Full,
            SyncMode::Incremental(_) => Self::Incremental,
        }
    }
}

impl RunState {
    /// Returns the state of a run.
    fn of(run: &Run) -> Self {
        match (&run.end, run.started_at) {
            (Some((_, Outcome::Succeeded(_))), _) => Self::Succeeded,
            (Some((_, Outcome::Held(..))), _) => Self::Held,
            (Some((_, Outcome::Failed(_))), _) => Self::Failed,
            (None, Some(_)) => Self::Running,
            (None, None) => Self::Queued,
        }
    }
}
