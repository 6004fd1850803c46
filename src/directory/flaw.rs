//! Rows that were listed and could not be read.

use std::collections::BTreeMap;

use super::{GroupPk, UserPk};

/// Why a row could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The place in the row.
    pub field: Box<str>,
    /// What is wrong there, without the value.
    pub problem: Box<str>,
}

/// The rows that were listed and could not be read, by pk.
///
/// Where such a row was read well before, the directory has it as it was then.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flaws {
    /// Of the user list.
    pub users: BTreeMap<UserPk, Flaw>,
    /// Of the group list.
    pub groups: BTreeMap<GroupPk, Flaw>,
}

impl Flaws {
    /// Whether every row could be read.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty()
    }
}
