//! All entities of a snapshot as one body, and where each of them stands in it.

mod writing;

use std::hash::RandomState;
use std::ops::Range;

use bytes::Bytes;

use super::buckets::Buckets;
use super::shard::Shard;
use crate::catalog::entity::Kind;
use crate::catalog::plan::Plan;
use crate::digest::sha256_hex;
use writing::{Entry, Writing};

/// Stands before each entity: JSON documents after `---` are the only JSON that Backstage's URL
/// location reads as several entities (`parseEntityYaml`).
pub(super) const SEPARATOR: &[u8] = b"---\n";

/// JSON documents, each after a `---` line: groups, then users, each sorted by name.
#[derive(Clone, Debug)]
pub struct Document {
    bytes: Bytes,
    entries: Vec<Entry>,
    groups: usize,
    digest: Box<str>,
    buckets: Buckets,
    prints: RandomState,
    written: usize,
}

impl Document {
    /// Renders the entities of a plan, and takes from an earlier document what stands there already: the
    /// outcome is the same with it and without.
    #[must_use]
    pub fn render(plan: &Plan<'_>, earlier: Option<&Self>) -> Self {
        let mut writing = Writing::beside(earlier);
        for entity in plan.entities() {
            writing.add(&entity);
        }
        writing.pass_the_rest();
        let Writing {
            prints,
            mut bytes,
            entries,
            is_changed,
            written,
            ..
        } = writing;
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
            prints,
            written,
        }
    }

    /// How many entities were written and not taken from the earlier document.
    #[must_use]
    pub fn written(&self) -> usize {
        self.written
    }

    /// The body; it begins with a separator unless it is empty.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// A hash of the body in hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How many entities of a kind there are.
    #[must_use]
    pub fn count(&self, kind: Kind) -> usize {
        self.range(kind).len()
    }

    /// The part of the body that holds one kind.
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

    /// Each entity of a kind, or of all, as a name and its JSON, in the order of the body.
    pub fn entities(&self, kind: Option<Kind>) -> impl Iterator<Item = (&str, &[u8])> {
        let range = self.range_or_all(kind);
        self.entries[range]
            .iter()
            .map(|entry| (&*entry.name, &self.bytes[entry.json.clone()]))
    }

    /// The JSON of each entity of a shard, of one kind or of all, in the order of the body.
    pub fn shard(&self, shard: Shard, kind: Option<Kind>) -> impl Iterator<Item = &[u8]> {
        let range = self.range_or_all(kind);
        let entries = self
            .buckets
            .entries(shard)
            .into_iter()
            .filter(move |at| range.contains(at));
        entries.map(|at| &self.bytes[self.entries[at].json.clone()])
    }

    /// A hash of a shard's content in hexadecimal digits.
    #[must_use]
    pub fn shard_digest(&self, shard: Shard) -> String {
        self.buckets.digest(shard)
    }

    /// The JSON of the entity of a kind with a name; a binary search.
    #[must_use]
    pub fn entity(&self, kind: Kind, name: &str) -> Option<Bytes> {
        let entries = &self.entries[self.range(kind)];
        let at = entries
            .binary_search_by(|entry| (*entry.name).cmp(name))
            .ok()?;
        Some(self.bytes.slice(entries[at].json.clone()))
    }

    /// The kind of the entity at a place.
    fn kind_at(&self, at: usize) -> Kind {
        if at < self.groups {
            Kind::Group
        } else {
            Kind::User
        }
    }

    /// Where the entries of a kind, or all of them, stand.
    fn range_or_all(&self, kind: Option<Kind>) -> Range<usize> {
        kind.map_or(0..self.entries.len(), |kind| self.range(kind))
    }

    /// Where the entries of a kind stand.
    fn range(&self, kind: Kind) -> Range<usize> {
        match kind {
            Kind::Group => 0..self.groups,
            Kind::User => self.groups..self.entries.len(),
        }
    }
}
