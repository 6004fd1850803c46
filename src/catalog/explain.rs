//! Explains which rules applied to a row, and why it has an entity or not.
//!
//! Every answer comes from the [`Plan`] that builds the entities, so an explanation cannot disagree
//! with the transform.

mod group;
mod mapped;
mod missing;
mod name;
mod similar_names;
mod source;
mod user;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::entity::{Entity, Kind};
use super::escape::to_json;
use super::name::sanitize_name;
use super::named_rows::{NamedRows, Row};
use super::plan::Plan;

pub use similar_names::similar_names;
pub use source::{GroupSource, SourceRow, UserSource};

/// How the transform treats one row.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// The row's primary key.
    pub pk: String,
    /// The fields of the row that affect its entity.
    pub source: SourceRow,
    /// The rules that applied, in order. Without an entity, the last rule is the one that decided.
    pub rules: Vec<ExplainStep>,
    /// Why there is no entity: `inactive`, `service account`, `excluded`, `empty name` or
    /// `name collides with pk N`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// The entity as it is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>, nullable = false)]
    pub entity: Option<Box<RawValue>>,
}

/// One rule and its effect on the row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ExplanationRule)]
pub struct ExplainStep {
    /// The rule.
    pub rule: Rule,
    /// The effect and its reason.
    pub says: String,
}

/// The rules of the transform, in the order in which they apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = RuleName)]
pub enum Rule {
    /// Inactive users are skipped.
    Active,
    /// Service accounts are skipped unless `includeServiceAccounts` is set.
    ServiceAccounts,
    /// Groups in `excludeGroups` are omitted, together with their memberships and links.
    ExcludeGroups,
    /// Rows for which a condition of a filter does not hold are left out.
    Filter,
    /// The name is made, repaired, refused, or assigned to another row.
    Name,
    /// Where the description comes from.
    Description,
    /// Where an annotation comes from.
    Annotation,
    /// Where a label comes from.
    Label,
    /// Where the type of a group comes from.
    Type,
    /// Where the display name comes from.
    DisplayName,
    /// Where the e-mail address comes from; an empty one is omitted.
    Email,
    /// Where the picture comes from: it is used, resolved or refused.
    Picture,
    /// The groups of a user, and those without an entity.
    MemberOf,
    /// The parents of a group, and those without an entity or cut.
    Parents,
    /// The children of a group, and those without an entity or cut.
    Children,
    /// The members of a group, and those without an entity.
    Members,
}

impl std::fmt::Display for Rule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

/// Explains every row of a kind whose pk, name in Authentik, sanitized name or name in the catalog
/// equals `query`.
#[must_use]
pub fn explain(plan: &Plan<'_>, kind: Kind, query: &str) -> Vec<Explanation> {
    let directory = plan.directory;
    match kind {
        Kind::User => matching(directory.users(), &plan.users, query)
            .map(|row| user::explain(plan, row))
            .collect(),
        Kind::Group => matching(directory.groups(), &plan.groups, query)
            .map(|row| group::explain(plan, row))
            .collect(),
    }
}

/// The rows that match a query.
fn matching<'d, R: Row>(
    rows: &'d [R],
    named: &NamedRows<'_, R>,
    query: &str,
) -> impl Iterator<Item = &'d R> {
    let holder = named.find(query).map(|at| named.row(at).pk());
    rows.iter().filter(move |row| {
        row.source() == query
            || holder == Some(row.pk())
            || row.pk().to_string() == query
            || sanitize_name(row.source()) == query
    })
}

/// Returns a step.
fn step(rule: Rule, effect: impl Into<String>) -> ExplainStep {
    ExplainStep {
        rule,
        says: effect.into(),
    }
}

/// The step of a filter that leaves a row out.
fn filtered(key: &str) -> ExplainStep {
    step(
        Rule::Filter,
        format!("the condition `entityProvider.{key}` does not hold"),
    )
}

/// Serializes an entity as it is served.
fn served(entity: &Entity<'_>) -> Box<RawValue> {
    RawValue::from_string(to_json(entity)).expect("an entity is JSON")
}
