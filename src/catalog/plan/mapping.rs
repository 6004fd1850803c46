//! Fills the fields of entities from the columns that the shape names.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use crate::base_url::BaseUrl;
use crate::catalog::entity::{Kind, Profile, Texts};
use crate::catalog::named_rows::Row;
use crate::catalog::picture::{Picture, picture};
use crate::catalog::shape::{
    Columns, CommonShape, GroupShape, Pictures, Sources, UserShape, repair_label,
};
use crate::directory::{FieldPaths, Group, User};

/// The longest mapped text, in characters; a longer one is cut.
pub(in crate::catalog) const LONGEST_TEXT: usize = 1024;

/// Fills the profile of users and groups.
#[derive(Debug)]
pub(in crate::catalog) struct ProfileMapping {
    pub(in crate::catalog) display_name: Columns,
    pub(in crate::catalog) email: Columns,
    pub(in crate::catalog) picture: Columns,
    pictures: Pictures,
}

/// Fills description, annotations and labels.
#[derive(Debug)]
pub(in crate::catalog) struct MetadataMapping<'p> {
    pub(in crate::catalog) description: Columns,
    pub(in crate::catalog) annotations: Vec<TextMapping<'p>>,
    pub(in crate::catalog) labels: Vec<TextMapping<'p>>,
}

/// Fills one annotation or label.
#[derive(Debug)]
pub(in crate::catalog) struct TextMapping<'p> {
    pub(in crate::catalog) key: &'p str,
    pub(in crate::catalog) columns: Columns,
    fixed: Option<&'p str>,
}

/// Fills the fields of groups.
#[derive(Debug)]
pub(in crate::catalog) struct GroupMapping<'p> {
    pub(in crate::catalog) profile: ProfileMapping,
    pub(in crate::catalog) metadata: MetadataMapping<'p>,
    pub(in crate::catalog) group_type: Columns,
    fixed_type: &'p str,
}

/// Fills the fields of users.
#[derive(Debug)]
pub(in crate::catalog) struct UserMapping<'p> {
    pub(in crate::catalog) profile: ProfileMapping,
    pub(in crate::catalog) metadata: MetadataMapping<'p>,
}

impl<'p> UserMapping<'p> {
    /// Resolves the sources of a shape in rows with these additional fields.
    pub(super) fn new(shape: &'p UserShape, fields: &FieldPaths) -> Self {
        Self {
            profile: ProfileMapping {
                display_name: shape.display_name.columns(Kind::User, fields),
                email: shape.email.columns(Kind::User, fields),
                picture: shape.picture.columns(Kind::User, fields),
                pictures: shape.pictures,
            },
            metadata: MetadataMapping::new(&shape.common, Kind::User, fields),
        }
    }

    /// The profile of a user.
    pub(super) fn profile<'d>(&self, row: &'d User, base_url: &BaseUrl) -> Profile<'d> {
        self.profile.fill(row, base_url)
    }
}

impl<'p> GroupMapping<'p> {
    /// Resolves the sources of a shape in rows with these additional fields.
    pub(super) fn new(shape: &'p GroupShape, fields: &FieldPaths) -> Self {
        let columns = |sources: &Sources| sources.columns(Kind::Group, fields);
        Self {
            profile: ProfileMapping {
                display_name: columns(&shape.display_name),
                email: columns(&shape.email),
                picture: columns(&shape.picture),
                pictures: Pictures::All,
            },
            metadata: MetadataMapping::new(&shape.common, Kind::Group, fields),
            group_type: columns(&shape.group_type),
            fixed_type: &shape.fixed_type,
        }
    }

    /// The profile of a group, if it has a field.
    pub(super) fn profile<'d>(&self, row: &'d Group, base_url: &BaseUrl) -> Option<Profile<'d>> {
        let profile = self.profile.fill(row, base_url);
        (profile != Profile::default()).then_some(profile)
    }

    /// The type of a group.
    pub(super) fn group_type<'s, 'd: 's>(&'s self, row: &'d Group) -> Cow<'s, str> {
        let mapped = self.group_type.value(row).map(cut);
        mapped.unwrap_or(Cow::Borrowed(self.fixed_type))
    }
}

impl ProfileMapping {
    fn fill<'d, R: Row>(&self, row: &'d R, base_url: &BaseUrl) -> Profile<'d> {
        Profile {
            display_name: self.display_name.value(row),
            email: self.email.value(row),
            picture: match self.picture(row, base_url) {
                Picture::Shown(url) => Some(url),
                Picture::Absent | Picture::Refused => None,
            },
        }
    }

    /// The picture of a row.
    pub(in crate::catalog) fn picture<'d, R: Row>(
        &self,
        row: &'d R,
        base_url: &BaseUrl,
    ) -> Picture<'d> {
        let value = || self.picture.value(row).unwrap_or_default();
        match self.pictures {
            Pictures::None => Picture::Absent,
            Pictures::All => picture(value(), base_url),
            Pictures::Urls => match picture(value(), base_url) {
                Picture::Shown(url) if is_embedded(&url) => Picture::Absent,
                other => other,
            },
        }
    }
}

impl<'p> MetadataMapping<'p> {
    fn new(shape: &'p CommonShape, kind: Kind, fields: &FieldPaths) -> Self {
        let annotations = shape.fixed_annotations.iter();
        let fixed = annotations.map(|(key, text)| (key.as_str(), &**text));
        let sources = shape
            .annotations
            .iter()
            .map(|(key, sources)| (key.as_str(), sources));
        let annotations = texts(&fixed.collect(), &sources.collect(), kind, fields);
        let labels = shape.fixed_labels.iter();
        let fixed = labels.map(|(key, value)| (key.as_str(), value.as_str()));
        let sources = shape
            .labels
            .iter()
            .map(|(key, sources)| (key.as_str(), sources));
        Self {
            description: shape.description.columns(kind, fields),
            annotations,
            labels: texts(&fixed.collect(), &sources.collect(), kind, fields),
        }
    }

    /// The description of a row.
    pub(super) fn description<'d, R: Row>(&self, row: &'d R) -> Option<Cow<'d, str>> {
        self.description.value(row).map(cut)
    }

    /// The annotations of a row.
    pub(super) fn annotations<'s, 'd: 's, R: Row>(&'s self, row: &'d R) -> Texts<'s> {
        let texts = self.annotations.iter();
        texts
            .filter_map(|text| Some((text.key, text.annotation(row)?)))
            .collect()
    }

    /// The labels of a row.
    pub(super) fn labels<'s, 'd: 's, R: Row>(&'s self, row: &'d R) -> Texts<'s> {
        let texts = self.labels.iter();
        texts
            .filter_map(|text| Some((text.key, text.label(row)?)))
            .collect()
    }
}

impl TextMapping<'_> {
    fn annotation<'s, 'd: 's, R: Row>(&'s self, row: &'d R) -> Option<Cow<'s, str>> {
        let mapped = self.columns.value(row).map(cut);
        mapped.or(self.fixed.map(Cow::Borrowed))
    }

    fn label<'s, 'd: 's, R: Row>(&'s self, row: &'d R) -> Option<Cow<'s, str>> {
        let mapped = self.columns.value(row).and_then(repair_label);
        mapped.or(self.fixed.map(Cow::Borrowed))
    }
}

/// The mappings of all keys that have a source or a fixed text, in order.
fn texts<'p>(
    fixed: &BTreeMap<&'p str, &'p str>,
    sources: &BTreeMap<&'p str, &'p Sources>,
    kind: Kind,
    fields: &FieldPaths,
) -> Vec<TextMapping<'p>> {
    let keys: BTreeSet<&str> = fixed.keys().chain(sources.keys()).copied().collect();
    let mapping = |key: &'p str| TextMapping {
        key,
        columns: sources
            .get(key)
            .map(|sources| sources.columns(kind, fields))
            .unwrap_or_default(),
        fixed: fixed.get(key).copied(),
    };
    keys.into_iter().map(mapping).collect()
}

/// A text of at most [`LONGEST_TEXT`] characters.
fn cut(text: Cow<'_, str>) -> Cow<'_, str> {
    let Some((end, _)) = text.char_indices().nth(LONGEST_TEXT) else {
        return text;
    };
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[..end]),
        Cow::Owned(mut text) => {
            text.truncate(end);
            Cow::Owned(text)
        }
    }
}

/// Whether a URL has the image in itself.
fn is_embedded(url: &str) -> bool {
    url.get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}
