//! Searches the rows of a directory, whether they have an entity or not.

use std::cmp::Reverse;

use serde::Serialize;
use utoipa::ToSchema;

use super::entity::Kind;
use super::plan::Names;
use crate::directory::{Directory, Group, User};

/// The maximum number of listed matches.
const LISTED_MATCHES: usize = 50;

/// The rows that match a text.
#[derive(Debug, Serialize, ToSchema)]
pub struct SearchResult<'d> {
    /// The number of all matches.
    pub total: usize,
    /// The best matches, at most 50: equal names first, then names that begin with the text, then others;
    /// each part sorted by name.
    pub matches: Vec<RowMatch<'d>>,
}

/// A row that matches a text.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowMatch<'d> {
    /// The name in Authentik: a user's `username`, a group's `name`.
    pub source: &'d str,
    /// The kind of its entity.
    pub kind: Kind,
    /// The primary key.
    pub pk: String,
    /// The display name of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub display_name: Option<&'d str>,
    /// The name in the catalog; absent if the row has no entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<&'d str>,
}

/// Returns the rows with a primary key that equals `text`, or with a name or email that contains it. Letter
/// case does not matter.
#[must_use]
pub fn search<'d>(
    directory: &'d Directory,
    names: &'d Names,
    kind: Option<Kind>,
    text: &str,
) -> SearchResult<'d> {
    let text = text.trim().to_lowercase();
    let has_kind = |of: Kind| kind.is_none_or(|kind| kind == of);
    let groups = directory.groups().iter().filter(|_| has_kind(Kind::Group));
    let users = directory.users().iter().filter(|_| has_kind(Kind::User));
    let groups = groups.filter_map(|row| rated(of_group(row, names), None, &text));
    let users = users.filter_map(|row| rated(of_user(row, names), Some(&row.email), &text));
    let mut rated: Vec<_> = groups.chain(users).collect();
    let total = rated.len();
    rated.sort_unstable();
    rated.truncate(LISTED_MATCHES);
    SearchResult {
        total,
        matches: rated.into_iter().map(|(_, row)| row).collect(),
    }
}

fn of_user<'d>(user: &'d User, names: &'d Names) -> RowMatch<'d> {
    RowMatch {
        source: &user.username,
        kind: Kind::User,
        pk: user.pk.to_string(),
        display_name: Some(&*user.name).filter(|name| !name.is_empty()),
        name: names.users.get(&user.pk).map(|name| &**name),
    }
}

fn of_group<'d>(group: &'d Group, names: &'d Names) -> RowMatch<'d> {
    RowMatch {
        source: &group.name,
        kind: Kind::Group,
        pk: group.pk.to_string(),
        display_name: None,
        name: names.groups.get(&group.pk).map(|name| &**name),
    }
}

/// Returns a row with its rating, if it matches a text in lower case. The best sorts first.
fn rated<'d>(
    row: RowMatch<'d>,
    email: Option<&str>,
    text: &str,
) -> Option<(Reverse<u8>, RowMatch<'d>)> {
    let texts = [Some(row.source), row.display_name, email, row.name];
    let texts = texts.into_iter().flatten().map(str::to_lowercase);
    let best = texts.filter_map(|field| rating(&field, text)).max();
    let by_pk = (row.pk == text).then_some(2);
    best.max(by_pk).map(|rating| (Reverse(rating), row))
}

/// Returns 2 for an equal text, 1 for one at the beginning, 0 for one elsewhere.
fn rating(field: &str, text: &str) -> Option<u8> {
    if field == text {
        Some(2)
    } else if field.starts_with(text) {
        Some(1)
    } else {
        field.contains(text).then_some(0)
    }
}
