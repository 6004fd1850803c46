//! Whether rows that were read may replace those that are served; pure.
//!
//! A narrowed permission looks like a shrunken directory: Authentik filters its lists without a word.
//! So whatever removes suspiciously much is held until somebody accepts it. [`entities`] also compares
//! the entities, since a renamed group or a typo in a filter removes them although no row is gone.

pub mod entities;

use std::fmt::Write;

use crate::authentik::error::Error;
use crate::config::{Entry, ShrinkGuard};
use crate::counted::counted as number_of;
use crate::directory::{Directory, Disagreement, Sizes};
use crate::snapshot::run::Failure;

/// What is wrong with entities without any user: they would delete everybody from a catalog.
pub const NO_USERS: &str =
    "no user would be left: every user that Authentik shows is inactive or a service account";
/// What to do about it.
pub const NO_USERS_REMEDY: &str =
    "check the token's permission `view_user` and `includeServiceAccounts`";

/// What accepting a loss takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// A request.
    Open,
    /// A request with a sync token.
    Token,
    /// A sync token, of which none is configured yet.
    Closed,
}

impl Acceptance {
    /// What an operator does to accept a loss.
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

impl From<Entry<'_>> for Acceptance {
    fn from(syncing: Entry<'_>) -> Self {
        match syncing {
            Entry::Open => Self::Open,
            Entry::Tokens(_) => Self::Token,
            Entry::Closed => Self::Closed,
        }
    }
}

/// Why rows are held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// What kind of reason it is, stable over versions.
    pub code: &'static str,
    /// What is the matter, with the counts and the likely cause.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

impl Hold {
    /// The failure of the run whose rows are held.
    #[must_use]
    pub fn into_failure(self, acceptance: Acceptance) -> Failure {
        let Self { code, what, remedy } = self;
        Failure::new(code, format!("{what}; {remedy}; {}", acceptance.hint()))
    }
}

/// By what a directory is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Measure {
    Users,
    ActiveUsers,
    People,
    Groups,
    Memberships,
}

impl Measure {
    /// All measures, those first from which others follow.
    const ALL: [Self; 5] = [
        Self::Users,
        Self::ActiveUsers,
        Self::People,
        Self::Groups,
        Self::Memberships,
    ];

    /// The size by this measure.
    fn size(self, sizes: Sizes) -> usize {
        match self {
            Self::Users => sizes.users,
            Self::ActiveUsers => sizes.active_users,
            Self::People => sizes.people,
            Self::Groups => sizes.groups,
            Self::Memberships => sizes.memberships,
        }
    }

    /// Whether a loss by this measure is one of users.
    fn is_of_users(self) -> bool {
        matches!(self, Self::Users | Self::ActiveUsers | Self::People)
    }

    /// What is counted, in words: of one, and of several.
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

/// A measure that lost too much.
#[derive(Debug)]
struct Loss {
    of: Measure,
    before: usize,
    now: usize,
    lost: usize,
    /// Whether the snapshot before has the rows that are lost; otherwise one of the last day was larger.
    at_once: bool,
}

/// Judges rows that would replace those of the same server, if there are some, of which the sizes were up
/// to the largest within the last day.
#[must_use]
pub fn rows(
    kept: Option<(&Directory, Sizes)>,
    new: &Directory,
    limits: &ShrinkGuard,
) -> Option<Hold> {
    empty(kept.map(|(old, _)| old), new).or_else(|| match kept {
        None => first(new, limits),
        Some((old, largest)) => shrink(old, largest, new, limits),
    })
}

/// Judges whether anybody is listed at all, whatever the limits: the token's own user is in a full list,
/// so that an empty one follows another only if that was accepted.
#[must_use]
pub fn empty(kept: Option<&Directory>, new: &Directory) -> Option<Hold> {
    let was_empty = kept.is_some_and(Directory::has_no_users);
    (new.has_no_users() && !was_empty).then(|| Hold {
        code: Error::Empty.code(),
        what: Error::Empty.to_string(),
        remedy: Error::Empty.remedy().to_owned(),
    })
}

/// Judges the first rows of a server: they may not hide more of each other than the limits allow.
///
/// Both lists together count as well as each: in a small directory a filtered permission hides a few
/// rows of each.
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

/// Judges rows that would replace others of the same server, of which the sizes were up to `largest`
/// within the last day.
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
    let telling = telling(losses);
    (!telling.is_empty()).then(|| {
        let (cause, remedy) = cause(&telling, old, new);
        Hold {
            code: "shrink",
            what: format!("{}: {cause}", counted(&telling, limits)),
            remedy,
        }
    })
}

/// Judges the entities that rows make: somebody must be left, unless nobody was there before either.
#[must_use]
pub fn no_users(users_before: Option<usize>, users: usize) -> Option<Hold> {
    (users == 0 && users_before != Some(0)).then(|| Hold {
        code: "no-users",
        what: NO_USERS.into(),
        remedy: NO_USERS_REMEDY.into(),
    })
}

/// The measures by which too much is lost, each at its own place.
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

/// Whether a loss is above both limits.
pub(super) fn is_too_much(lost: usize, before: usize, limits: &ShrinkGuard) -> bool {
    let share = |whole: usize| whole as u128 * u128::from(limits.percent);
    lost >= limits.absolute && lost as u128 * 100 > share(before)
}

/// The losses that do not follow from others: who is gone is also no active user and no member.
fn telling(mut losses: Vec<Loss>) -> Vec<Loss> {
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

/// The losses with both counts.
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

/// The most likely cause and its remedy.
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
            "look into Authentik's events for who removes them",
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
