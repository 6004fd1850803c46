//! Broken rows: Authentik lists them, and this version cannot read them.

use std::collections::BTreeMap;

use super::{GroupPk, UserPk};

/// Why a row could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The path of the field in the row, such as `users[1]`.
    pub field: Box<str>,
    /// The problem, without the value.
    pub problem: Box<str>,
}

/// The broken rows, by pk. The directory has the last readable version of each, if there is one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokenRows {
    /// Broken rows of the user list.
    pub users: BTreeMap<UserPk, RowError>,
    /// Broken rows of the group list.
    pub groups: BTreeMap<GroupPk, RowError>,
}

impl BrokenRows {
    /// Whether there is no broken row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }
}
