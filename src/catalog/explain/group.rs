//! Explains a group.

use super::{
    ExplainStep, Explanation, Rule, SourceRow, filtered, mapped, missing, name, served, step,
};
use crate::catalog::name::sanitize_name;
use crate::catalog::plan::Plan;
use crate::catalog::skip::GroupSkip;
use crate::directory::{Group, GroupPk};

/// Explains a group.
pub(super) fn explain(plan: &Plan<'_>, row: &Group) -> Explanation {
    let at = plan.groups.position(row.pk);
    Explanation {
        pk: row.pk.to_string(),
        source: SourceRow::Group(row.into()),
        rules: rules(plan, row, at),
        reason: missing::of_group(plan, row),
        entity: at.map(|at| served(&plan.group(at))),
    }
}

/// The rules that applied, up to the one that leaves the group out.
fn rules(plan: &Plan<'_>, row: &Group, at: Option<usize>) -> Vec<ExplainStep> {
    let skip = plan.selection.group(row);
    if let Some(GroupSkip::Excluded(entry)) = skip {
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
    if let Some(GroupSkip::Filtered(key)) = skip {
        rules.push(filtered(key));
        return rules;
    }
    rules.extend(name::steps(plan, &plan.groups, row));
    if let Some(at) = at {
        rules.extend(mapped::of_group(plan, row));
        rules.extend(parents(plan, row, at));
        rules.extend(children(plan, row, at));
        rules.extend(members(plan, row, at));
    }
    rules
}

/// The parents of the group, and why others are missing.
fn parents(plan: &Plan<'_>, row: &Group, at: usize) -> Vec<ExplainStep> {
    let linked = &plan.links.parents[at];
    let names = plan.groups.names(linked);
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
        .filter(|pk| is_cut(plan, linked, **pk))
        .map(|pk| label(plan, *pk))
        .collect();
    let effects = [
        Some(format!(
            "the parents are {}; `spec.parent` {first}",
            quoted(&names)
        )),
        missing::sentence("parents without an entity", missing),
        missing::sentence("parents whose link closes a cycle and is cut", cut),
    ];
    effects
        .into_iter()
        .flatten()
        .map(|effect| step(Rule::Parents, effect))
        .collect()
}

/// The children of the group, and why others are missing.
fn children(plan: &Plan<'_>, row: &Group, at: usize) -> Vec<ExplainStep> {
    let linked = &plan.links.children[at];
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
        .filter(|child| is_cut(plan, linked, child.pk))
        .map(|child| label(plan, child.pk));
    let effects = [
        Some(format!(
            "the children are {}",
            quoted(&plan.groups.names(linked))
        )),
        missing::sentence("children without an entity", missing),
        missing::sentence(
            "children whose link closes a cycle and is cut",
            cut.collect(),
        ),
    ];
    effects
        .into_iter()
        .flatten()
        .map(|effect| step(Rule::Children, effect))
        .collect()
}

/// The members of the group, and why others are missing.
fn members(plan: &Plan<'_>, row: &Group, at: usize) -> Vec<ExplainStep> {
    let names = plan.users.names(&plan.links.members[at]);
    let missing = row
        .users
        .iter()
        .filter_map(|pk| missing::user(plan, *pk))
        .collect();
    let effects = [
        Some(format!(
            "the members are {} of {}: {}",
            names.len(),
            row.users.len(),
            quoted(&names)
        )),
        missing::sentence("members without an entity", missing),
    ];
    effects
        .into_iter()
        .flatten()
        .map(|effect| step(Rule::Members, effect))
        .collect()
}

/// Whether the link to a group was cut: the group has an entity and is not linked.
fn is_cut(plan: &Plan<'_>, linked: &[usize], pk: GroupPk) -> bool {
    plan.groups
        .position(pk)
        .is_some_and(|at| !linked.contains(&at))
}

/// A group as name and pk.
fn label(plan: &Plan<'_>, pk: GroupPk) -> String {
    plan.directory.group(pk).map_or_else(
        || format!("pk {pk}"),
        |group| format!("{:?} (pk {pk})", group.name),
    )
}

/// A bounded list of quoted names.
fn quoted(names: &[&str]) -> String {
    missing::listed(names.iter().map(|name| format!("{name:?}")))
}
