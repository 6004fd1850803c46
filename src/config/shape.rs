//! The keys that shape entities: which rows become entities, and the sources of their fields.

use std::collections::BTreeMap;

use super::scalar::{choice, switch};
use super::section::{defaults, nested, section};
use super::shape_values::{
    annotation_sources, annotation_texts, label_sources, label_texts, name_prefix, name_sources,
    path, patterns, sources, type_name, types, values,
};
use crate::catalog::entity::Kind;
use crate::catalog::shape::{
    AnnotationKey, CommonShape, EmptyGroups, GroupFilter, GroupShape, LabelKey, LabelValue,
    NamePrefix, NameShape, Pattern, Pictures, Source, Sources, UserFilter, UserShape,
};

section! {
    /// The section `entityProvider.users`.
    pub struct UsersConfig {
        /// Which users become entities.
        filter: UsersFilterConfig = nested(),
        /// The sources of the fields of users.
        map: UsersMapConfig = nested(),
        /// Fixed fields of users.
        set: SetConfig = nested(),
        /// The prefix of the names of all users.
        name_prefix: Option<NamePrefix> = name_prefix().optional(),
        /// Which pictures are shown: `all`, those at a URL (`urls`) without embedded images, or `none`.
        pictures: Pictures = choice(&[
            ("all", Pictures::All), ("urls", Pictures::Urls), ("none", Pictures::None),
        ]).default("all"),
        /// Whether findings report emails by which users cannot [sign in](sign-in.md).
        check_emails: bool = switch().default("true"),
    }
}

section! {
    /// The section `entityProvider.users.filter`.
    pub struct UsersFilterConfig {
        /// Only members of these groups: names in Authentik or sanitized names, with `*` and `?`.
        groups: Vec<Pattern> = patterns().default("[]"),
        /// Whether `groups` also selects members of all subgroups.
        subgroups: bool = switch().default("false"),
        /// Only accounts of these types, such as `internal` and `external`.
        types: Vec<Box<str>> = types().default("[]"),
        /// Only users at or below this path in Authentik, such as `users/staff`.
        path: Option<Box<str>> = path().optional(),
        /// Only users whose attributes have one of these values, such as `{employeeType: [staff, intern]}`.
        attributes: BTreeMap<Source, Vec<Box<str>>> = values(Kind::User).default("{}"),
        /// `required` leaves out users without an e-mail address.
        email: bool = choice(&[("optional", false), ("required", true)]).default("optional"),
        /// Users to leave out: usernames or sanitized names, with `*` and `?`.
        exclude: Vec<Pattern> = patterns().default("[]"),
    }
}

section! {
    /// The section `entityProvider.users.map`.
    pub struct UsersMapConfig {
        /// The field for `metadata.name`, which sign-in resolvers look up.
        name: Sources = name_sources(Kind::User).default("username"),
        /// The field for `spec.profile.displayName`; of a list, the first that is not empty.
        display_name: Sources = sources(Kind::User).default("[name, username]"),
        /// The field for `spec.profile.email`.
        email: Sources = sources(Kind::User).default("email"),
        /// The field for `spec.profile.picture`.
        picture: Sources = sources(Kind::User).default("avatar"),
        /// The field for `metadata.description`.
        description: Sources = sources(Kind::User).default("[]"),
        /// The fields for annotations, by key.
        annotations: BTreeMap<AnnotationKey, Sources> = annotation_sources(Kind::User).default("{}"),
        /// The fields for labels, by key.
        labels: BTreeMap<LabelKey, Sources> = label_sources(Kind::User).default("{}"),
    }
}

section! {
    /// The section `entityProvider.users.set`.
    pub struct SetConfig {
        /// Annotations of every user; those of `map` have precedence.
        annotations: BTreeMap<AnnotationKey, Box<str>> = annotation_texts().default("{}"),
        /// Labels of every user; those of `map` have precedence.
        labels: BTreeMap<LabelKey, LabelValue> = label_texts().default("{}"),
    }
}

section! {
    /// The section `entityProvider.groups`.
    pub struct GroupsConfig {
        /// Which groups become entities.
        filter: GroupsFilterConfig = nested(),
        /// The sources of the fields of groups.
        map: GroupsMapConfig = nested(),
        /// Fixed fields of groups.
        set: GroupsSetConfig = nested(),
        /// The prefix of the names of all groups.
        name_prefix: Option<NamePrefix> = name_prefix().optional(),
    }
}

section! {
    /// The section `entityProvider.groups.filter`.
    pub struct GroupsFilterConfig {
        /// Only these groups: names in Authentik or sanitized names, with `*` and `?`.
        include: Vec<Pattern> = patterns().default("[]"),
        /// Groups to leave out.
        exclude: Vec<Pattern> = patterns().default("[]"),
        /// Only groups whose attributes have one of these values.
        attributes: BTreeMap<Source, Vec<Box<str>>> = values(Kind::Group).default("{}"),
        /// `prune` leaves out groups without members, unless a subgroup has members.
        empty: EmptyGroups = choice(&[("keep", EmptyGroups::Keep), ("prune", EmptyGroups::Prune)]).default("keep"),
    }
}

section! {
    /// The section `entityProvider.groups.map`.
    pub struct GroupsMapConfig {
        /// The field for `metadata.name`.
        name: Sources = name_sources(Kind::Group).default("name"),
        /// The field for `spec.profile.displayName`; `name` shows the name in Authentik.
        display_name: Sources = sources(Kind::Group).default("[]"),
        /// The field for `spec.profile.email`.
        email: Sources = sources(Kind::Group).default("[]"),
        /// The field for `spec.profile.picture`.
        picture: Sources = sources(Kind::Group).default("[]"),
        /// The field for `metadata.description`.
        description: Sources = sources(Kind::Group).default("[]"),
        /// The field for `spec.type`.
        r#type: Sources = sources(Kind::Group).default("[]"),
        /// The fields for annotations, by key.
        annotations: BTreeMap<AnnotationKey, Sources> = annotation_sources(Kind::Group).default("{}"),
        /// The fields for labels, by key.
        labels: BTreeMap<LabelKey, Sources> = label_sources(Kind::Group).default("{}"),
    }
}

section! {
    /// The section `entityProvider.groups.set`.
    pub struct GroupsSetConfig {
        /// `spec.type` of every group; that of `map` has precedence.
        r#type: Box<str> = type_name().default("team"),
        /// Annotations of every group; those of `map` have precedence.
        annotations: BTreeMap<AnnotationKey, Box<str>> = annotation_texts().default("{}"),
        /// Labels of every group; those of `map` have precedence.
        labels: BTreeMap<LabelKey, LabelValue> = label_texts().default("{}"),
    }
}

impl Default for UsersConfig {
    fn default() -> Self {
        defaults()
    }
}

impl Default for GroupsConfig {
    fn default() -> Self {
        defaults()
    }
}

impl UsersConfig {
    /// Returns the shape of users.
    pub(super) fn shape(&self) -> UserShape {
        let Self {
            filter,
            map,
            set,
            pictures,
            check_emails,
            name_prefix,
        } = self.clone();
        UserShape {
            filter: UserFilter {
                groups: filter.groups,
                subgroups: filter.subgroups,
                types: filter.types,
                path: filter.path,
                attributes: filter.attributes,
                email_required: filter.email,
                exclude: filter.exclude,
            },
            name: NameShape {
                sources: map.name,
                prefix: name_prefix.unwrap_or_default(),
            },
            display_name: map.display_name,
            email: map.email,
            picture: map.picture,
            common: CommonShape {
                description: map.description,
                annotations: map.annotations,
                labels: map.labels,
                fixed_annotations: set.annotations,
                fixed_labels: set.labels,
            },
            pictures,
            check_emails,
        }
    }
}

impl GroupsConfig {
    /// Returns the shape of groups.
    pub(super) fn shape(&self) -> GroupShape {
        let Self {
            filter,
            map,
            set,
            name_prefix,
        } = self.clone();
        GroupShape {
            filter: GroupFilter {
                include: filter.include,
                exclude: filter.exclude,
                attributes: filter.attributes,
                empty: filter.empty,
            },
            name: NameShape {
                sources: map.name,
                prefix: name_prefix.unwrap_or_default(),
            },
            display_name: map.display_name,
            email: map.email,
            picture: map.picture,
            group_type: map.r#type,
            fixed_type: set.r#type,
            common: CommonShape {
                description: map.description,
                annotations: map.annotations,
                labels: map.labels,
                fixed_annotations: set.annotations,
                fixed_labels: set.labels,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::catalog::shape::Shape;
    use crate::config::ServiceConfig;

    #[test]
    fn without_keys_the_shape_is_that_of_the_npm_module() {
        assert_eq!(ServiceConfig::default().shape(), Shape::default());
        assert!(Shape::default().selection().is_empty());
    }
}
