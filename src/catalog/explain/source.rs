//! The fields of a row that affect its entity.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::directory::{Group, User};

/// The longest part of an avatar that is shown, in characters: enough for a URL, not for an image.
const AVATAR_LENGTH: usize = 80;

/// The fields of a row that affect its entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = ExplanationSource)]
pub enum SourceRow {
    /// The fields of a user.
    User(UserSource),
    /// The fields of a group.
    Group(GroupSource),
}

/// The fields of a user that affect its entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UserSource {
    /// The login name.
    pub username: String,
    /// The display name.
    pub name: String,
    /// The e-mail address.
    pub email: String,
    /// The avatar, shortened.
    pub avatar: String,
    /// Whether the user may sign in.
    pub is_active: bool,
    /// Authentik's `type` of the account.
    #[serde(rename = "type")]
    pub user_type: String,
    /// Direct groups by pk, from the user list. Memberships come from the group list.
    pub groups: Vec<String>,
}

/// The fields of a group that affect its entity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct GroupSource {
    /// The name.
    pub name: String,
    /// Direct parents by pk.
    pub parents: Vec<String>,
    /// The number of direct members, inactive users and service accounts included.
    pub users: usize,
}

impl From<&User> for UserSource {
    fn from(user: &User) -> Self {
        Self {
            username: (*user.username).to_owned(),
            name: (*user.name).to_owned(),
            email: (*user.email).to_owned(),
            avatar: shortened(&user.avatar),
            is_active: user.is_active,
            user_type: user.user_type.to_string(),
            groups: user.groups.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<&Group> for GroupSource {
    fn from(group: &Group) -> Self {
        Self {
            name: (*group.name).to_owned(),
            parents: group.parents.iter().map(ToString::to_string).collect(),
            users: group.users.len(),
        }
    }
}

/// The first [`AVATAR_LENGTH`] characters; the length in bytes follows if the text is longer.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(AVATAR_LENGTH) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}… ({} bytes)", &text[..end], text.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_avatar_is_never_shown_in_full() {
        assert_eq!(shortened("/media/a.png"), "/media/a.png");
        let long = format!("data:image/png;base64,{}", "é".repeat(10_000));
        let short = shortened(&long);
        assert!(
            short.len() < 200 && short.ends_with("… (20022 bytes)"),
            "{short}"
        );
    }
}
