//! Assigns entities to shards; the rule is published and never changes.
//!
//! The hash of an entity is the first four bytes of the SHA-256 of its ref in lower case
//! (`user:default/alice`), big-endian. The shard is the hash modulo K. K is a power of two up to
//! [`BUCKETS`], so the lowest ten bits, the bucket, suffice for every K: shard i of K contains the
//! buckets b with b mod K = i. Order, size and pk have no influence: an entity must never move to
//! another URL.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::Deserialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::document::Document;
use crate::digest::sha256;

/// Number of buckets and maximum number of shards. At Backstage's best size of 250 to 500 entities
/// in a shard, this suffices for 250,000 entities.
pub const BUCKETS: u16 = 1024;

/// The number of shards: a power of two up to [`BUCKETS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct ShardCount(u16);

/// One part of the entities, written `i/K` with `i` from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(try_from = "String")]
pub struct Shard {
    index: u16,
    of: ShardCount,
}

/// The reason why a text is not a shard.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ShardError {
    /// The text is not two plain decimal numbers.
    #[error("expected i/K, such as `0/64`, in digits without leading zeros")]
    Shape,
    /// The number of shards is not a power of two in range.
    #[error("the number of shards, K, must be a power of two from 1 to {BUCKETS}, such as `64`")]
    Count,
    /// The shard's number is too large.
    #[error("shard numbers start at 0: the last of {0} shards is `{last}/{0}`", last = .0.0 - 1)]
    Index(ShardCount),
}

impl PartialSchema for ShardCount {
    fn schema() -> RefOr<Schema> {
        let counts = (0..=BUCKETS.ilog2()).map(|exponent| 1_u16 << exponent);
        ObjectBuilder::new()
            .schema_type(Type::Integer)
            .enum_values(Some(counts))
            .into()
    }
}

impl ToSchema for ShardCount {}

impl ShardCount {
    /// Returns all shards, in order.
    #[must_use]
    pub fn shards(self) -> impl ExactSizeIterator<Item = Shard> {
        (0..self.0).map(move |index| Shard { index, of: self })
    }
}

impl Shard {
    /// Returns the number of the shard, from 0.
    #[must_use]
    pub fn index(self) -> u16 {
        self.index
    }

    /// Returns the number of shards.
    #[must_use]
    pub fn of(self) -> ShardCount {
        self.of
    }

    /// Returns true if this is the only shard, which contains all entities.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.of.0 == 1
    }

    /// Returns the buckets of the shard.
    pub fn buckets(self) -> impl Iterator<Item = usize> {
        (self.index..BUCKETS)
            .step_by(self.of.0.into())
            .map(usize::from)
    }
}

/// Returns the bucket of an entity ref such as `user:default/alice`; case-insensitive.
#[must_use]
pub fn bucket(entity_ref: &str) -> u16 {
    let digest = sha256([entity_ref.to_lowercase().as_bytes()]);
    // Only the lowest ten bits of the first four bytes matter.
    u16::from_be_bytes([digest[2], digest[3]]) % BUCKETS
}

/// Returns the shards that differ between two documents; all of them without an old document.
#[must_use]
pub fn changed_shards(old: Option<&Document>, new: &Document, of: ShardCount) -> Vec<Shard> {
    let differs =
        |shard: &Shard| old.is_none_or(|old| old.shard_digest(*shard) != new.shard_digest(*shard));
    of.shards().filter(differs).collect()
}

impl Display for ShardCount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for ShardCount {
    type Err = ShardError;

    /// Parses the one spelling that [`Display`] writes.
    fn from_str(text: &str) -> Result<Self, ShardError> {
        let count = number(text).filter(|count| *count <= BUCKETS && count.is_power_of_two());
        count.map(Self).ok_or(ShardError::Count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    /// Parses the one spelling that [`Display`] writes; another spelling would be another URL.
    fn from_str(text: &str) -> Result<Self, ShardError> {
        let (index, of) = text.split_once('/').ok_or(ShardError::Shape)?;
        let (index, _) = number(index).zip(number(of)).ok_or(ShardError::Shape)?;
        let of: ShardCount = of.parse()?;
        if index < of.0 {
            Ok(Self { index, of })
        } else {
            Err(ShardError::Index(of))
        }
    }
}

impl TryFrom<String> for ShardCount {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Self, ShardError> {
        text.parse()
    }
}

impl TryFrom<String> for Shard {
    type Error = ShardError;

    fn try_from(text: String) -> Result<Self, ShardError> {
        text.parse()
    }
}

/// Parses a number without a sign or leading zeros.
fn number(text: &str) -> Option<u16> {
    text.parse()
        .ok()
        .filter(|number: &u16| number.to_string() == text)
}

#[cfg(test)]
mod tests;
