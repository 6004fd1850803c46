//! What an operator shapes: which rows become entities, and where the fields of entities come from.
//!
//! The default shape is what the npm module makes. A shape is checked when the configuration is
//! read, so that every entity that it makes is valid for Backstage.

mod key;
mod label;
mod name;
mod namespace;
mod pattern;
mod source;

pub use key::{AnnotationKey, KeyError, LabelKey};
pub use label::{LabelValue, repair_label};
pub use name::{NamePrefix, NamePrefixError, NameShape};
pub use namespace::{Namespace, NamespaceError};
pub use pattern::Pattern;
pub use source::{Source, SourceError, Sources};

pub(super) use source::{Builtin, Column, Columns};

use std::collections::BTreeMap;

use super::entity::Kind;
use crate::directory::FieldSelection;

/// The type of a group, as the npm module sets it.
const TEAM: &str = "team";

/// The shape of all entities.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// `metadata.namespace` of all entities.
    pub namespace: Namespace,
    /// The shape of users.
    pub users: UserShape,
    /// The shape of groups.
    pub groups: GroupShape,
    /// Which groups a user belongs to.
    pub membership: Membership,
}

/// The shape of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserShape {
    /// Which users become entities.
    pub filter: UserFilter,
    /// How names are made.
    pub name: NameShape,
    /// Where `spec.profile.displayName` comes from.
    pub display_name: Sources,
    /// Where `spec.profile.email` comes from.
    pub email: Sources,
    /// Where `spec.profile.picture` comes from.
    pub picture: Sources,
    /// The fields that both kinds have.
    pub common: CommonShape,
    /// Which pictures are shown.
    pub pictures: Pictures,
    /// Whether emails are checked for sign-in.
    pub check_emails: bool,
}

/// The shape of groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupShape {
    /// Which groups become entities.
    pub filter: GroupFilter,
    /// How names are made.
    pub name: NameShape,
    /// Where `spec.profile.displayName` comes from.
    pub display_name: Sources,
    /// Where `spec.profile.email` comes from.
    pub email: Sources,
    /// Where `spec.profile.picture` comes from.
    pub picture: Sources,
    /// Where `spec.type` comes from.
    pub group_type: Sources,
    /// `spec.type` where the sources have none.
    pub fixed_type: Box<str>,
    /// The fields that both kinds have.
    pub common: CommonShape,
}

/// The fields that users and groups have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CommonShape {
    /// Where `metadata.description` comes from.
    pub description: Sources,
    /// Where annotations come from.
    pub annotations: BTreeMap<AnnotationKey, Sources>,
    /// Where labels come from.
    pub labels: BTreeMap<LabelKey, Sources>,
    /// Annotations of every entity; those with a source win.
    pub fixed_annotations: BTreeMap<AnnotationKey, Box<str>>,
    /// Labels of every entity; those with a source win.
    pub fixed_labels: BTreeMap<LabelKey, LabelValue>,
}

/// Which users become entities: all conditions must hold, and an empty one always does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserFilter {
    /// Members of these groups.
    pub groups: Vec<Pattern>,
    /// Whether members of the groups below them count as well.
    pub subgroups: bool,
    /// Accounts of these types, as Authentik writes them.
    pub types: Vec<Box<str>>,
    /// Users at this path, and below.
    pub path: Option<Box<str>>,
    /// Users whose fields have one of these values.
    pub attributes: BTreeMap<Source, Vec<Box<str>>>,
    /// Whether users without an e-mail address are left out.
    pub email_required: bool,
    /// Users that are left out, by username.
    pub exclude: Vec<Pattern>,
}

/// Which groups become entities: all conditions must hold, and an empty one always does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GroupFilter {
    /// These groups only.
    pub include: Vec<Pattern>,
    /// These groups are left out.
    pub exclude: Vec<Pattern>,
    /// Groups whose fields have one of these values.
    pub attributes: BTreeMap<Source, Vec<Box<str>>>,
    /// What happens to groups without members.
    pub empty: EmptyGroups,
}

/// What happens to groups that have neither a member nor a child with one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmptyGroups {
    /// They become entities.
    #[default]
    Keep,
    /// They are left out.
    Prune,
}

/// Which groups a user belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Membership {
    /// The groups that list the user.
    #[default]
    Direct,
    /// Those, and every group above them.
    Transitive,
}

/// Which pictures are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pictures {
    /// All that a browser may load.
    #[default]
    All,
    /// Those at a URL; no embedded images.
    Urls,
    /// None.
    None,
}

impl Default for UserShape {
    fn default() -> Self {
        Self {
            filter: UserFilter::default(),
            name: NameShape::npm_module(Kind::User),
            display_name: Sources::builtin(Kind::User, &["name", "username"]),
            email: Sources::builtin(Kind::User, &["email"]),
            picture: Sources::builtin(Kind::User, &["avatar"]),
            common: CommonShape::default(),
            pictures: Pictures::default(),
            check_emails: true,
        }
    }
}

impl Default for GroupShape {
    fn default() -> Self {
        Self {
            filter: GroupFilter::default(),
            name: NameShape::npm_module(Kind::Group),
            display_name: Sources::default(),
            email: Sources::default(),
            picture: Sources::default(),
            group_type: Sources::default(),
            fixed_type: TEAM.into(),
            common: CommonShape::default(),
        }
    }
}

impl Shape {
    /// The additional fields of rows that this shape needs.
    #[must_use]
    pub fn selection(&self) -> FieldSelection {
        let users = [
            &self.users.name.sources,
            &self.users.display_name,
            &self.users.email,
            &self.users.picture,
        ];
        let groups = [
            &self.groups.name.sources,
            &self.groups.display_name,
            &self.groups.email,
            &self.groups.picture,
            &self.groups.group_type,
        ];
        let of_users = users.into_iter().chain(self.users.common.sources());
        let of_groups = groups.into_iter().chain(self.groups.common.sources());
        let path = Source::user_path();
        FieldSelection {
            users: of_users
                .flat_map(Sources::iter)
                .chain(self.users.filter.attributes.keys())
                .chain(self.users.filter.path.is_some().then_some(&path))
                .filter_map(Source::additional)
                .collect(),
            groups: of_groups
                .flat_map(Sources::iter)
                .chain(self.groups.filter.attributes.keys())
                .filter_map(Source::additional)
                .collect(),
        }
    }
}

impl CommonShape {
    /// The sources of all fields.
    fn sources(&self) -> impl Iterator<Item = &Sources> {
        [&self.description]
            .into_iter()
            .chain(self.annotations.values())
            .chain(self.labels.values())
    }
}
