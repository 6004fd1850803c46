//! What the two lists say of each other: rows that a permission hides.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::finding::{Code, Finding};
use crate::counted::counted;
use crate::directory::{Directory, Disagreement};

/// How many pks a finding names.
const NAMED: usize = 20;

/// The findings about pks that one list names and the other lacks.
#[must_use]
pub fn findings(directory: &Directory) -> Vec<Finding> {
    let Disagreement { users, groups } = Disagreement::of(directory);
    let users = hidden(
        Code::HiddenUsers,
        "user",
        "groups name members that the user list lacks",
        &users,
    );
    let groups = hidden(
        Code::HiddenGroups,
        "group",
        "rows name groups that the group list lacks",
        &groups,
    );
    users.into_iter().chain(groups).collect()
}

/// The finding about the hidden rows of one list.
fn hidden<Pk: Display>(code: Code, list: &str, what: &str, pks: &BTreeSet<Pk>) -> Option<Finding> {
    if pks.is_empty() {
        return None;
    }
    let named: Vec<_> = pks.iter().take(NAMED).map(ToString::to_string).collect();
    let rest = if pks.len() > NAMED { ", …" } else { "" };
    let message = format!(
        "{what}: {}, pk {}{rest}",
        counted(pks.len(), list),
        named.join(", ")
    );
    let remedy = format!(
        "give the token's role the global permission `view_{list}`; a permission on single objects filters the list"
    );
    Some(Finding::general(code, list).says(message, remedy))
}
