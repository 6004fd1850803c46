//! The difference between two documents.

use std::cmp::Ordering;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::document::Document;
use crate::catalog::entity::Kind;
use crate::catalog::shape::Namespace;

/// Maximum number of listed entities for each kind of change.
pub const LISTED_CHANGES: usize = 1000;
/// Maximum size of the listed entity refs for each kind of change, in bytes. Names have no reliable
/// maximum length; with this limit the lists of 100 runs take less than 20 MB.
const LISTED_BYTES: usize = 64 << 10;

/// The number of entities that differ between two documents, and their refs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// Entities only in the new document.
    pub added: usize,
    /// Entities in both documents with different content.
    pub changed: usize,
    /// Entities only in the old document.
    pub removed: usize,
    /// Refs of these entities, up to the limits.
    pub refs: Arc<ChangedRefs>,
}

/// The first entities of each kind of change: groups, then users, each sorted by name.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedRefs {
    /// Entities only in the new document.
    pub added: RefList,
    /// Entities in both documents with different content.
    pub changed: RefList,
    /// Entities only in the old document.
    pub removed: RefList,
}

/// Entity refs such as `user:default/alice`, bounded in number and in bytes.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefList {
    /// One ref in each line: a single allocation for all refs.
    lines: String,
    listed: usize,
    total: usize,
}

impl Changes {
    /// Compares entity by entity; both documents are sorted, so one pass is enough.
    #[must_use]
    pub fn between(old: Option<&Document>, new: &Document) -> Self {
        if old.is_some_and(|old| old.digest() == new.digest()) {
            return Self::default();
        }
        let mut refs = ChangedRefs::default();
        match old.filter(|old| old.namespace() != new.namespace()) {
            // No entity has the same ref.
            Some(old) => {
                refs.removed.push_all(old);
                refs.added.push_all(new);
            }
            None => Kind::ALL
                .iter()
                .for_each(|kind| refs.compare(*kind, old, new)),
        }
        for list in [&mut refs.added, &mut refs.changed, &mut refs.removed] {
            list.lines.shrink_to_fit();
        }
        let [added, changed, removed] =
            [&refs.added, &refs.changed, &refs.removed].map(|list| list.total);
        Self {
            added,
            changed,
            removed,
            refs: Arc::new(refs),
        }
    }
}

impl ChangedRefs {
    /// Compares the entities of one kind.
    fn compare(&mut self, kind: Kind, old: Option<&Document>, new: &Document) {
        let namespace = new.namespace();
        let mut old = old
            .into_iter()
            .flat_map(|old| old.entities(Some(kind)))
            .peekable();
        let mut new = new.entities(Some(kind)).peekable();
        loop {
            let order = match (old.peek(), new.peek()) {
                (None, None) => break,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some((old, _)), Some((new, _))) => old.cmp(new),
            };
            let before = if order.is_le() { old.next() } else { None };
            let after = if order.is_ge() { new.next() } else { None };
            match (before, after) {
                (Some((name, _)), None) => self.removed.push(kind, namespace, name),
                (None, Some((name, _))) => self.added.push(kind, namespace, name),
                (Some((name, before)), Some((_, after))) if before != after => {
                    self.changed.push(kind, namespace, name);
                }
                _ => {}
            }
        }
    }
}

impl RefList {
    /// Returns the listed refs, in order.
    pub fn refs(&self) -> impl Iterator<Item = &str> {
        self.lines.lines()
    }

    /// Counts all entities of a document.
    fn push_all(&mut self, document: &Document) {
        for kind in Kind::ALL {
            for (name, _) in document.entities(Some(kind)) {
                self.push(kind, document.namespace(), name);
            }
        }
    }

    /// Counts an entity; lists it if the limits allow it and no earlier entity was left out.
    fn push(&mut self, kind: Kind, namespace: &Namespace, name: &str) {
        let entity_ref = format!("{kind}:{namespace}/{name}\n");
        let fits = self.lines.len() + entity_ref.len() <= LISTED_BYTES;
        if fits && self.listed == self.total && self.listed < LISTED_CHANGES {
            self.lines.push_str(&entity_ref);
            self.listed += 1;
        }
        self.total += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_thousand_are_listed_and_all_are_counted() {
        let mut list = RefList::default();
        for number in 0..LISTED_CHANGES + 5 {
            list.push(
                Kind::User,
                &Namespace::default(),
                &format!("user-{number:04}"),
            );
        }
        assert_eq!(
            (list.refs().count(), list.total),
            (LISTED_CHANGES, LISTED_CHANGES + 5)
        );
        assert_eq!(
            (list.refs().next(), list.refs().last()),
            (
                Some("user:default/user-0000"),
                Some("user:default/user-0999")
            )
        );
    }

    #[test]
    fn long_names_do_not_exceed_the_limit_in_bytes() {
        let mut list = RefList::default();
        for letter in ['a', 'b', 'c'] {
            list.push(
                Kind::Group,
                &Namespace::default(),
                &letter.to_string().repeat(LISTED_BYTES / 2 - 20),
            );
        }
        list.push(Kind::User, &Namespace::default(), "short");
        assert!(list.lines.len() <= LISTED_BYTES);
        assert_eq!(
            (list.refs().count(), list.total),
            (2, 4),
            "no entity is listed after one that was left out"
        );
    }
}
