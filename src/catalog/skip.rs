//! Why the transform leaves rows out.

use std::fmt;

/// Why a user has no entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// `is_active` is false: the user may not sign in.
    Inactive,
    /// The user is a service account, and `includeServiceAccounts` is false.
    ServiceAccount,
    /// The condition of this key does not hold.
    Filtered(&'static str),
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Inactive => f.write_str("inactive"),
            Self::ServiceAccount => f.write_str("service account"),
            Self::Filtered(key) => write!(f, "filtered by {key}"),
        }
    }
}

/// Why a group has no entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupSkip<'p> {
    /// This entry of `excludeGroups` matches it.
    Excluded(&'p str),
    /// The condition of this key does not hold.
    Filtered(&'static str),
}

impl fmt::Display for GroupSkip<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Excluded(_) => f.write_str("excluded"),
            Self::Filtered(key) => write!(f, "filtered by {key}"),
        }
    }
}
