//! A user row with the time of its last change, which the snapshot does not store.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{List, Listed, WireUser};
use crate::directory::{Directory, FieldPaths, FieldSelection, Fields, User, UserPk};

/// A user row and the time of its last change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stamped {
    /// The row.
    pub user: User,
    /// The time of the last change by the clock of the Authentik worker that made it. `None` before
    /// 2025.8.
    pub last_updated: Option<Timestamp>,
}

impl From<WireUser> for Stamped {
    fn from(wire: WireUser) -> Self {
        Self {
            last_updated: wire.last_updated,
            user: wire.into(),
        }
    }
}

impl Listed for Stamped {
    const LIST: List = List::Users;
    type Pk = UserPk;
    type Wire = WireUser;
    fn pk(&self) -> UserPk {
        self.user.pk
    }
    /// Without a stamp: the known row may be out of date.
    fn of(directory: &Directory, pk: UserPk) -> Option<Self> {
        User::of(directory, pk).map(|user| Self {
            user,
            last_updated: None,
        })
    }
    fn paths(selection: &FieldSelection) -> &FieldPaths {
        User::paths(selection)
    }
    fn with_fields(self, fields: Fields) -> Self {
        Self {
            user: self.user.with_fields(fields),
            ..self
        }
    }
}

/// A time, or `None` for any other value: a row is valid without its stamp.
pub(super) fn stamp_or_none<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    Ok(Value::deserialize(deserializer)?
        .as_str()
        .and_then(|text| text.parse().ok()))
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    #[test]
    fn a_row_is_valid_without_a_readable_stamp() {
        let stamp = |value: Value| {
            let mut row = json!({"pk": 1, "username": "u", "is_active": true, "type": "internal"});
            row["last_updated"] = value;
            let row: Stamped = from_value::<WireUser>(row).unwrap().into();
            row.last_updated
        };
        assert_eq!(
            stamp(json!("2026-01-05T08:00:00.5Z")),
            "2026-01-05T08:00:00.5Z".parse().ok()
        );
        for unreadable in [json!(null), json!(5), json!("yesterday"), json!({"a": [1]})] {
            assert_eq!(stamp(unreadable), None);
        }
    }
}
