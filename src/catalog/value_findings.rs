//! Findings about mapped values that are changed, cut or left out: one for each key of the mapping.

use super::entity::Kind;
use super::finding::{Code, Finding};
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
    let mut findings = Vec::new();
    let mut texts = vec![("description".to_owned(), &metadata.description)];
    let annotations = metadata.annotations.iter();
    texts.extend(annotations.map(|text| (format!("annotations.{}", text.key), &text.columns)));
    for (key, columns) in &texts {
        findings.extend(about(Code::ValueCut, key, &rows, |row| {
            columns
                .value(row)
                .is_some_and(|text| text.chars().nth(LONGEST_TEXT).is_some())
        }));
    }
    let labels = metadata.labels.iter();
    let labels: Vec<_> = labels
        .map(|text| (format!("labels.{}", text.key), &text.columns))
        .collect();
    for (key, columns) in &labels {
        findings.extend(about(Code::ValueRepaired, key, &rows, |row| {
            columns
                .value(row)
                .is_some_and(|text| repair_label(text.clone()).is_some_and(|label| label != text))
        }));
        findings.extend(about(Code::ValueOmitted, key, &rows, |row| {
            columns
                .value(row)
                .is_some_and(|text| repair_label(text).is_none())
        }));
    }
    let profile = profile
        .iter()
        .map(|(key, columns)| ((*key).to_owned(), *columns));
    for (key, columns) in profile.chain(texts).chain(labels) {
        findings.extend(about(Code::ValueOmitted, &key, &rows, |row| {
            columns
                .iter()
                .any(|column| *of(column, row) == FieldValue::Unusable)
        }));
        findings.extend(
            columns
                .iter()
                .filter_map(|column| not_sent(column, &rows, fields)),
        );
    }
    findings
}

/// The additional field in a column; absent for another column.
fn of<R: Row>(column: Column, row: &R) -> &FieldValue {
    match column {
        Column::Additional(at) => row.fields().value(at),
        Column::Builtin(_) | Column::Nowhere => &FieldValue::Absent,
    }
}

/// The finding about a key, with the number of rows and the first of them.
fn about<R: Row>(
    code: Code,
    key: &str,
    rows: &[&R],
    is_affected: impl Fn(&R) -> bool,
) -> Option<Finding> {
    let mut affected = rows.iter().filter(|row| is_affected(row));
    let first = affected.next()?;
    let kind = R::KIND;
    let count = counted(affected.count() + 1, &kind.to_string());
    let key = format!("{kind}s.map.{key}");
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
