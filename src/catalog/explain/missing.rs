//! Explains why rows have no entity, in bounded lists.

use super::name;
use crate::catalog::plan::Plan;
use crate::directory::{Group, GroupPk, User, UserPk};

/// The largest number of rows that a list names.
const NAMED: usize = 20;

/// The reason why a user has no entity; `None` if it has one.
pub(super) fn of_user(plan: &Plan<'_>, user: &User) -> Option<String> {
    let skip = plan.selection.user(user).map(|skip| skip.to_string());
    skip.or_else(|| name::absence(&plan.users, user))
}

/// The reason why a group has no entity; `None` if it has one.
pub(super) fn of_group(plan: &Plan<'_>, group: &Group) -> Option<String> {
    let skip = plan.selection.group(group).map(|skip| skip.to_string());
    skip.or_else(|| name::absence(&plan.groups, group))
}

/// A referenced user and the reason why it has no entity; `None` if it has one.
pub(super) fn user(plan: &Plan<'_>, pk: UserPk) -> Option<String> {
    let Some(user) = plan.directory.user(pk) else {
        return Some(format!("pk {pk} (unknown)"));
    };
    of_user(plan, user).map(|reason| format!("{:?} (pk {pk}: {reason})", user.username))
}

/// A referenced group and the reason why it has no entity; `None` if it has one.
pub(super) fn group(plan: &Plan<'_>, pk: GroupPk) -> Option<String> {
    let Some(group) = plan.directory.group(pk) else {
        return Some(format!("pk {pk} (unknown)"));
    };
    of_group(plan, group).map(|reason| format!("{:?} (pk {pk}: {reason})", group.name))
}

/// Joins at most [`NAMED`] items and counts the others; `none` for an empty list.
pub(super) fn listed(items: impl IntoIterator<Item = String>) -> String {
    let mut items = items.into_iter();
    let named: Vec<_> = items.by_ref().take(NAMED).collect();
    match (named.is_empty(), items.count()) {
        (true, _) => "none".to_owned(),
        (false, 0) => named.join(", "),
        (false, more) => format!("{} and {more} more", named.join(", ")),
    }
}

/// A sentence that lists missing rows; `None` without any.
pub(super) fn sentence(what: &str, missing: Vec<String>) -> Option<String> {
    (!missing.is_empty()).then(|| format!("{what}: {}", listed(missing)))
}
