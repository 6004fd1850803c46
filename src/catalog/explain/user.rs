//! Explains a user.

use std::collections::BTreeSet;

use super::source::shortened;
use super::{ExplainStep, Explanation, Rule, SourceRow, missing, name, served, step};
use crate::catalog::entity::Spec;
use crate::catalog::picture::{Picture, picture};
use crate::catalog::plan::Plan;
use crate::catalog::skip::Skip;
use crate::directory::{GroupPk, User};

/// Explains a user.
pub(super) fn explain(plan: &Plan<'_>, row: &User) -> Explanation {
    let at = plan.users.position(row.pk);
    Explanation {
        pk: row.pk.to_string(),
        source: SourceRow::User(row.into()),
        rules: rules(plan, row, at),
        reason: missing::of_user(plan, row),
        entity: at.map(|at| served(&plan.user(at))),
    }
}

/// The rules that applied, up to the one that leaves the user out.
fn rules(plan: &Plan<'_>, row: &User, at: Option<usize>) -> Vec<ExplainStep> {
    let skip = Skip::of(row, plan.policy);
    if skip == Some(Skip::Inactive) {
        return vec![step(
            Rule::Active,
            "the user is not active, and inactive users are skipped",
        )];
    }
    let mut rules = vec![
        step(Rule::Active, "the user is active"),
        service_account(plan, row),
    ];
    if skip.is_some() {
        return rules;
    }
    rules.extend(name::steps(plan, &plan.users, row));
    if let Some(at) = at {
        rules.extend(profile(plan, row, at));
        rules.extend(memberships(plan, row, at));
    }
    rules
}

/// Whether the account is a service account, and whether the policy includes those.
fn service_account(plan: &Plan<'_>, row: &User) -> ExplainStep {
    let switch = plan.policy.include_service_accounts;
    let effect = match (row.is_service_account(), switch) {
        (false, _) => "is not a service account",
        (true, true) => "is a service account, and `includeServiceAccounts` is true",
        (true, false) => "is a service account, and `includeServiceAccounts` is false",
    };
    step(
        Rule::ServiceAccounts,
        format!("the type {:?} {effect}", row.user_type.to_string()),
    )
}

/// The fields of the profile, read from the entity.
fn profile(plan: &Plan<'_>, row: &User, at: usize) -> Vec<ExplainStep> {
    let Spec::User(spec) = plan.user(at).spec else {
        return Vec::new();
    };
    let shown = spec.profile.display_name;
    let display_name = if row.name.is_empty() {
        format!("the name is empty, so the username {shown:?} is shown")
    } else {
        format!("the name {shown:?} is shown")
    };
    let email = match spec.profile.email {
        "" if row.email.is_empty() => "there is none, so it is left out".to_owned(),
        "" => "it contains only blanks, so it is left out".to_owned(),
        email if email == &*row.email => format!("{email:?} is shown"),
        email => format!("{email:?} is shown, without the blanks around it"),
    };
    let picture = match picture(&row.avatar, &plan.policy.base_url) {
        Picture::Absent => "there is no avatar".to_owned(),
        Picture::Shown(url) if *url == *row.avatar => {
            format!("the avatar {:?} is shown", shortened(&url))
        }
        Picture::Shown(url) => {
            format!(
                "the avatar {:?} is resolved to {:?}",
                shortened(&row.avatar),
                shortened(&url)
            )
        }
        Picture::Refused => {
            format!(
                "the avatar {:?} is neither http, https nor data:image/",
                shortened(&row.avatar)
            )
        }
    };
    vec![
        step(Rule::DisplayName, display_name),
        step(Rule::Email, email),
        step(Rule::Picture, picture),
    ]
}

/// The groups of the user, and why others are missing.
fn memberships(plan: &Plan<'_>, row: &User, at: usize) -> Vec<ExplainStep> {
    let names = plan.groups.names(&plan.links.member_of[at]).into_iter();
    let listing: BTreeSet<GroupPk> = plan
        .directory
        .groups()
        .iter()
        .filter(|group| group.users.contains(&row.pk))
        .map(|group| group.pk)
        .collect();
    let named: BTreeSet<GroupPk> = row.groups.iter().copied().collect();
    let missing = listing
        .union(&named)
        .filter_map(|pk| missing::group(plan, *pk))
        .collect();
    let one_sided = named
        .difference(&listing)
        .filter_map(|pk| plan.directory.group(*pk));
    let one_sided = one_sided
        .map(|group| format!("{:?} (pk {})", group.name, group.pk))
        .collect();
    let effects = [
        Some(format!(
            "member of {}",
            missing::listed(names.map(|name| format!("{name:?}")))
        )),
        missing::sentence("groups without an entity", missing),
        missing::sentence(
            "groups that do not list the user, although the user's row lists them",
            one_sided,
        ),
    ];
    effects
        .into_iter()
        .flatten()
        .map(|effect| step(Rule::MemberOf, effect))
        .collect()
}
