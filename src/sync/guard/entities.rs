//! Holds entities if too many of them would vanish although their rows are still there.
//!
//! Example: `users.filter.groups` names the group `platform`, and Authentik renames it. Both lists
//! are complete, and every user would leave the catalog.

use std::collections::BTreeSet;

use super::{Hold, is_too_much};
use crate::catalog::entity::Kind;
use crate::catalog::naming::HeldNames;
use crate::catalog::plan::Names;
use crate::config::ShrinkGuard;
use crate::counted::counted;

/// Compares the names of the new entities with the previous ones.
#[must_use]
pub fn check(before: &Names, now: &Names, limits: &ShrinkGuard) -> Option<Hold> {
    if !limits.enabled {
        return None;
    }
    let is_moved = before.namespace != now.namespace;
    let users = Vanished::between(&before.users, &now.users, is_moved);
    let groups = Vanished::between(&before.groups, &now.groups, is_moved);
    let kinds = [(Kind::User, users), (Kind::Group, groups)];
    let losses: Vec<_> = kinds
        .into_iter()
        .filter(|(_, vanished)| is_too_much(vanished.lost, vanished.before, limits))
        .map(|(kind, vanished)| vanished.describe(kind, before))
        .collect();
    (!losses.is_empty()).then(|| Hold {
        code: "entity-shrink",
        what: format!(
            "{} would vanish from the catalog, where `shrinkGuard` allows {} % or fewer than {}: Authentik has not removed as many \
             rows, so a filter, `excludeGroups`, the naming rule or the namespace leaves them out, or rows were renamed",
            losses.join(" and "),
            limits.percent,
            limits.absolute
        ),
        remedy: "correct the configuration, or compare it with the service by `diff --config`".into(),
    })
}

/// The entities of a kind that only the previous names have.
struct Vanished<'n> {
    before: usize,
    lost: usize,
    first: Option<&'n str>,
}

impl<'n> Vanished<'n> {
    fn between<Pk: Ord>(before: &'n HeldNames<Pk>, now: &HeldNames<Pk>, is_moved: bool) -> Self {
        let mut lost: Vec<&str> = before
            .iter()
            .filter(|(pk, name)| is_moved || now.get(pk) != Some(name))
            .map(|(_, name)| &**name)
            .collect();
        if !is_moved && !lost.is_empty() {
            // Another row may have the name now.
            let now: BTreeSet<&str> = now.values().map(|name| &**name).collect();
            lost.retain(|name| !now.contains(name));
        }
        Self {
            before: before.len(),
            lost: lost.len(),
            first: lost.first().copied(),
        }
    }

    fn describe(&self, kind: Kind, names: &Names) -> String {
        let whole = counted(self.before, kind.lower());
        let example = self.first.map_or(String::new(), |name| {
            format!(", such as {kind}:{}/{name}", names.namespace)
        });
        format!("{} of {whole}{example}", self.lost)
    }
}
