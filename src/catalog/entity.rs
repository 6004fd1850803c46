//! Backstage's entities in the shape in which they are served. The order of the fields is the order
//! of the keys in the output.

use std::borrow::Cow;
use std::fmt::{self, Display};

use clap::ValueEnum;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

/// The kinds that this service serves. Groups sort before users.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
    ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Backstage's `Group`
    Group,
    /// Backstage's `User`
    User,
}

impl Kind {
    /// All kinds, in the order in which entities are served.
    pub const ALL: [Self; 2] = [Self::Group, Self::User];

    /// The kind in lower case, as in entity refs and query parameters.
    #[must_use]
    pub fn lower(self) -> &'static str {
        match self {
            Self::Group => "group",
            Self::User => "user",
        }
    }

    /// Serializes the kind as an entity's `kind` has it.
    #[expect(
        clippy::trivially_copy_pass_by_ref,
        reason = "the signature that serde requires"
    )]
    fn capitalized<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match self {
            Self::Group => "Group",
            Self::User => "User",
        })
    }
}

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.lower())
    }
}

/// An entity of the catalog.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entity<'a> {
    /// Always `backstage.io/v1alpha1`.
    pub api_version: &'static str,
    /// The kind.
    #[serde(serialize_with = "Kind::capitalized")]
    pub kind: Kind,
    /// Name and annotations.
    pub metadata: Metadata<'a>,
    /// The part that depends on the kind.
    pub spec: Spec<'a>,
}

impl<'a> Entity<'a> {
    /// Returns an entity; the variant of `spec` determines its kind.
    #[must_use]
    pub fn new(metadata: Metadata<'a>, spec: Spec<'a>) -> Self {
        let kind = match spec {
            Spec::Group(_) => Kind::Group,
            Spec::User(_) => Kind::User,
        };
        Self {
            api_version: "backstage.io/v1alpha1",
            kind,
            metadata,
            spec,
        }
    }
}

/// An entity's `metadata`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Metadata<'a> {
    /// The name, unique within the kind.
    pub name: &'a str,
    /// The namespace, unless it is `default`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<&'a str>,
    /// The description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<Cow<'a, str>>,
    /// The labels.
    #[serde(skip_serializing_if = "Texts::is_empty")]
    pub labels: Texts<'a>,
    /// The annotations.
    pub annotations: Annotations<'a>,
}

/// The annotations that the npm module sets, and further ones.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Annotations<'a> {
    /// The row's primary key in Authentik.
    pub pk: String,
    /// `authentik:` and the base URL, for both annotations that name the location.
    pub location: &'a str,
    /// The annotations of the shape.
    pub further: Texts<'a>,
}

/// The annotation with the row's primary key.
pub const PK_ANNOTATION: &str = "authentik.goauthentik.io/pk";
/// The annotations with the location, which Backstage replaces.
pub const LOCATION_ANNOTATIONS: [&str; 2] = [
    "backstage.io/managed-by-location",
    "backstage.io/managed-by-origin-location",
];

impl Serialize for Annotations<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let fixed = LOCATION_ANNOTATIONS.map(|key| (key, self.location));
        let fixed = [(PK_ANNOTATION, self.pk.as_str())].into_iter().chain(fixed);
        serializer.collect_map(fixed.chain(self.further.iter()))
    }
}

/// Keys with texts, sorted by key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Texts<'a>(Vec<(&'a str, Cow<'a, str>)>);

impl Texts<'_> {
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys and texts in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, text)| (*key, &**text))
    }
}

impl<'a> FromIterator<(&'a str, Cow<'a, str>)> for Texts<'a> {
    fn from_iter<I: IntoIterator<Item = (&'a str, Cow<'a, str>)>>(texts: I) -> Self {
        Self(texts.into_iter().collect())
    }
}

impl Serialize for Texts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// An entity's `spec`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(untagged)]
pub enum Spec<'a> {
    /// The `spec` of a `Group`.
    Group(GroupSpec<'a>),
    /// The `spec` of a `User`.
    User(UserSpec<'a>),
}

/// A group's `spec`; every list is sorted by name.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct GroupSpec<'a> {
    /// The type, `team` unless the shape says otherwise.
    #[serde(rename = "type")]
    pub group_type: Cow<'a, str>,
    /// The profile, if the shape gives it a field.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub profile: Option<Profile<'a>>,
    /// Names of the direct children.
    pub children: Vec<&'a str>,
    /// Names of the members.
    pub members: Vec<&'a str>,
    /// Name of the first parent; omitted at the root, since Backstage refuses `null`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<&'a str>,
}

/// A user's `spec`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct UserSpec<'a> {
    /// The profile.
    pub profile: Profile<'a>,
    /// Names of the groups, sorted.
    pub member_of: Vec<&'a str>,
}

/// A profile. Empty fields are omitted, since Backstage refuses empty strings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile<'a> {
    /// The display name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_name: Option<Cow<'a, str>>,
    /// The e-mail address, without blanks around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<Cow<'a, str>>,
    /// The URL of the avatar.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub picture: Option<Cow<'a, str>>,
}
