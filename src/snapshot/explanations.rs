//! The explanations of the rows that match a name or pk.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalog::entity::Kind;
use crate::catalog::explain::{Explanation, explain, similar_names};
use crate::catalog::plan::{Names, Plan};
use crate::catalog::policy::Policy;
use crate::directory::Directory;

/// The explanations of the rows that match a name or pk: the entity of each, or why there is none.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Explanations {
    /// `user` or `group`.
    pub kind: String,
    /// The requested name or pk.
    #[serde(rename = "asked")]
    pub query: String,
    /// Every matching row, ordered by pk.
    pub matches: Vec<Explanation>,
    /// Similar names, if no row matches.
    #[serde(skip)]
    pub similar: Vec<String>,
}

impl Explanations {
    /// Plans the entities of a directory and explains the matching rows.
    ///
    /// With the names of a snapshot, the plan equals that of the snapshot.
    #[must_use]
    pub fn of(
        directory: &Directory,
        policy: &Policy,
        held: &Names,
        kind: Kind,
        query: String,
    ) -> Self {
        Self::by(&Plan::new(directory, policy, held), kind, query)
    }

    /// Explains the matching rows of a plan.
    #[must_use]
    pub fn by(plan: &Plan<'_>, kind: Kind, query: String) -> Self {
        let matches = explain(plan, kind, &query);
        let similar = if matches.is_empty() {
            similar_names(plan, kind, &query)
        } else {
            Vec::new()
        };
        Self {
            kind: kind.to_string(),
            query,
            matches,
            similar,
        }
    }

    /// Returns the similar names as the end of a message.
    #[must_use]
    pub fn proposal(&self) -> String {
        if self.similar.is_empty() {
            return String::new();
        }
        let names: Vec<_> = self
            .similar
            .iter()
            .map(|name| format!("{name:?}"))
            .collect();
        format!("; similar names: {}", names.join(", "))
    }
}

impl fmt::Display for Explanations {
    /// Writes the kind and the requested name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.query)
    }
}
