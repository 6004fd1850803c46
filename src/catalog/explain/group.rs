//! Says what became of a group.

use super::{Explanation, Rule, Source, Step, missing, name, served, step};
use crate::catalog::name::sanitize_name;
use crate::catalog::plan::Plan;
use crate::directory::{Group, GroupPk};

/// Explains a group.
pub(super) fn explain(plan: &Plan<'_>, row: &Group) -> Explanation {
    let at = plan.groups.position(row.pk);
    Explanation {
        pk: row.pk.to_string(),
        source: Source::Group(row.into()),
        rules: rules(plan, row, at),
        reason: missing::of_group(plan, row),
        entity: at.map(|at| served(&plan.group(at))),
    }
}

/// What applied, as far as it came.
fn rules(plan: &Plan<'_>, row: &Group, at: Option<usize>) -> Vec<Step> {
    if let Some(entry) = plan.exclusion.entry(row) {
        return vec![step(
            Rule::ExcludeGroups,
            format!("`excludeGroups` has {entry:?}"),
        )];
    }
    let sanitized = sanitize_name(&row.name);
    let mut rules = vec![step(
        Rule::ExcludeGroups,
        format!("no entry of `excludeGroups` is {sanitized:?}"),
    )];
    rules.extend(name::steps(plan, &plan.groups, row));
    if let Some(at) = at {
        rules.extend(parents(plan, row, at));
        rules.extend(children(plan, row, at));
        rules.extend(members(plan, row, at));
    }
    rules
}

/// Which parents the group has, and what became of the others.
fn parents(plan: &Plan<'_>, row: &Group, at: usize) -> Vec<Step> {
    let kept = &plan.links.parents[at];
    let names = plan.groups.names(kept);
    let first = names
        .first()
        .map_or("is left out".to_owned(), |first| format!("is {first:?}"));
    let missing = row
        .parents
        .iter()
        .filter_map(|pk| missing::group(plan, *pk))
        .collect();
    let cut = row
        .parents
        .iter()
        .filter(|pk| is_cut(plan, kept, **pk))
        .map(|pk| titled(plan, *pk))
        .collect();
    let says = [
        Some(format!(
            "the parents are {}; `spec.parent` {first}",
            quoted(&names)
        )),
        missing::said("parents without an entity", missing),
        missing::said("parents whose link closes a cycle and is cut", cut),
    ];
    says.into_iter()
        .flatten()
        .map(|says| step(Rule::Parents, says))
        .collect()
}

/// Which children the group has, and what became of the others.
fn children(plan: &Plan<'_>, row: &Group, at: usize) -> Vec<Step> {
    let kept = &plan.links.children[at];
    let below = || {
        plan.directory
            .groups()
            .iter()
            .filter(|group| group.parents.contains(&row.pk))
    };
    let missing = below()
        .filter_map(|child| missing::group(plan, child.pk))
        .collect();
    let cut = below()
        .filter(|child| is_cut(plan, kept, child.pk))
        .map(|child| titled(plan, child.pk));
    let says = [
        Some(format!(
            "the children are {}",
            quoted(&plan.groups.names(kept))
        )),
        missing::said("children without an entity", missing),
        missing::said(
            "children whose link closes a cycle and is cut",
            cut.collect(),
        ),
    ];
    says.into_iter()
        .flatten()
        .map(|says| step(Rule::Children, says))
        .collect()
}

/// Which members the group has, and what became of the others.
fn members(plan: &Plan<'_>, row: &Group, at: usize) -> Vec<Step> {
    let names = plan.users.names(&plan.links.members[at]);
    let missing = row
        .users
        .iter()
        .filter_map(|pk| missing::user(plan, *pk))
        .collect();
    let says = [
        Some(format!(
            "the members are {} of {}: {}",
            names.len(),
            row.users.len(),
            quoted(&names)
        )),
        missing::said("members without an entity", missing),
    ];
    says.into_iter()
        .flatten()
        .map(|says| step(Rule::Members, says))
        .collect()
}

/// Whether a group has an entity and is not among those that a link leads to.
fn is_cut(plan: &Plan<'_>, kept: &[usize], pk: GroupPk) -> bool {
    plan.groups
        .position(pk)
        .is_some_and(|at| !kept.contains(&at))
}

/// A group by name and pk.
fn titled(plan: &Plan<'_>, pk: GroupPk) -> String {
    plan.directory.group(pk).map_or_else(
        || format!("pk {pk}"),
        |group| format!("{:?} (pk {pk})", group.name),
    )
}

/// Names in quotes, within bounds.
fn quoted(names: &[&str]) -> String {
    missing::listed(names.iter().map(|name| format!("{name:?}")))
}
