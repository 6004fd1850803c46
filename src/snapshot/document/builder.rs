//! Writes entities one after the other; what an earlier document has in the same words is copied.
//!
//! An entity's JSON follows from the [`Entity`] and from nothing else. So an equal one is not written
//! again. Equal is what has the same print: a hash (std's, keyed anew in every process, so that nobody can
//! aim at it) of everything in the entity. That two different ones share their 64 bits has to be feared
//! less than a fault of the machine.

use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::super::shard::{BUCKETS, bucket};
use super::{Document, SEPARATOR};
use crate::catalog::entity::{Entity, Kind};
use crate::catalog::escape::write_json;

/// Where an entity stands in a document, and what tells whether it is another by now.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: Box<str>,
    pub(super) json: Range<usize>,
    pub(super) bucket: u16,
    print: u64,
}

/// A document in the making.
pub(super) struct Writing<'p> {
    /// Hashes entities, as the earlier document had it done.
    pub(super) prints: RandomState,
    pub(super) bytes: Vec<u8>,
    pub(super) entries: Vec<Entry>,
    /// Whether a bucket has other entities than in the earlier document.
    pub(super) is_changed: Box<[bool]>,
    /// How many entities had to be written.
    pub(super) written: usize,
    /// Entries of the earlier document that were not passed yet.
    earlier: Option<(&'p Document, Range<usize>)>,
}

impl<'p> Writing<'p> {
    /// Begins beside an earlier document.
    pub(super) fn beside(earlier: Option<&'p Document>) -> Self {
        Self {
            prints: earlier.map_or_else(RandomState::new, |earlier| earlier.prints.clone()),
            bytes: Vec::with_capacity(earlier.map_or(0, |earlier| earlier.bytes.len())),
            entries: Vec::with_capacity(earlier.map_or(0, |earlier| earlier.entries.len())),
            is_changed: vec![earlier.is_none(); usize::from(BUCKETS)].into(),
            written: 0,
            earlier: earlier.map(|earlier| (earlier, 0..earlier.entries.len())),
        }
    }

    /// Appends an entity; they come in the order of the document.
    pub(super) fn add(&mut self, entity: &Entity<'_>) {
        let (kind, name) = (entity.kind, entity.metadata.name);
        let print = self.prints.hash_one(entity);
        let known = self.pass_up_to(kind, name);
        self.bytes.extend_from_slice(SEPARATOR);
        let start = self.bytes.len();
        let bucket = match known {
            Some((earlier, known)) if known.print == print => {
                self.bytes
                    .extend_from_slice(&earlier.bytes[known.json.clone()]);
                known.bucket
            }
            _ => {
                write_json(&mut self.bytes, entity);
                self.written += 1;
                let bucket = bucket(&format!("{kind}:default/{name}"));
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
            print,
        });
    }

    /// Passes all entries that were not passed yet.
    pub(super) fn pass_the_rest(&mut self) {
        let Some((earlier, left)) = &mut self.earlier else {
            return;
        };
        for gone in &earlier.entries[left.clone()] {
            self.is_changed[usize::from(gone.bucket)] = true;
        }
    }

    /// Passes the entries before a name, which are gone, and the one with that name, if there is one.
    fn pass_up_to(&mut self, kind: Kind, name: &str) -> Option<(&'p Document, &'p Entry)> {
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
