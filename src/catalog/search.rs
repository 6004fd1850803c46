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
pub struct SearchResult {
    /// The number of all matches.
    pub total: usize,
    /// The best matches, at most 50: equal names first, then names that begin with the text, then others;
    /// each part sorted by name.
    pub matches: Vec<RowMatch>,
}

/// A row that matches a text.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RowMatch {
    /// The name in Authentik: a user's `username`, a group's `name`.
    pub source: String,
    /// The kind of its entity.
    pub kind: Kind,
    /// The primary key.
    pub pk: String,
    /// The display name of a user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub display_name: Option<String>,
    /// The name in the catalog; absent if the row has no entity.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
}

/// Returns the rows with a primary key that equals `text`, or with a name or email that contains it. Letter
/// case does not matter.
#[must_use]
pub fn search(
    directory: &Directory,
    names: &Names,
    kind: Option<Kind>,
    text: &str,
) -> SearchResult {
    let text = text.trim().to_lowercase();
    let has_kind = |of: Kind| kind.is_none_or(|kind| kind == of);
    let groups = directory.groups().iter().filter(|_| has_kind(Kind::Group));
    let users = directory.users().iter().filter(|_| has_kind(Kind::User));
    let groups = groups
        .map(|group| of_group(group, names))
        .filter_map(|row| row.rated(&text));
    let users = users
        .map(|user| of_user(user, names))
        .filter_map(|row| row.rated(&text));
    let mut rated: Vec<_> = groups.chain(users).collect();
    let total = rated.len();
    rated.sort_unstable();
    rated.truncate(LISTED_MATCHES);
    SearchResult {
        total,
        matches: rated.into_iter().map(|(_, found)| found.into()).collect(),
    }
}

/// The searched fields of a row.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Searched<'d> {
    source: &'d str,
    kind: Kind,
    pk: String,
    display_name: Option<&'d str>,
    email: Option<&'d str>,
    name: Option<&'d str>,
}

fn of_user<'d>(user: &'d User, names: &'d Names) -> Searched<'d> {
    Searched {
        source: &user.username,
        kind: Kind::User,
        pk: user.pk.to_string(),
        display_name: Some(&*user.name).filter(|name| !name.is_empty()),
        email: Some(&user.email),
        name: names.users.get(&user.pk).map(|name| &**name),
    }
}

fn of_group<'d>(group: &'d Group, names: &'d Names) -> Searched<'d> {
    Searched {
        source: &group.name,
        kind: Kind::Group,
        pk: group.pk.to_string(),
        display_name: None,
        email: None,
        name: names.groups.get(&group.pk).map(|name| &**name),
    }
}

impl Searched<'_> {
    /// Returns the row with its rating, the best first, if it matches a text in lower case.
    fn rated(self, text: &str) -> Option<(Reverse<u8>, Self)> {
        let texts = [Some(self.source), self.display_name, self.email, self.name];
        let texts = texts.into_iter().flatten().map(str::to_lowercase);
        let best = texts.filter_map(|field| rating(&field, text)).max();
        let by_pk = (self.pk == text).then_some(2);
        best.max(by_pk).map(|rating| (Reverse(rating), self))
    }
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

impl From<Searched<'_>> for RowMatch {
    fn from(row: Searched<'_>) -> Self {
        Self {
            source: row.source.to_owned(),
            kind: row.kind,
            pk: row.pk,
            display_name: row.display_name.map(str::to_owned),
            name: row.name.map(str::to_owned),
        }
    }
}
