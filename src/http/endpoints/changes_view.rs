//! How the changes of a run are shown.

use serde::Serialize;
use utoipa::ToSchema;

use crate::snapshot::changes::{ChangedRefs, RefList};

/// The entities that a run added, changed and removed, as entity refs.
///
/// Groups, then users, each sorted by name; at most 1000 a list and 64 KiB, `added`, `changed` and
/// `removed` of the run have the whole numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangesView {
    /// Entities that the snapshot before lacked.
    #[schema(example = json!(["user:default/alice.smith"]))]
    added: Vec<String>,
    /// Entities that differ from the snapshot before.
    #[schema(example = json!(["group:default/engineers"]))]
    changed: Vec<String>,
    /// Entities that only the snapshot before had.
    #[schema(example = json!(["user:default/bob"]))]
    removed: Vec<String>,
}

impl From<&ChangedRefs> for ChangesView {
    fn from(refs: &ChangedRefs) -> Self {
        let list = |list: &RefList| list.refs().map(str::to_owned).collect();
        Self {
            added: list(&refs.added),
            changed: list(&refs.changed),
            removed: list(&refs.removed),
        }
    }
}
