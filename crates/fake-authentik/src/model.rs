//! Rows of the fake Authentik: users, groups and roles as the database stores them.
//!
//! This module shares nothing with the client's wire types, so that a misread detail of the API
//! cannot appear in both.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

/// The type of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserKind {
    /// A person of the organisation.
    Internal,
    /// A person from outside, such as a partner.
    External,
    /// An account that a program uses.
    ServiceAccount,
    /// An account that Authentik itself created, such as an outpost's.
    InternalServiceAccount,
}

impl UserKind {
    /// Every type, in the order in which Authentik lists them.
    pub const ALL: [Self; 4] = [
        Self::Internal,
        Self::External,
        Self::ServiceAccount,
        Self::InternalServiceAccount,
    ];

    /// Returns the API's name of the type.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::External => "external",
            Self::ServiceAccount => "service_account",
            Self::InternalServiceAccount => "internal_service_account",
        }
    }
}

/// A role, assigned to users or groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FakeRole {
    /// Primary key.
    pub pk: Uuid,
    /// Display name.
    pub name: String,
}

/// One user. Edit memberships through the directory, which updates both sides.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each field is the API field of the same name")]
pub struct FakeUser {
    pub pk: u64,
    pub username: String,
    pub name: String,
    pub is_active: bool,
    #[serde(default)]
    pub last_login: Option<Timestamp>,
    #[serde(default)]
    pub date_joined: Timestamp,
    #[serde(default)]
    pub is_superuser: bool,
    #[serde(default)]
    pub(super) groups: Vec<Uuid>,
    #[serde(default, rename = "roles_obj", deserialize_with = "null_as_empty")]
    pub roles: Vec<FakeRole>,
    pub email: String,
    pub avatar: String,
    pub attributes: Value,
    pub uid: String,
    pub path: String,
    #[serde(rename = "type")]
    pub kind: UserKind,
    pub uuid: Uuid,
    #[serde(default)]
    pub password_change_date: Option<Timestamp>,
    #[serde(default)]
    pub last_updated: Timestamp,
}

impl FakeUser {
    /// Creates an active internal user; name and address at example.com derive from the username.
    #[must_use]
    pub fn new(pk: u64, username: &str) -> Self {
        Self {
            pk,
            username: username.into(),
            name: username.into(),
            is_active: true,
            last_login: None,
            date_joined: Timestamp::UNIX_EPOCH,
            is_superuser: false,
            groups: Vec::new(),
            roles: Vec::new(),
            email: format!("user-{pk}@example.com"),
            avatar: format!("https://avatars.example.com/{pk}.png"),
            attributes: Value::Object(Map::new()),
            uid: format!("{pk:064x}"),
            path: "users".into(),
            kind: UserKind::Internal,
            uuid: uuid_from(0x5553_4552, pk),
            password_change_date: None,
            last_updated: Timestamp::UNIX_EPOCH,
        }
    }

    /// Returns the groups that list the user as a direct member.
    #[must_use]
    pub fn groups(&self) -> &[Uuid] {
        &self.groups
    }
}

/// One group. Edit memberships and parents through the directory.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each field is the API field of the same name")]
pub struct FakeGroup {
    pub pk: Uuid,
    pub num_pk: u64,
    pub name: String,
    pub is_superuser: bool,
    #[serde(default)]
    pub(super) parents: Vec<Uuid>,
    #[serde(default)]
    pub(super) users: Vec<u64>,
    pub attributes: Value,
    #[serde(default, rename = "roles_obj", deserialize_with = "null_as_empty")]
    pub roles: Vec<FakeRole>,
    #[serde(
        default,
        rename = "inherited_roles_obj",
        deserialize_with = "null_as_empty"
    )]
    pub inherited_roles: Vec<FakeRole>,
    #[serde(default)]
    pub(super) children: Vec<Uuid>,
}

impl FakeGroup {
    /// Creates a group without members, parents or attributes.
    #[must_use]
    pub fn new(pk: Uuid, name: &str) -> Self {
        Self {
            pk,
            num_pk: 10_000 + u64::from(pk.as_fields().0) % 90_000,
            name: name.into(),
            is_superuser: false,
            parents: Vec::new(),
            users: Vec::new(),
            attributes: Value::Object(Map::new()),
            roles: Vec::new(),
            inherited_roles: Vec::new(),
            children: Vec::new(),
        }
    }

    /// Returns the direct members.
    #[must_use]
    pub fn users(&self) -> &[u64] {
        &self.users
    }

    /// Returns the parents; releases with a single parent use the first.
    #[must_use]
    pub fn parents(&self) -> &[Uuid] {
        &self.parents
    }
}

/// Derives a UUID from its arguments alone.
pub(super) fn uuid_from(kind: u64, number: u64) -> Uuid {
    let (high, low) = (
        mix(kind ^ number.rotate_left(17)),
        mix(number.wrapping_add(kind << 32)),
    );
    uuid::Builder::from_random_bytes(((u128::from(high) << 64) | u128::from(low)).to_be_bytes())
        .into_uuid()
}

/// Mixes the bits of a number (the finalizer of `SplitMix64`).
pub(super) fn mix(number: u64) -> u64 {
    let z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn null_as_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<FakeRole>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
