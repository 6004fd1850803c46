//! Findings about entries of the filters that match nothing.

use super::entity::Kind;
use super::finding::{Code, Finding};
use super::named_rows::Row;
use super::policy::Policy;
use super::selection::is_below;
use super::shape::{Pattern, Source};
use crate::directory::{Directory, FieldPaths};

/// The findings about entries of the filters that match no row, active or not.
pub(super) fn of(directory: &Directory, policy: &Policy) -> Vec<Finding> {
    let (users, groups) = (&policy.shape.users.filter, &policy.shape.groups.filter);
    let fields = directory.selection();
    let patterns = [
        (Kind::Group, "users.filter.groups", &users.groups),
        (Kind::User, "users.filter.exclude", &users.exclude),
        (Kind::Group, "groups.filter.include", &groups.include),
        (Kind::Group, "groups.filter.exclude", &groups.exclude),
    ];
    let patterns = patterns.into_iter().flat_map(|(kind, key, patterns)| {
        let unmatched = patterns.iter().filter(move |pattern| match kind {
            Kind::Group => !matches_any(directory.groups(), pattern),
            Kind::User => !matches_any(directory.users(), pattern),
        });
        unmatched.map(move |pattern| unmatched_finding(key, &pattern.to_string(), kind))
    });
    let types = users.types.iter().filter(|wanted| {
        let mut types = directory
            .users()
            .iter()
            .map(|user| user.user_type.to_string());
        !types.any(|found| found == ***wanted)
    });
    let types = types.map(|wanted| unmatched_finding("users.filter.types", wanted, Kind::User));
    let path = users.path.iter().filter(|path| {
        let column = Source::user_path().column(Kind::User, &fields.users);
        let mut rows = directory.users().iter();
        !rows.any(|user| {
            column
                .value(user)
                .is_some_and(|found| is_below(&found, path))
        })
    });
    let path = path.map(|path| unmatched_finding("users.filter.path", path, Kind::User));
    let of_users = users.attributes.iter().flat_map(|(source, values)| {
        unmatched_values(directory.users(), &fields.users, source, values)
    });
    let of_groups = groups.attributes.iter().flat_map(|(source, values)| {
        unmatched_values(directory.groups(), &fields.groups, source, values)
    });
    patterns
        .chain(types)
        .chain(path)
        .chain(of_users)
        .chain(of_groups)
        .collect()
}

fn matches_any<R: Row>(rows: &[R], pattern: &Pattern) -> bool {
    rows.iter().any(|row| pattern.matches(row.source()))
}

/// The findings about values of a field that no row has.
fn unmatched_values<R: Row>(
    rows: &[R],
    fields: &FieldPaths,
    source: &Source,
    values: &[Box<str>],
) -> Vec<Finding> {
    let column = source.column(R::KIND, fields);
    let is_missing = |value: &str| {
        let mut found = rows.iter().filter_map(|row| column.value(row));
        !found.any(|found| found == value)
    };
    let key = format!("{}s.filter.attributes.{source}", R::KIND);
    let unmatched = values.iter().filter(|value| is_missing(value));
    unmatched
        .map(|value| unmatched_finding(&key, value, R::KIND))
        .collect()
}

fn unmatched_finding(key: &str, entry: &str, kind: Kind) -> Finding {
    Finding::general(Code::FilterUnmatched, entry).with_message(
        format!("`entityProvider.{key}` has {entry:?}, which matches no {kind} in Authentik"),
        "correct the entry, or remove it",
    )
}
