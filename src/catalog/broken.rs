//! The findings about rows that were listed and could not be read.

use super::finding::{Code, Finding};
use super::roster::Row;
use crate::directory::{Directory, Flaw, Flaws, Group, User};

/// What to do about a broken row.
const REMEDY: &str = "correct the field in Authentik, or report this with Authentik's version";

/// A finding for each row that could not be read.
#[must_use]
pub(super) fn findings(directory: &Directory) -> Vec<Finding> {
    let Flaws { users, groups } = directory.flaws();
    let users = users
        .iter()
        .map(|(pk, flaw)| finding::<User>(*pk, directory.user(*pk), flaw));
    let groups = groups
        .iter()
        .map(|(pk, flaw)| finding::<Group>(*pk, directory.group(*pk), flaw));
    users.chain(groups).collect()
}

/// The finding about one row.
fn finding<R: Row>(pk: R::Pk, kept: Option<&R>, flaw: &Flaw) -> Finding {
    let Flaw { field, problem } = flaw;
    let outcome = match kept {
        Some(_) => "it is served as it was when it was last read",
        None => "it is left out, since it has never been read",
    };
    let message =
        format!("the row with the pk {pk} cannot be read at `{field}`: {problem}; {outcome}");
    Finding::about(Code::BrokenRow, R::KIND, pk, kept.map_or("", Row::source)).says(message, REMEDY)
}
