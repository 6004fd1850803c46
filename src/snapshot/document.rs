//! All entities of a snapshot as one body, with an index.

mod builder;
mod parse;

use std::hash::RandomState;
use std::ops::Range;

use bytes::Bytes;

use super::buckets::Buckets;
use super::shard::Shard;
use crate::catalog::entity::Kind;
use crate::catalog::plan::Plan;
use crate::catalog::shape::Namespace;
use crate::digest::sha256_hex;
use builder::{DocumentBuilder, Entry};
pub use parse::InvalidDocument;

/// Precedes each entity. Backstage's URL location reads several JSON entities from one body only if
/// they are documents after `---` (`parseEntityYaml`).
pub(super) const SEPARATOR: &[u8] = b"---\n";

/// JSON documents, each after a `---` line: groups, then users, each sorted by name.
#[derive(Clone, Debug)]
pub struct Document {
    bytes: Bytes,
    entries: Vec<Entry>,
    groups: usize,
    digest: Box<str>,
    buckets: Buckets,
    fingerprints: RandomState,
    rendered: usize,
    namespace: Namespace,
}

impl Document {
    /// Renders the entities of a plan. Copies unchanged entities from an earlier document; the
    /// result is the same without it.
    #[must_use]
    pub fn render(plan: &Plan<'_>, earlier: Option<&Self>) -> Self {
        let mut builder = DocumentBuilder::after(earlier, plan.namespace());
        for entity in plan.entities() {
            builder.add(&entity);
        }
        builder.end_earlier();
        let DocumentBuilder {
            fingerprints,
            mut bytes,
            entries,
            is_changed,
            rendered,
            ..
        } = builder;
        bytes.shrink_to_fit();
        let digest = sha256_hex(&bytes, 32).into();
        let unchanged = |bucket: usize| {
            earlier
                .filter(|_| !is_changed[bucket])
                .map(|earlier| &earlier.buckets)
        };
        let of_entries: Vec<u16> = entries.iter().map(|entry| entry.bucket).collect();
        let buckets = Buckets::new(
            &of_entries,
            |at| &bytes[entries[at].json.clone()],
            unchanged,
        );
        let groups = plan.count(Kind::Group);
        Self {
            bytes: bytes.into(),
            entries,
            groups,
            digest,
            buckets,
            fingerprints,
            rendered,
            namespace: plan.namespace().clone(),
        }
    }

    /// Returns the number of entities that were rendered instead of copied.
    #[must_use]
    pub fn rendered(&self) -> usize {
        self.rendered
    }

    /// Returns the namespace of all entities.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Returns the body; it starts with a separator unless it is empty.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Returns a hash of the body in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the number of entities of a kind.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.range(kind).len()
    }

    /// Returns the part of the body with one kind.
    #[must_use]
    pub fn part(&self, kind: Kind) -> Bytes {
        let start = |entry: &Entry| entry.json.start - SEPARATOR.len();
        let boundary = self
            .entries
            .get(self.groups)
            .map_or(self.bytes.len(), start);
        match kind {
            Kind::Group => self.bytes.slice(..boundary),
            Kind::User => self.bytes.slice(boundary..),
        }
    }

    /// Returns the name and JSON of each entity, of one kind or of all, in the order of the body.
    pub fn entities(&self, kind: Option<Kind>) -> impl Iterator<Item = (&str, &[u8])> {
        let range = self.range_or_all(kind);
        self.entries[range]
            .iter()
            .map(|entry| (&*entry.name, &self.bytes[entry.json.clone()]))
    }

    /// Returns the number of entities of one kind or of all, in one shard or in all.
    #[must_use]
    pub fn count_in(&self, shard: Option<Shard>, kind: Option<Kind>) -> usize {
        match (shard, kind) {
            (Some(shard), None) => self.buckets.count(shard),
            (Some(shard), kind) => self.shard(shard, kind).count(),
            (None, kind) => self.range_or_all(kind).len(),
        }
    }

    /// Returns the JSON of each entity of a shard, of one kind or of all, in the order of the body.
    pub fn shard(&self, shard: Shard, kind: Option<Kind>) -> impl Iterator<Item = &[u8]> {
        let range = self.range_or_all(kind);
        let entries = self
            .buckets
            .entries(shard)
            .into_iter()
            .filter(move |at| range.contains(at));
        entries.map(|at| &self.bytes[self.entries[at].json.clone()])
    }

    /// Returns a hash of a shard's content in hexadecimal digits.
    #[must_use]
    pub fn shard_digest(&self, shard: Shard) -> String {
        self.buckets.digest(shard)
    }

    /// Returns the JSON of the entity with this kind and name; a binary search.
    #[must_use]
    pub fn entity(&self, kind: Kind, name: &str) -> Option<Bytes> {
        let entries = &self.entries[self.range(kind)];
        let at = entries
            .binary_search_by(|entry| (*entry.name).cmp(name))
            .ok()?;
        Some(self.bytes.slice(entries[at].json.clone()))
    }

    /// Returns the kind of the entity at a position.
    fn kind_at(&self, at: usize) -> Kind {
        if at < self.groups {
            Kind::Group
        } else {
            Kind::User
        }
    }

    /// Returns the positions of one kind or of all.
    fn range_or_all(&self, kind: Option<Kind>) -> Range<usize> {
        kind.map_or(0..self.entries.len(), |kind| self.range(kind))
    }

    /// Returns the positions of one kind.
    fn range(&self, kind: Kind) -> Range<usize> {
        match kind {
            Kind::Group => 0..self.groups,
            Kind::User => self.groups..self.entries.len(),
        }
    }
}
