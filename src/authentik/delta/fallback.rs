//! Why an incremental sync falls back to a full sync.

use std::fmt;

/// Why an incremental sync falls back to a full sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FallbackReason {
    /// The server ignores the filters (before 2025.8), or an answer does not match the request.
    Unsupported,
    /// The answers have no `Date` header, or the server's clock went back.
    Clock,
    /// A full sync costs no more than reading this many changes.
    TooManyChanges,
    /// The list is unstable: it changed during each comparison.
    Unstable,
    /// The lists name rows that neither has, beyond those of the last snapshot: a permission was
    /// narrowed.
    ListsDisagree,
    /// A row could not be read, so its change may be missed.
    BrokenRow,
}

impl fmt::Display for FallbackReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unsupported => {
                "Authentik does not filter users by their last change (it does since 2025.8)"
            }
            Self::Clock => "the answers have no date, or one before the last change",
            Self::TooManyChanges => "too many changes",
            Self::Unstable => "the directory changed during each comparison",
            Self::ListsDisagree => "groups or users name rows that the lists do not have",
            Self::BrokenRow => "a row could not be read",
        })
    }
}
