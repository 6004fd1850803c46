//! A run of the sync: why it was asked for, how far it is, how it ended.

use std::fmt::{self, Display};
use std::str::FromStr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::changes::Changes;
use super::sync_mode::SyncMode;
use crate::catalog::finding::Finding;
use crate::progress::Progress;

/// A run's name; ids are not used twice, not even after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RunId(Uuid);

impl RunId {
    /// A new id; later ids sort after earlier ones (UUID version 7, RFC 9562).
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }
}

impl Default for RunId {
    fn default() -> Self {
        Self::new()
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

/// Why a run was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = RunTrigger)]
pub enum Trigger {
    /// It was due.
    Schedule,
    /// Somebody posted to `/sync`.
    Request,
    /// The configuration changed.
    Reload,
    /// The service began with what an earlier process had kept.
    Restart,
}

impl Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// What a run may and shall do beyond others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunOptions {
    /// Whether what the shrink guard would hold is published.
    pub accepts_shrink: bool,
    /// Whether everything is read.
    pub full: bool,
}

/// A run in the ledger.
#[derive(Clone, Debug)]
pub struct Run {
    /// Its name.
    pub id: RunId,
    /// Why it was asked for.
    pub trigger: Trigger,
    /// What it may and shall do beyond others.
    pub options: RunOptions,
    /// When it was asked for.
    pub queued_at: Timestamp,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// How it reads Authentik, once that is known and if it does.
    pub mode: Option<SyncMode>,
    /// How far it is, or was when it ended.
    pub progress: Arc<Progress>,
    /// When and how it ended.
    pub end: Option<(Timestamp, Outcome)>,
}

impl Run {
    /// A run that has just been asked for.
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

    /// How long it took, in seconds; none unless it began and ended.
    #[must_use]
    pub fn duration_seconds(&self) -> Option<f64> {
        let (start, (end, _)) = (self.started_at?, self.end.as_ref()?);
        Some(end.duration_since(start).as_secs_f64())
    }
}

/// How a run ended.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// A snapshot was published.
    Succeeded(RunReport),
    /// The rows were read and are suspiciously few: the old snapshot stays until somebody accepts them.
    Held(Failure),
    /// Nothing changed: the old snapshot stays.
    Failed(Failure),
}

impl Outcome {
    /// The outcome in one word.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Succeeded(_) => "succeeded",
            Self::Held(_) => "held",
            Self::Failed(_) => "failed",
        }
    }
}

/// What a successful run brought.
#[derive(Clone, Debug)]
pub struct RunReport {
    /// User entities in the new snapshot.
    pub users: usize,
    /// Group entities in the new snapshot.
    pub groups: usize,
    /// Differences from the snapshot before.
    pub changes: Changes,
    /// What the operator should know.
    pub findings: Arc<[Finding]>,
}

/// Why a run failed or was held, in words an operator can act on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What kind of failure it is, stable over versions.
    pub code: &'static str,
    /// What is the matter and what to do.
    pub message: String,
    /// What in the message are somebody else's words, which may name anybody.
    pub quoted: Option<String>,
}

impl Failure {
    /// A failure in our own words.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            quoted: None,
        }
    }

    /// The message without somebody else's words, for whoever may know nobody.
    #[must_use]
    pub fn public_message(&self) -> String {
        let quoted = self.quoted.as_deref().filter(|quoted| !quoted.is_empty());
        quoted.map_or_else(
            || self.message.clone(),
            |quoted| self.message.replace(quoted, "…"),
        )
    }
}
