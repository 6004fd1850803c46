//! Findings about emails by which Backstage would not find one user: one for each problem.

use std::borrow::Cow;
use std::collections::HashMap;

use super::finding::{Code, Finding};
use super::named_rows::NamedRows;
use super::plan::ProfileMapping;
use crate::counted::counted;
use crate::directory::User;

/// The longest value that Backstage's catalog finds, in UTF-16 code units (`MAX_VALUE_LENGTH`).
const LONGEST_FOUND: usize = 200;
/// The number of users that a message names.
const NAMED: usize = 3;
/// The entry of the configuration that switches these findings off.
const KEY: &str = "users.checkEmails";

/// Returns the findings about the emails of people; service accounts do not sign in.
pub(super) fn findings(users: &NamedRows<'_, User>, profile: &ProfileMapping) -> Vec<Finding> {
    let rows = (0..users.len()).map(|at| users.row(at));
    let people = rows.filter(|row| !row.is_service_account());
    let people: Vec<_> = people
        .map(|row| (row, profile.email.value(row).map(folded)))
        .collect();
    let mut owners: HashMap<&str, usize> = HashMap::with_capacity(people.len());
    for email in people.iter().filter_map(|(_, email)| email.as_deref()) {
        *owners.entry(email).or_default() += 1;
    }
    let select = |is_affected: &dyn Fn(Option<&str>) -> bool| {
        let affected = people.iter();
        affected
            .filter(|(_, email)| is_affected(email.as_deref()))
            .map(|(row, _)| *row)
            .collect::<Vec<_>>()
    };
    let missing = select(&|email| email.is_none());
    let shared = select(&|email| email.is_some_and(|email| owners[email] > 1));
    let not_found = select(&|email| email.is_some_and(|email| !is_found(email)));
    [
        finding(
            Code::EmailMissing,
            &missing,
            "no email and cannot sign in by email",
            "give them an email in Authentik",
        ),
        finding(
            Code::EmailShared,
            &shared,
            "the email of another user, in any letter case, and cannot sign in by email",
            "give each user an email of their own in Authentik",
        ),
        finding(
            Code::EmailNotFound,
            &not_found,
            "an email by which Backstage finds no user: it has a comma or more than 200 characters",
            "correct the email in Authentik",
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// An email in the letter case in which Backstage compares it.
fn folded(email: Cow<'_, str>) -> Cow<'_, str> {
    if email.chars().any(char::is_uppercase) {
        email.to_lowercase().into()
    } else {
        email
    }
}

/// Returns true if Backstage's catalog finds a user by this email: its filter splits at commas, and
/// it does not store long values for its search.
fn is_found(email: &str) -> bool {
    !email.contains(',') && email.encode_utf16().count() <= LONGEST_FOUND
}

fn finding(code: Code, users: &[&User], what: &str, remedy: &str) -> Option<Finding> {
    let (first, _) = users.split_at(users.len().min(NAMED));
    let names: Vec<_> = first
        .iter()
        .map(|user| format!("{:?} (pk {})", user.username, user.pk))
        .collect();
    if names.is_empty() {
        return None;
    }
    let (have, count) = (if users.len() == 1 { "has" } else { "have" }, users.len());
    let message = format!(
        "{} {have} {what}, such as {}",
        counted(count, "user"),
        names.join(", ")
    );
    let remedy =
        format!("{remedy}, or sign in by uid; set `{KEY}: false` if users sign in without it");
    Some(Finding::general(code, KEY).with_message(message, remedy))
}
