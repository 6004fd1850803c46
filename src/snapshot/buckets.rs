//! An index from buckets to entries of a document, and a digest of each bucket.

use super::shard::{BUCKETS, Shard};
use crate::digest::{hex, sha256};

/// Finds the entries of a shard without a scan of the document.
#[derive(Clone, Debug)]
pub(super) struct Buckets {
    /// Start of each bucket in `entries`, then the end of the last one.
    starts: Box<[usize]>,
    /// Positions of entries in the document: bucket after bucket, ascending within a bucket.
    entries: Box<[usize]>,
    /// The SHA-256 of each bucket's entities as NDJSON.
    digests: Box<[[u8; 32]]>,
}

impl Buckets {
    /// Groups entries by bucket; `json` returns an entry's bytes, `unchanged` an index that already
    /// has the digest of a bucket.
    pub(super) fn new<'a>(
        of_entries: &[u16],
        json: impl Fn(usize) -> &'a [u8],
        unchanged: impl Fn(usize) -> Option<&'a Self>,
    ) -> Self {
        let starts = starts(of_entries);
        let mut next = starts.clone();
        let mut entries = vec![0; of_entries.len()].into_boxed_slice();
        for (at, bucket) in of_entries.iter().enumerate() {
            let place = &mut next[usize::from(*bucket)];
            entries[*place] = at;
            *place += 1;
        }
        let digests = starts.windows(2).enumerate().map(|(bucket, bounds)| {
            let of_bucket = entries[bounds[0]..bounds[1]].iter();
            let digest = || sha256(of_bucket.flat_map(|at| [json(*at), b"\n"]));
            unchanged(bucket).map_or_else(digest, |earlier| earlier.digests[bucket])
        });
        Self {
            digests: digests.collect(),
            starts,
            entries,
        }
    }

    /// Returns the positions of a shard's entries, ascending.
    pub(super) fn entries(&self, shard: Shard) -> Vec<usize> {
        let buckets = shard
            .buckets()
            .map(|bucket| &self.entries[self.starts[bucket]..self.starts[bucket + 1]]);
        let mut entries: Vec<_> = buckets.flatten().copied().collect();
        entries.sort_unstable();
        entries
    }

    /// Returns the number of entries of a shard.
    pub(super) fn count(&self, shard: Shard) -> usize {
        let lengths = shard
            .buckets()
            .map(|bucket| self.starts[bucket + 1] - self.starts[bucket]);
        lengths.sum()
    }

    /// Returns a hash of a shard's content in hexadecimal digits.
    pub(super) fn digest(&self, shard: Shard) -> String {
        hex(
            &sha256(
                shard
                    .buckets()
                    .map(|bucket| self.digests[bucket].as_slice()),
            ),
            32,
        )
    }
}

/// Returns the start of each bucket, then the end of the last one.
fn starts(of_entries: &[u16]) -> Box<[usize]> {
    let mut starts = vec![0; usize::from(BUCKETS) + 1].into_boxed_slice();
    for bucket in of_entries {
        starts[usize::from(*bucket) + 1] += 1;
    }
    for bucket in 1..starts.len() {
        starts[bucket] += starts[bucket - 1];
    }
    starts
}
