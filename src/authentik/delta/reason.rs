//! Why an incremental sync falls back to a full sync.

use std::fmt;

/// Why an incremental sync falls back to a full sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The server ignores the filters (before 2025.8), or an answer does not match the request.
    Unsupported,
    /// The answers have no `Date` header, or the server's clock went back.
    Clock,
    /// A full sync costs no more than reading this many changes.
    TooMany,
    /// The list is unstable: it changed during each comparison.
    Restless,
    /// The lists name rows that neither has, beyond those of the last snapshot: a permission was
    /// narrowed.
    Disagreement,
    /// A row could not be read, so its change may be missed.
    BrokenRow,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => {
                "Authentik does not filter users by their last change (it does since 2025.8)"
            }
            Self::Clock => "the answers have no date, or one before the last change",
            Self::TooMany => "too many changes",
            Self::Restless => "the directory changed during each comparison",
            Self::Disagreement => "groups or users name rows that the lists do not have",
            Self::BrokenRow => "a row could not be read",
        })
    }
}
