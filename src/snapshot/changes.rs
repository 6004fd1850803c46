//! What one document has that another lacks.

use std::cmp::Ordering;

use super::document::Document;
use crate::catalog::entity::Kind;

/// How many entities differ between two documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Entities that the old document lacks.
    pub added: usize,
    /// Entities that stand in both and differ.
    pub changed: usize,
    /// Entities that the new document lacks.
    pub removed: usize,
}

impl Changes {
    /// Compares entity by entity; both documents are sorted, so one pass is enough.
    #[must_use]
    pub fn between(old: Option<&Document>, new: &Document) -> Self {
        let mut changes = Self::default();
        for kind in [Kind::Group, Kind::User] {
            let mut old = old.into_iter().flat_map(|old| old.entities(Some(kind))).peekable();
            let mut new = new.entities(Some(kind)).peekable();
            loop {
                let order = match (old.peek(), new.peek()) {
                    (None, None) => break,
                    (None, Some(_)) => Ordering::Greater,
                    (Some(_), None) => Ordering::Less,
                    (Some((old, _)), Some((new, _))) => old.cmp(new),
                };
                match order {
                    Ordering::Less => changes.removed += usize::from(old.next().is_some()),
                    Ordering::Greater => changes.added += usize::from(new.next().is_some()),
                    Ordering::Equal => changes.changed += usize::from(old.next() != new.next()),
                }
            }
        }
        changes
    }
}
