//! Why a reading of what changed gives up, and leaves it to a full crawl.

use std::fmt;

/// What was in doubt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The server does not know the filters (before 2025.8), or answers otherwise than it was asked.
    Unsupported,
    /// The server does not tell the time, or its clock went back.
    Clock,
    /// So much changed that a full crawl costs no more.
    TooMany,
    /// The directory did not rest for the time of a few requests.
    Restless,
    /// The lists name rows that neither shows, and not only those of before: a permission was narrowed.
    Disagreement,
    /// A row could not be read, so that its change may be missed.
    BrokenRow,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => {
                "Authentik cannot tell which users changed (it can from 2025.8 on)"
            }
            Self::Clock => "the answers tell no time, or one before the last change",
            Self::TooMany => "too much changed",
            Self::Restless => "the directory changed faster than it was compared",
            Self::Disagreement => "groups or users name rows that the lists do not show",
            Self::BrokenRow => "a row could not be read",
        })
    }
}
