//! Findings about rows that a permission hides, detected by comparing the two lists.

use std::collections::BTreeSet;
use std::fmt::Display;

use super::finding::{Code, Finding};
use crate::counted::counted;
use crate::directory::{Directory, Disagreement};

/// The largest number of pks in a message.
const NAMED: usize = 20;

/// Returns the findings about pks that one list references and the other lacks.
#[must_use]
pub fn findings(directory: &Directory) -> Vec<Finding> {
    let Disagreement { users, groups } = Disagreement::of(directory);
    let users = hidden(
        Code::HiddenUsers,
        "user",
        "groups have members that the user list lacks",
        &users,
    );
    let groups = hidden(
        Code::HiddenGroups,
        "group",
        "users or groups reference groups that the group list lacks",
        &groups,
    );
    users.into_iter().chain(groups).collect()
}

/// Returns the finding about the hidden rows of one list.
fn hidden<Pk: Display>(code: Code, list: &str, what: &str, pks: &BTreeSet<Pk>) -> Option<Finding> {
    if pks.is_empty() {
        return None;
    }
    let named: Vec<_> = pks.iter().take(NAMED).map(ToString::to_string).collect();
    let more = if pks.len() > NAMED { ", …" } else { "" };
    let message = format!(
        "{what}: {}, pk {}{more}",
        counted(pks.len(), list),
        named.join(", ")
    );
    let remedy = format!(
        "give the token's role the global permission `view_{list}`; a permission on single objects filters the list"
    );
    Some(Finding::general(code, list).with_message(message, remedy))
}
