//! Findings about mapped values that are changed, cut or left out: one for each key of the mapping.

use std::borrow::Cow;

use super::entity::Kind;
use super::finding::{Code, Finding};
use super::name::is_valid_name;
use super::named_rows::{NamedRows, Row};
use super::plan::{GroupMapping, LONGEST_TEXT, MetadataMapping, UserMapping};
use super::shape::{Column, Columns, repair_label};
use crate::counted::counted;
use crate::directory::{FieldPaths, FieldValue, Group, User};

/// The findings about the values of users.
pub(super) fn of_users(
    users: &NamedRows<'_, User>,
    mapping: &UserMapping<'_>,
    fields: &FieldPaths,
) -> Vec<Finding> {
    let profile = [
        ("name", users.rule().columns()),
        ("displayName", &mapping.profile.display_name),
        ("email", &mapping.profile.email),
        ("picture", &mapping.profile.picture),
    ];
    of_rows(users, &profile, &mapping.metadata, fields)
}

/// The findings about the values of groups.
pub(super) fn of_groups(
    groups: &NamedRows<'_, Group>,
    mapping: &GroupMapping<'_>,
    fields: &FieldPaths,
) -> Vec<Finding> {
    let profile = [
        ("name", groups.rule().columns()),
        ("displayName", &mapping.profile.display_name),
        ("email", &mapping.profile.email),
        ("picture", &mapping.profile.picture),
        ("type", &mapping.group_type),
    ];
    of_rows(groups, &profile, &mapping.metadata, fields)
}

fn of_rows<R: Row>(
    rows: &NamedRows<'_, R>,
    profile: &[(&str, &Columns)],
    metadata: &MetadataMapping<'_>,
    fields: &FieldPaths,
) -> Vec<Finding> {
    let rows: Vec<&R> = (0..rows.len()).map(|at| rows.row(at)).collect();
    let key = |key: String, target, columns| MappedKey {
        key,
        target,
        columns,
    };
    let mut keys = vec![key(
        "description".into(),
        FieldKind::Text,
        &metadata.description,
    )];
    for text in &metadata.annotations {
        keys.push(key(
            format!("annotations.{}", text.key),
            FieldKind::Text,
            &text.columns,
        ));
    }
    for text in &metadata.labels {
        keys.push(key(
            format!("labels.{}", text.key),
            FieldKind::Label,
            &text.columns,
        ));
    }
    for (name, columns) in profile {
        keys.push(key((*name).into(), FieldKind::Profile, columns));
    }
    keys.iter()
        .flat_map(|key| key.findings(&rows, fields))
        .collect()
}

/// What a mapped value fills.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FieldKind {
    /// A field of the profile, the name or the type.
    Profile,
    /// The description or an annotation.
    Text,
    /// A label.
    Label,
}

/// One key of the mapping, and the columns of its values.
struct MappedKey<'m> {
    key: String,
    target: FieldKind,
    columns: &'m Columns,
}

impl MappedKey<'_> {
    fn findings<R: Row>(&self, rows: &[&R], fields: &FieldPaths) -> Vec<Finding> {
        let has_additional = self
            .columns
            .iter()
            .any(|column| matches!(column, Column::Additional(_)));
        let mut findings = Vec::new();
        if has_additional || self.target == FieldKind::Label {
            findings.extend(self.about(Code::ValueOmitted, rows, |row| self.is_omitted(row)));
        }
        match self.target {
            FieldKind::Profile => {}
            FieldKind::Text => {
                findings.extend(self.about(Code::ValueCut, rows, |row| self.is_cut(row)));
            }
            FieldKind::Label => {
                findings.extend(self.about(Code::ValueRepaired, rows, |row| self.is_repaired(row)));
            }
        }
        let columns = self.columns.iter();
        findings.extend(columns.filter_map(|column| not_sent(column, rows, fields)));
        findings
    }

    fn is_omitted<R: Row>(&self, row: &R) -> bool {
        let is_unusable = |column| match column {
            Column::Additional(at) => *row.fields().value(at) == FieldValue::Unusable,
            Column::Builtin(_) | Column::Nowhere => false,
        };
        let lacks_label = |text| repair_label(text).is_none();
        self.columns.iter().any(is_unusable)
            || self.target == FieldKind::Label && self.columns.value(row).is_some_and(lacks_label)
    }

    fn is_cut<R: Row>(&self, row: &R) -> bool {
        let text = self.columns.value(row);
        text.is_some_and(|text| text.chars().nth(LONGEST_TEXT).is_some())
    }

    fn is_repaired<R: Row>(&self, row: &R) -> bool {
        let differs = |text: Cow<'_, str>| !is_valid_name(&text) && repair_label(text).is_some();
        self.columns.value(row).is_some_and(differs)
    }

    /// The finding about this key, with the number of affected rows and the first of them.
    fn about<R: Row>(
        &self,
        code: Code,
        rows: &[&R],
        is_affected: impl Fn(&R) -> bool,
    ) -> Option<Finding> {
        let mut affected = rows.iter().filter(|row| is_affected(row));
        let first = affected.next()?;
        let kind = R::KIND;
        let count = counted(affected.count() + 1, &kind.to_string());
        let key = format!("{kind}s.map.{}", self.key);
        let (what, remedy) = match code {
            Code::ValueCut => (
                "is cut to 1024 characters",
                "shorten the value in Authentik",
            ),
            Code::ValueRepaired => (
                "is no label that Backstage accepts, and is repaired",
                "use letters, digits, `-`, `_` and `.`, or map it to an annotation",
            ),
            _ => (
                "is left out: an object, more than 64 KiB, or without a character that a label may have",
                "map another field, or correct the value in Authentik",
            ),
        };
        Some(Finding::general(code, &key).with_message(
            format!(
                "`{key}`: the value of {count} {what}, such as that of {:?} (pk {})",
                first.source(),
                first.pk()
            ),
            remedy,
        ))
    }
}

/// The finding about a field that Authentik sends for no row.
fn not_sent<R: Row>(column: Column, rows: &[&R], fields: &FieldPaths) -> Option<Finding> {
    let Column::Additional(at) = column else {
        return None;
    };
    let is_missing = !rows.is_empty()
        && rows
            .iter()
            .all(|row| *row.fields().value(at) == FieldValue::NotSent);
    let path = fields.iter().nth(at).filter(|_| is_missing)?;
    let kind: Kind = R::KIND;
    Some(Finding::general(Code::FieldNotSent, path).with_message(
        format!("this version of Authentik does not send the field `{path}` of a {kind}"),
        "map another field, or upgrade Authentik",
    ))
}
