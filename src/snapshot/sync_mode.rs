//! The mode of a sync, its reason, and the point from which the next sync can continue.

use std::collections::BTreeSet;
use std::fmt::{self, Display};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::directory::UserPk;

/// The mode of a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SyncMode {
    /// An incremental sync: rows changed since this time by Authentik's clock.
    Incremental(Timestamp),
    /// A full sync.
    Full(FullReason),
}

impl SyncMode {
    /// Returns the name of the mode.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Incremental(_) => "incremental",
            Self::Full(_) => "full",
        }
    }

    /// Returns the reason for a full sync.
    #[must_use]
    pub fn reason(self) -> Option<FullReason> {
        match self {
            Self::Incremental(_) => None,
            Self::Full(reason) => Some(reason),
        }
    }

    /// Returns the start of an incremental sync's time range.
    #[must_use]
    pub fn since(self) -> Option<Timestamp> {
        match self {
            Self::Incremental(since) => Some(since),
            Self::Full(_) => None,
        }
    }
}

/// The reason for a full sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FullReason {
    /// There are no rows of this server yet.
    First,
    /// `fullSync.frequency` has elapsed.
    Due,
    /// A client requested it with `POST /sync?full=true`.
    Requested,
    /// The directory is so small that an incremental sync costs Authentik more.
    Cheaper,
    /// Authentik cannot filter by time of change (before 2025.8), or its answer ignores the filter.
    Unsupported,
    /// The configuration names fields of rows that were not read yet.
    NewFields,
    /// A row is invalid, so an incremental sync could miss its changes.
    BrokenRow,
    /// Authentik's answers have no `Date`, or one before the last change.
    Clock,
    /// So many rows changed that a full sync costs no more.
    TooManyChanges,
    /// Two incremental syncs in a row exceeded their time limit.
    TooSlow,
    /// The list is unstable: it changed faster than the incremental sync could verify it.
    Unstable,
    /// The lists refer to rows that neither contains, and that were not missing before.
    ListsDisagree,
}

impl Display for FullReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.serialize(f)
    }
}

/// The point from which the next sync can continue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResumePoint {
    /// Time of the last change that was read, by Authentik's clock; `None` requires a full sync.
    pub watermark: Option<Timestamp>,
    /// Time of the last full sync, by this machine's clock.
    pub full_at: Option<Timestamp>,
    /// Users changed since then without a new `last_updated`; only a full sync reliably finds such
    /// changes.
    pub unstamped: Arc<BTreeSet<UserPk>>,
}
