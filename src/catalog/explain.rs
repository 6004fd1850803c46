//! Says of rows what became of them and by which rules.
//!
//! Everything is asked of the [`Plan`], which made the entities: there is no second reading of the
//! rules here that could disagree with it.

mod group;
mod missing;
mod name;
mod near;
mod source;
mod user;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::entity::{Entity, Kind};
use super::escape::to_json;
use super::name::sanitize_name;
use super::plan::Plan;
use super::roster::{Roster, Row};

pub use near::near;
pub use source::{GroupSource, Source, UserSource};

/// What became of one row.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The row's primary key.
    pub pk: String,
    /// The row's fields that matter.
    pub source: Source,
    /// What applied, in this order; where there is no entity, the last rule is the one that decided.
    pub rules: Vec<Step>,
    /// Why there is no entity: `inactive`, `service account`, `excluded`, `empty name` or
    /// `name collides with pk N`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// The entity exactly as it is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub entity: Option<Box<RawValue>>,
}

/// One rule and what it did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ExplanationRule)]
pub struct Step {
    /// Which rule.
    pub rule: Rule,
    /// What it did and why.
    pub says: String,
}

/// The rules, in the order in which they apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = RuleName)]
pub enum Rule {
    /// Inactive users are skipped.
    Active,
    /// Service accounts are skipped unless `includeServiceAccounts` is set.
    ServiceAccounts,
    /// Groups in `excludeGroups` leave no trace.
    ExcludeGroups,
    /// How the name is made, repaired, refused or lost to another row.
    Name,
    /// What is shown as the name.
    DisplayName,
    /// Whether there is an e-mail address.
    Email,
    /// What becomes of the avatar.
    Picture,
    /// Which groups a user is in, and which are missing.
    MemberOf,
    /// Which parents a group has, and which are missing or cut.
    Parents,
    /// Which children a group has, and which are missing or cut.
    Children,
    /// Which members a group has, and which are missing.
    Members,
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

/// Explains every row of a kind whose pk, name in Authentik or name in the catalog is `asked`, and
/// those that wanted this name and did not get it.
#[must_use]
pub fn explain(plan: &Plan<'_>, kind: Kind, asked: &str) -> Vec<Explanation> {
    let directory = plan.directory;
    match kind {
        Kind::User => matching(directory.users(), &plan.users, asked)
            .map(|row| user::explain(plan, row))
            .collect(),
        Kind::Group => matching(directory.groups(), &plan.groups, asked)
            .map(|row| group::explain(plan, row))
            .collect(),
    }
}

/// The rows that are meant.
fn matching<'d, R: Row>(
    rows: &'d [R],
    named: &Roster<'_, R>,
    asked: &str,
) -> impl Iterator<Item = &'d R> {
    let holder = named.find(asked).map(|at| named.row(at).pk());
    rows.iter().filter(move |row| {
        row.source() == asked
            || holder == Some(row.pk())
            || row.pk().to_string() == asked
            || sanitize_name(row.source()) == asked
    })
}

/// What a rule did.
fn step(rule: Rule, says: impl Into<String>) -> Step {
    Step {
        rule,
        says: says.into(),
    }
}

/// An entity as it is served.
fn served(entity: &Entity<'_>) -> Box<RawValue> {
    RawValue::from_string(to_json(entity)).expect("an entity is JSON")
}
