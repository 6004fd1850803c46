//! The changes of a run in JSON.

use serde::Serialize;
use utoipa::ToSchema;

use crate::snapshot::changes::{ChangedRefs, RefList};

/// The entities that a run added, changed and removed, as entity refs.
///
/// Groups, then users, each sorted by name. A list has at most 1000 refs and 64 KiB; `added`,
/// `changed` and `removed` of the run have the total numbers.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ChangesView {
    /// Entities that are not in the previous snapshot.
    #[schema(example = json!(["user:default/alice.smith"]))]
    added: Vec<String>,
    /// Entities that differ from the previous snapshot.
    #[schema(example = json!(["group:default/engineers"]))]
    changed: Vec<String>,
    /// Entities that are only in the previous snapshot.
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
