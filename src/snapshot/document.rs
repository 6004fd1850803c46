//! All entities of a snapshot as one body, and where each of them stands in it.

use std::ops::Range;

use bytes::Bytes;

use super::buckets::Buckets;
use super::shard::{Shard, bucket};
use crate::catalog::entity::{Entity, Kind};
use crate::catalog::escape::write_json;
use crate::catalog::plan::Plan;
use crate::digest::sha256_hex;

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
}

/// Where an entity stands in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Entry {
    name: Box<str>,
    json: Range<usize>,
}

impl Document {
    /// Renders the entities of a plan.
    #[must_use]
    pub fn render(plan: &Plan<'_>) -> Self {
        let mut bytes = Vec::new();
        let (entries, buckets): (Vec<_>, Vec<_>) =
            plan.entities().map(|entity| (write(&mut bytes, &entity), bucket_of(&entity))).unzip();
        bytes.shrink_to_fit();
        let digest = sha256_hex(&bytes, 32).into();
        let buckets = Buckets::new(&buckets, |at: usize| &bytes[entries[at].json.clone()]);
        Self { bytes: bytes.into(), entries, groups: plan.count(Kind::Group), digest, buckets }
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
        let boundary = self.entries.get(self.groups).map_or(self.bytes.len(), Entry::start);
        match kind {
            Kind::Group => self.bytes.slice(..boundary),
            Kind::User => self.bytes.slice(boundary..),
        }
    }

    /// Each entity of a kind, or of all, as a name and its JSON, in the order of the body.
    pub fn entities(&self, kind: Option<Kind>) -> impl Iterator<Item = (&str, &[u8])> {
        let range = self.range_or_all(kind);
        self.entries[range].iter().map(|entry| (&*entry.name, &self.bytes[entry.json.clone()]))
    }

    /// The JSON of each entity of a shard, of one kind or of all, in the order of the body.
    pub fn shard(&self, shard: Shard, kind: Option<Kind>) -> impl Iterator<Item = &[u8]> {
        let range = self.range_or_all(kind);
        let entries = self.buckets.entries(shard).into_iter().filter(move |at| range.contains(at));
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
        let at = entries.binary_search_by(|entry| (*entry.name).cmp(name)).ok()?;
        Some(self.bytes.slice(entries[at].json.clone()))
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

impl Entry {
    /// Where the separator before the entity begins.
    fn start(&self) -> usize {
        self.json.start - SEPARATOR.len()
    }
}

/// Appends an entity and says where it stands.
fn write(bytes: &mut Vec<u8>, entity: &Entity<'_>) -> Entry {
    bytes.extend_from_slice(SEPARATOR);
    let start = bytes.len();
    write_json(bytes, entity);
    let json = start..bytes.len();
    bytes.push(b'\n');
    Entry { name: entity.metadata.name.into(), json }
}

/// The bucket that an entity's ref belongs to.
fn bucket_of(entity: &Entity<'_>) -> u16 {
    bucket(&format!("{}:default/{}", entity.kind, entity.metadata.name))
}
