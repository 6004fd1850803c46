//! The finding about unstamped changes: users that changed while `last_updated` did not.

use std::collections::BTreeSet;

use super::finding::{Code, Finding};
use crate::counted::counted;
use crate::directory::{Directory, UserPk};

/// The largest number of users in a message.
const NAMED: usize = 5;
/// The remedy for unstamped changes.
const REMEDY: &str = "find out what writes to Authentik's database without `last_updated`, such as SQL, a restored \
    backup or `ak change_user_type`; post `/sync?full=true` after it, or shorten `fullSync.frequency`";

/// Returns a finding if there are such users, by the last full sync or since.
#[must_use]
pub fn finding(users: &BTreeSet<UserPk>, directory: &Directory) -> Option<Finding> {
    if users.is_empty() {
        return None;
    }
    let named = users
        .iter()
        .take(NAMED)
        .map(|pk| match directory.user(*pk) {
            Some(user) => format!("{:?} (pk {pk})", user.username),
            None => format!("pk {pk}"),
        });
    let named = named.collect::<Vec<_>>().join(", ");
    let more = if users.len() > NAMED { ", …" } else { "" };
    let message = format!(
        "{} added or changed without a new `last_updated`, and an incremental sync can miss such \
         changes: {named}{more}",
        counted(users.len(), "user")
    );
    Some(Finding::general(Code::UnstampedChanges, "last_updated").with_message(message, REMEDY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_users_are_named_and_all_are_counted() {
        let empty = Directory::default();
        assert_eq!(finding(&BTreeSet::new(), &empty), None);
        let users = (1..=7).map(UserPk).collect();
        let message = finding(&users, &empty).unwrap().message;
        assert!(
            message.starts_with("7 users") && message.ends_with("pk 4, pk 5, …"),
            "{message}"
        );
    }
}
