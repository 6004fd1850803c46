//! How a run read Authentik and why so, and what the next run can go on from.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::directory::UserPk;

/// How a run read Authentik.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reading {
    /// Only what changed, since a time by Authentik's clocks.
    Delta(Timestamp),
    /// Everything.
    Full(FullReason),
}

impl Reading {
    /// What a reading is called.
    #[must_use]
    pub fn mode(self) -> &'static str {
        match self {
            Self::Delta(_) => "delta",
            Self::Full(_) => "full",
        }
    }

    /// Why everything was read.
    #[must_use]
    pub fn reason(self) -> Option<FullReason> {
        match self {
            Self::Delta(_) => None,
            Self::Full(reason) => Some(reason),
        }
    }

    /// Since when changes were read.
    #[must_use]
    pub fn since(self) -> Option<Timestamp> {
        match self {
            Self::Delta(since) => Some(since),
            Self::Full(_) => None,
        }
    }
}

/// Why a run reads everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FullReason {
    /// There are no rows of this server to go on from.
    First,
    /// It was time for it, by `fullSync.frequency`.
    Due,
    /// Somebody posted `/sync?full=true`.
    Asked,
    /// Authentik cannot tell what changed (before 2025.8), or answers otherwise than it was asked.
    Unsupported,
    /// A row could not be read, so that its changes may be missed.
    BrokenRow,
    /// Authentik's answers tell no time, or one before the last change.
    Clock,
    /// So much changed that reading everything costs no more.
    TooMany,
    /// Two runs in a row did not read what changed in time.
    TooSlow,
    /// The directory changed faster than it was compared.
    Restless,
    /// The lists name rows that neither shows, and not only those of before.
    Disagreement,
}

impl FullReason {
    /// The reason in one word, stable over versions.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Due => "due",
            Self::Asked => "asked",
            Self::Unsupported => "unsupported",
            Self::BrokenRow => "broken-row",
            Self::Clock => "clock",
            Self::TooMany => "too-many",
            Self::TooSlow => "too-slow",
            Self::Restless => "restless",
            Self::Disagreement => "disagreement",
        }
    }
}

/// From where the next run can go on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The last change that was seen, by Authentik's clocks; none if only a full reading goes on.
    pub watermark: Option<Timestamp>,
    /// When everything was read the last time, by this machine's clock.
    pub full_at: Option<Timestamp>,
    /// Users whose changes no stamp told of, since then; only a full reading is sure to see such.
    pub unannounced: Arc<BTreeSet<UserPk>>,
}
