//! The shrink guard: decides whether new rows may replace the previous ones. Pure.
//!
//! A narrowed permission looks like a smaller directory, because Authentik filters its lists silently.
//! So a run that would remove too much is held until an operator accepts it. [`entities`] also compares
//! the entities, because a renamed group or a mistyped filter removes them although no row is gone.

pub mod entities;

use std::fmt::Write;

use crate::authentik::error::Error;
use crate::config::{AuthRequirement, ShrinkGuard};
use crate::counted::counted as number_of;
use crate::directory::{Directory, Disagreement, Sizes};
use crate::snapshot::run::Failure;

/// What a hold without any user entity means: every user would be deleted from the catalog.
pub const NO_USERS: &str =
    "no user would be left: every user that Authentik shows is inactive or a service account";
/// The remedy for [`NO_USERS`].
pub const NO_USERS_REMEDY: &str =
    "check the token's permission `view_user` and `includeServiceAccounts`";

/// How an operator accepts a held run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// With a request.
    Open,
    /// With a request and a sync token.
    Token,
    /// With a sync token, after one is configured.
    Closed,
}

impl Acceptance {
    /// Returns the instruction for the operator.
    fn hint(self) -> &'static str {
        match self {
            Self::Open => {
                "if it is meant, publish it once with `curl -X POST 'http://…/sync?accept=shrink'` \
                 (this service)"
            }
            Self::Token => {
                "if it is meant, publish it once with `curl -X POST -H 'Authorization: Bearer …' \
                 'http://…/sync?accept=shrink'` (this service, and one of its `syncTokens`)"
            }
            Self::Closed => {
                "if it is meant, set `entityProvider.auth.syncTokens` and publish it once with `curl -X POST \
                 -H 'Authorization: Bearer …' 'http://…/sync?accept=shrink'` (this service, and that token)"
            }
        }
    }
}

impl From<AuthRequirement<'_>> for Acceptance {
    fn from(requirement: AuthRequirement<'_>) -> Self {
        match requirement {
            AuthRequirement::Open => Self::Open,
            AuthRequirement::Tokens(_) => Self::Token,
            AuthRequirement::Closed => Self::Closed,
        }
    }
}

/// Why rows are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// The kind of reason; stable across versions.
    pub code: &'static str,
    /// The counts and the likely cause.
    pub what: String,
    /// The remedy.
    pub remedy: String,
}

impl Hold {
    /// Returns the failure of the held run.
    #[must_use]
    pub fn into_failure(self, acceptance: Acceptance) -> Failure {
        let Self { code, what, remedy } = self;
        Failure::new(code, format!("{what}; {remedy}; {}", acceptance.hint()))
    }
}

/// A size of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Users,
    ActiveUsers,
    People,
    Groups,
    Memberships,
}

impl Measure {
    /// All measures. A loss by an earlier one can explain a loss by a later one.
    const ALL: [Self; 5] = [
        Self::Users,
        Self::ActiveUsers,
        Self::People,
        Self::Groups,
        Self::Memberships,
    ];

    /// Returns the size by this measure.
    fn size(self, sizes: Sizes) -> usize {
        match self {
            Self::Users => sizes.users,
            Self::ActiveUsers => sizes.active_users,
            Self::People => sizes.people,
            Self::Groups => sizes.groups,
            Self::Memberships => sizes.memberships,
        }
    }

    /// Returns true if a loss by this measure is a loss of users.
    fn is_of_users(self) -> bool {
        matches!(self, Self::Users | Self::ActiveUsers | Self::People)
    }

    /// Returns the singular and the plural of what is counted.
    fn words(self) -> [&'static str; 2] {
        match self {
            Self::Users => ["user", "users"],
            Self::ActiveUsers => ["active user", "active users"],
            Self::People => [
                "active user that is no service account",
                "active users that are no service accounts",
            ],
            Self::Groups => ["group", "groups"],
            Self::Memberships => ["membership", "memberships"],
        }
    }
}

/// A measure by which too much is lost.
#[derive(Debug)]
struct Loss {
    of: Measure,
    before: usize,
    now: usize,
    lost: usize,
    /// True if this run removes the rows; false if several runs of the last day did.
    at_once: bool,
}

/// Checks new rows against the previous rows of the same server, if there are any, and against the largest
/// sizes of the last day.
#[must_use]
pub fn rows(
    previous: Option<(&Directory, Sizes)>,
    new: &Directory,
    limits: &ShrinkGuard,
) -> Option<Hold> {
    empty(previous.map(|(old, _)| old), new).or_else(|| match previous {
        None => first(new, limits),
        Some((old, largest)) => shrink(old, largest, new, limits),
    })
}

/// Holds an empty list of users, independent of the limits: a complete list contains at least the token's
/// own user. An empty list may follow another empty one, which was accepted.
#[must_use]
pub fn empty(previous: Option<&Directory>, new: &Directory) -> Option<Hold> {
    let was_empty = previous.is_some_and(Directory::has_no_users);
    (new.has_no_users() && !was_empty).then(|| Hold {
        code: Error::Empty.code(),
        what: Error::Empty.to_string(),
        remedy: Error::Empty.remedy().to_owned(),
    })
}

/// Checks the first rows of a server: the lists must not name more rows that they lack than the limits
/// allow.
///
/// Each list counts, and both together: in a small directory a filtered permission hides a few rows of
/// each.
#[must_use]
pub fn first(new: &Directory, limits: &ShrinkGuard) -> Option<Hold> {
    let hidden = Disagreement::of(new);
    let (users, groups) = (hidden.users.len(), hidden.groups.len());
    let (all_users, all_groups) = (new.users().len() + users, new.groups().len() + groups);
    let parts = [
        (users, all_users),
        (groups, all_groups),
        (users + groups, all_users + all_groups),
    ];
    let is_held = limits.enabled
        && parts
            .iter()
            .any(|(hidden, all)| is_too_much(*hidden, *all, limits));
    is_held.then(|| Hold {
        code: "hidden-rows",
        what: format!(
            "the lists name rows that they lack, {users} of {} and {groups} of {}, which is more than `shrinkGuard` allows: a permission on single objects filters the view",
            number_of(all_users, "user"),
            number_of(all_groups, "group")
        ),
        remedy: "give the token's role the global permissions `view_user` and `view_group`".into(),
    })
}

/// Checks new rows against the previous ones, and against the largest sizes of the last day.
#[must_use]
pub fn shrink(
    old: &Directory,
    largest: Sizes,
    new: &Directory,
    limits: &ShrinkGuard,
) -> Option<Hold> {
    if !limits.enabled {
        return None;
    }
    let now = Sizes::of(new);
    let at_once = losses(Sizes::of(old), now, Sizes::missing(old, new), true, limits);
    let in_a_day = losses(largest, now, largest.beyond(now), false, limits);
    let losses: Vec<Loss> = at_once
        .into_iter()
        .zip(in_a_day)
        .filter_map(|(one, day)| one.or(day))
        .collect();
    let losses = independent(losses);
    (!losses.is_empty()).then(|| {
        let (cause, remedy) = cause(&losses, old, new);
        Hold {
            code: "shrink",
            what: format!("{}: {cause}", counted(&losses, limits)),
            remedy,
        }
    })
}

/// Holds entities without any user, unless the previous ones had none either.
#[must_use]
pub fn no_users(users_before: Option<usize>, users: usize) -> Option<Hold> {
    (users == 0 && users_before != Some(0)).then(|| Hold {
        code: "no-users",
        what: NO_USERS.into(),
        remedy: NO_USERS_REMEDY.into(),
    })
}

/// Returns the loss by each measure, in the order of [`Measure::ALL`], if it is too large.
fn losses(
    before: Sizes,
    now: Sizes,
    lost: Sizes,
    at_once: bool,
    limits: &ShrinkGuard,
) -> [Option<Loss>; 5] {
    Measure::ALL.map(|of| {
        let [before, now, lost] = [before, now, lost].map(|sizes| of.size(sizes));
        let is_emptied = before > 0 && now == 0 && of != Measure::Memberships;
        let loss = Loss {
            of,
            before,
            now,
            lost,
            at_once,
        };
        (is_emptied || is_too_much(lost, before, limits)).then_some(loss)
    })
}

/// Returns true if a loss is above both limits.
pub(super) fn is_too_much(lost: usize, before: usize, limits: &ShrinkGuard) -> bool {
    let share = |whole: usize| whole as u128 * u128::from(limits.percent);
    lost >= limits.absolute && lost as u128 * 100 > share(before)
}

/// Removes losses that follow from others: a deleted user is also missing as an active user and as a member.
fn independent(mut losses: Vec<Loss>) -> Vec<Loss> {
    let of_users = losses
        .iter()
        .map(|loss| loss.of)
        .find(|of| of.is_of_users());
    losses.retain(|loss| !loss.of.is_of_users() || Some(loss.of) == of_users);
    if losses.len() > 1 {
        losses.retain(|loss| loss.of != Measure::Memberships);
    }
    losses
}

/// Describes the losses with their counts.
fn counted(losses: &[Loss], limits: &ShrinkGuard) -> String {
    let mut text = String::new();
    for Loss {
        of,
        before,
        now,
        lost,
        at_once,
    } in losses
    {
        let [one, several] = of.words();
        let rows = if *before == 1 { one } else { several };
        let (since, verb) = if *at_once {
            ("before", "removed")
        } else {
            ("within a day", "fewer")
        };
        let percent = lost * 100 / before.max(&1);
        let _ = write!(
            text,
            "{before} {rows} {since} and {now} now ({lost} {verb}, {percent} %), "
        );
    }
    let ShrinkGuard {
        percent, absolute, ..
    } = limits;
    text + &format!("where `shrinkGuard` allows {percent} % or fewer than {absolute}")
}

/// Returns the most likely cause and its remedy.
fn cause(losses: &[Loss], old: &Directory, new: &Directory) -> (String, String) {
    let lost = |measure| losses.iter().any(|loss| loss.of == measure);
    let named = Disagreement::of(new);
    let users = named.users.iter().filter(|pk| old.has_user(**pk)).count();
    let groups = named.groups.iter().filter(|pk| old.has_group(**pk)).count();
    let (cause, remedy) = if users + groups > 0 && (lost(Measure::Users) || lost(Measure::Groups)) {
        let still = format!("the lists still name {users} of the users and {groups} of the groups");
        let remedy = "give the token's role the global permissions `view_user` and `view_group`";
        return (
            format!("{still}, so a narrowed permission hides them"),
            remedy.into(),
        );
    } else if losses.iter().all(|loss| !loss.at_once) {
        (
            "several runs removed a part each",
            "find the cause in Authentik's events",
        )
    } else if lost(Measure::Users) || lost(Measure::Groups) {
        (
            "neither list names them any more: they were deleted, or the token's permission was taken away",
            "look into Authentik's events, and check the global permissions `view_user` and `view_group`",
        )
    } else if lost(Measure::Memberships) {
        (
            "users and groups are there without them: groups were emptied",
            "look into Authentik's events",
        )
    } else {
        (
            "the users are still listed: they were deactivated, or made service accounts",
            "look into Authentik's events, and at the source that the users come from",
        )
    };
    (cause.into(), remedy.into())
}

#[cfg(test)]
mod tests;
