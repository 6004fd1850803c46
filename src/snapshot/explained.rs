//! The explanation of a user or group: its entity, or why there is none.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalog::entity::Kind;
use crate::catalog::explain::{Explanation, explain};
use crate::catalog::plan::{Names, Plan};
use crate::catalog::policy::Policy;
use crate::directory::Directory;

/// The explanation of a user or group: its entity, or why there is none.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Explained {
    /// `user` or `group`.
    pub kind: String,
    /// The requested name or pk.
    pub asked: String,
    /// Every matching row, ordered by pk.
    pub matches: Vec<Explanation>,
}

impl Explained {
    /// Plans the entities of a directory and explains the matching rows.
    ///
    /// With the names of a snapshot, the plan equals that of the snapshot.
    #[must_use]
    pub fn of(
        directory: &Directory,
        policy: &Policy,
        held: &Names,
        kind: Kind,
        asked: String,
    ) -> Self {
        let matches = explain(&Plan::new(directory, policy, held), kind, &asked);
        Self {
            kind: kind.to_string(),
            asked,
            matches,
        }
    }
}

impl fmt::Display for Explained {
    /// Writes the kind and the requested name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.kind, self.asked)
    }
}
