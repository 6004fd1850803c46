//! A run of the sync: its trigger, options, progress and outcome.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

use super::Snapshot;
use super::changes::Changes;
use super::sync_mode::SyncMode;
use crate::catalog::entity::Kind;
use crate::catalog::finding::Finding;
use crate::progress::Progress;

/// The maximum number of findings listed with a run.
pub const LISTED_FINDINGS: usize = 1000;

/// The id of a run; unique, also across restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RunId(Uuid);

impl RunId {
    /// Returns a new id. Later ids sort after earlier ones (UUID version 7, RFC 9562).
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// Returns the UUID.
    #[must_use]
    pub fn uuid(self) -> Uuid {
        self.0
    }
}

impl Default for RunId {
    fn default() -> Self {
        Self::new()
    }
}

impl From<Uuid> for RunId {
    fn from(uuid: Uuid) -> Self {
        Self(uuid)
    }
}

impl Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for RunId {
    type Err = uuid::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// The trigger of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RunTrigger)]
pub enum Trigger {
    /// The schedule.
    Schedule,
    /// A client sent `POST /sync`.
    Request,
    /// The configuration changed.
    Reload,
    /// The service started and restored the persisted snapshot.
    Restart,
    /// Authentik sent a webhook.
    Webhook,
}

impl Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The options of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RunOptions {
    /// Whether the run publishes a result that the shrink guard would hold.
    pub accepts_shrink: bool,
    /// Whether the run is a full sync.
    pub full: bool,
    /// Whether the run ends if it turns out to need a full sync, and leaves that to a later run.
    pub postpones_full: bool,
}

impl RunOptions {
    /// Returns the options that are on, as they are serialized.
    #[must_use]
    pub fn requested(self) -> serde_json::Map<String, serde_json::Value> {
        let options = serde_json::to_value(self).unwrap_or_default();
        let options = options.as_object().cloned().unwrap_or_default();
        options.into_iter().filter(|(_, on)| *on == true).collect()
    }

    /// Returns the options of a run that several requests share.
    #[must_use]
    pub fn merged(self, other: Self) -> Self {
        Self {
            accepts_shrink: self.accepts_shrink || other.accepts_shrink,
            full: self.full || other.full,
            postpones_full: self.postpones_full && other.postpones_full,
        }
    }
}

/// A run in the ledger. Its serialized form is what replicas share.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Run {
    /// The id.
    pub id: RunId,
    /// The trigger.
    pub trigger: Trigger,
    /// The options.
    pub options: RunOptions,
    /// Time when the run was queued.
    pub queued_at: Timestamp,
    /// Time when the run started.
    pub started_at: Option<Timestamp>,
    /// The mode, as soon as it is known; `None` if the run does not read Authentik.
    pub mode: Option<SyncMode>,
    /// The progress.
    pub progress: Arc<Progress>,
    /// Time and outcome of the end.
    pub end: Option<(Timestamp, Outcome)>,
}

impl Run {
    /// Returns a queued run without options.
    #[must_use]
    pub fn queued(trigger: Trigger, queued_at: Timestamp) -> Self {
        Self {
            id: RunId::new(),
            trigger,
            options: RunOptions::default(),
            queued_at,
            started_at: None,
            mode: None,
            progress: Arc::default(),
            end: None,
        }
    }

    /// Returns the duration in seconds; `None` unless the run started and ended.
    #[must_use]
    pub fn duration_seconds(&self) -> Option<f64> {
        let (start, (end, _)) = (self.started_at?, self.end.as_ref()?);
        Some(end.duration_since(start).as_secs_f64())
    }
}

/// The outcome of a run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Outcome {
    /// The run published a snapshot.
    Succeeded(RunReport),
    /// The shrink guard held the result, with the changes that it would have published; the old snapshot
    /// stays until an operator accepts them.
    Held(Failure, Changes),
    /// The run failed; the old snapshot stays.
    Failed(Failure),
}

impl Outcome {
    /// Returns the result of a successful run.
    #[must_use]
    pub fn report(&self) -> Option<&RunReport> {
        match self {
            Self::Succeeded(report) => Some(report),
            Self::Held(..) | Self::Failed(_) => None,
        }
    }

    /// Returns the changes that the run published or would have published.
    #[must_use]
    pub fn changes(&self) -> Option<&Changes> {
        match self {
            Self::Succeeded(report) => Some(&report.changes),
            Self::Held(_, changes) => Some(changes),
            Self::Failed(_) => None,
        }
    }

    /// Returns why the run published nothing.
    #[must_use]
    pub fn failure(&self) -> Option<&Failure> {
        match self {
            Self::Succeeded(_) => None,
            Self::Held(failure, _) | Self::Failed(failure) => Some(failure),
        }
    }

    /// Returns the outcome in one word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "succeeded",
            Self::Held(..) => "held",
            Self::Failed(_) => "failed",
        }
    }
}

/// The result of a successful run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunReport {
    /// Number of user entities in the new snapshot.
    pub users: usize,
    /// Number of group entities in the new snapshot.
    pub groups: usize,
    /// Differences from the previous snapshot.
    pub changes: Changes,
    /// The number of findings.
    pub findings: usize,
    /// The first [`LISTED_FINDINGS`] findings.
    pub listed_findings: Arc<[Finding]>,
}

impl RunReport {
    /// Returns the report of a run that published a snapshot.
    #[must_use]
    pub fn of(snapshot: &Snapshot, changes: Changes) -> Self {
        let findings = &snapshot.findings;
        Self {
            users: snapshot.document.count(Kind::User),
            groups: snapshot.document.count(Kind::Group),
            changes,
            findings: findings.len(),
            listed_findings: match findings.get(..LISTED_FINDINGS) {
                Some(first) => first.into(),
                None => Arc::clone(findings),
            },
        }
    }
}

/// Why a run failed or was held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The kind of failure; stable across versions.
    pub code: Cow<'static, str>,
    /// The problem and its remedy.
    pub message: String,
    /// The part of the message that another server wrote; it may contain personal data.
    pub quoted: Option<String>,
}

impl Failure {
    /// Returns a failure whose message has no text of another server.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            quoted: None,
        }
    }

    /// Returns the message without the text of another server, for clients without a token.
    #[must_use]
    pub fn public_message(&self) -> String {
        let quoted = self.quoted.as_deref().filter(|quoted| !quoted.is_empty());
        quoted.map_or_else(
            || self.message.clone(),
            |quoted| self.message.replace(quoted, "…"),
        )
    }
}
