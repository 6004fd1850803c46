//! The finding about changes that no stamp told of.

use std::collections::BTreeSet;

use super::finding::{Code, Finding};
use crate::counted::counted;
use crate::directory::{Directory, UserPk};

/// How many users are named.
const NAMED: usize = 5;
/// What to do about such changes.
const REMEDY: &str = "find out what writes to Authentik's database without `last_updated`, such as SQL, a restored \
    backup or `ak change_user_type`; post `/sync?full=true` after it, or shorten `fullSync.frequency`";

/// A finding if there are such users; they are those of the last full reading and since.
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
        "{} came or changed without a new `last_updated`, so that a run which reads only what changed \
         is not sure to see it: {named}{more}",
        counted(users.len(), "user")
    );
    Some(Finding::general(Code::UnannouncedChanges, "last_updated").says(message, REMEDY))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_users_are_named_and_all_are_counted() {
        let nobody = Directory::default();
        assert_eq!(finding(&BTreeSet::new(), &nobody), None);
        let users = (1..=7).map(UserPk).collect();
        let message = finding(&users, &nobody).unwrap().message;
        assert!(
            message.starts_with("7 users") && message.ends_with("pk 4, pk 5, …"),
            "{message}"
        );
    }
}
