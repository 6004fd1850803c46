//! Findings about rows that Authentik lists and this version cannot read.

use super::finding::{Code, Finding};
use super::named_rows::Row;
use crate::directory::{BrokenRows, Directory, Group, RowError, User};

/// The remedy for a broken row.
const REMEDY: &str = "correct the field in Authentik, or report this with Authentik's version";

/// Returns a finding for each broken row.
#[must_use]
pub(super) fn findings(directory: &Directory) -> Vec<Finding> {
    let BrokenRows { users, groups } = directory.broken_rows();
    let users = users
        .iter()
        .map(|(pk, error)| finding::<User>(*pk, directory.user(*pk), error));
    let groups = groups
        .iter()
        .map(|(pk, error)| finding::<Group>(*pk, directory.group(*pk), error));
    users.chain(groups).collect()
}

/// Returns the finding about one row; `previous` is its last readable version.
fn finding<R: Row>(pk: R::Pk, previous: Option<&R>, error: &RowError) -> Finding {
    let RowError { field, problem } = error;
    let outcome = match previous {
        Some(_) => "its last readable version is served",
        None => "it is left out, since it has never been read",
    };
    let message =
        format!("the row with the pk {pk} cannot be read at `{field}`: {problem}; {outcome}");
    Finding::about(
        Code::BrokenRow,
        R::KIND,
        pk,
        previous.map_or("", Row::source),
    )
    .with_message(message, REMEDY)
}
