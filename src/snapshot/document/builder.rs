//! Builds a document from entities in order; copies the JSON of unchanged entities from an earlier
//! document.
//!
//! An entity's JSON depends on the [`Entity`] alone. Two entities with the same fingerprint count
//! as equal: a 64-bit hash of all fields, with std's random key of this process, so that a client
//! cannot construct a collision. An accidental collision is less likely than a hardware fault.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::super::shard::{BUCKETS, bucket};
use super::{Document, SEPARATOR};
use crate::catalog::entity::{Entity, Kind};
use crate::catalog::escape::write_json;
use crate::catalog::shape::Namespace;

/// The position of an entity in a document, and its fingerprint.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: Box<str>,
    pub(super) json: Range<usize>,
    pub(super) bucket: u16,
    pub(super) fingerprint: u64,
}

/// An unfinished document.
pub(super) struct DocumentBuilder<'p> {
    /// The hasher of the earlier document, so that fingerprints are comparable.
    pub(super) fingerprints: RandomState,
    pub(super) bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// Whether a bucket differs from the earlier document, by bucket.
    pub(super) is_changed: Box<[bool]>,
    /// The namespace of all entities.
    namespace: &'p Namespace,
    /// Number of rendered entities.
    pub(super) rendered: usize,
    /// The earlier document and its entries that were not compared yet.
    earlier: Option<(&'p Document, Range<usize>)>,
}

impl<'p> DocumentBuilder<'p> {
    /// Starts a document, with an earlier one to copy from.
    pub(super) fn after(earlier: Option<&'p Document>, namespace: &'p Namespace) -> Self {
        Self {
            fingerprints: earlier
                .map_or_else(RandomState::new, |earlier| earlier.fingerprints.clone()),
            bytes: Vec::with_capacity(earlier.map_or(0, |earlier| earlier.bytes.len())),
            entries: Vec::with_capacity(earlier.map_or(0, |earlier| earlier.entries.len())),
            is_changed: vec![earlier.is_none(); usize::from(BUCKETS)].into(),
            rendered: 0,
            namespace,
            earlier: earlier.map(|earlier| (earlier, 0..earlier.entries.len())),
        }
    }

    /// Appends an entity; the caller adds entities in the order of the document.
    pub(super) fn add(&mut self, entity: &Entity<'_>) {
        let (kind, name) = (entity.kind, entity.metadata.name);
        let fingerprint = self.fingerprints.hash_one(entity);
        let same_name = self.skip_to(kind, name);
        self.bytes.extend_from_slice(SEPARATOR);
        let start = self.bytes.len();
        let bucket = match same_name {
            Some((earlier, same_name)) if same_name.fingerprint == fingerprint => {
                self.bytes
                    .extend_from_slice(&earlier.bytes[same_name.json.clone()]);
                same_name.bucket
            }
            other => {
                if let Some((_, earlier)) = other {
                    self.is_changed[usize::from(earlier.bucket)] = true;
                }
                write_json(&mut self.bytes, entity);
                self.rendered += 1;
                let bucket = bucket(&format!("{kind}:{}/{name}", self.namespace));
                self.is_changed[usize::from(bucket)] = true;
                bucket
            }
        };
        let json = start..self.bytes.len();
        self.bytes.push(b'\n');
        self.entries.push(Entry {
            name: name.into(),
            json,
            bucket,
            fingerprint,
        });
    }

    /// Marks the buckets of all remaining earlier entries as changed: their entities were removed.
    pub(super) fn end_earlier(&mut self) {
        let Some((earlier, left)) = &mut self.earlier else {
            return;
        };
        for gone in &earlier.entries[left.clone()] {
            self.is_changed[usize::from(gone.bucket)] = true;
        }
    }

    /// Skips earlier entries before a name, which were removed, and returns the entry with that
    /// name.
    fn skip_to(&mut self, kind: Kind, name: &str) -> Option<(&'p Document, &'p Entry)> {
        let (earlier, left) = self.earlier.as_mut()?;
        let earlier: &'p Document = earlier;
        while let Some(entry) = earlier.entries.get(left.start) {
            let order = (earlier.kind_at(left.start), &*entry.name).cmp(&(kind, name));
            if order.is_gt() {
                return None;
            }
            left.start += 1;
            if order.is_eq() {
                return Some((earlier, entry));
            }
            self.is_changed[usize::from(entry.bucket)] = true;
        }
        None
    }
}
