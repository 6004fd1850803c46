//! Which part of the entities belongs under which URL; the rule is published and never changes.
//!
//! The first four bytes of the SHA-256 of an entity's ref in lower case (`user:default/alice`) are a
//! number, the most significant byte first. Modulo K it is the shard. K is a power of two up to
//! [`BUCKETS`], so the lowest ten bits, the bucket, decide for every K: shard i of K is the buckets b
//! with b mod K = i. Backstage must never see an entity move to another URL, so nothing else counts:
//! no order, no size, no pk.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::Deserialize;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::document::Document;
use crate::digest::sha256;

/// How many buckets there are, which is also the largest number of shards. At Backstage's best size of
/// 250 to 500 entities a shard this is enough for a quarter of a million.
pub const BUCKETS: u16 = 1024;

/// Into how many shards the entities are divided: a power of two up to [`BUCKETS`].
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

/// Why a text names no shard.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ShardError {
    /// Not two numbers as they are written in target URLs.
    #[error("expected i/K, such as `0/64`, in digits without leading zeros")]
    Shape,
    /// The number of shards is not one of those that there are.
    #[error("the number of shards, K, must be a power of two from 1 to {BUCKETS}, such as `64`")]
    Count,
    /// The shard's number is too high.
    #[error("shards are counted from 0, so that the last one of {0} is `{last}/{0}`", last = .0.0 - 1)]
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
    /// All shards, in the order of their numbers.
    #[must_use]
    pub fn shards(self) -> impl ExactSizeIterator<Item = Shard> {
        (0..self.0).map(move |index| Shard { index, of: self })
    }
}

impl Shard {
    /// The number of the shard, from 0.
    #[must_use]
    pub fn index(self) -> u16 {
        self.index
    }

    /// How many shards there are beside it and with it.
    #[must_use]
    pub fn of(self) -> ShardCount {
        self.of
    }

    /// Whether this is the only shard and so the same as no shard.
    #[must_use]
    pub fn is_whole(self) -> bool {
        self.of.0 == 1
    }

    /// The buckets that belong to it.
    pub fn buckets(self) -> impl Iterator<Item = usize> {
        (self.index..BUCKETS)
            .step_by(self.of.0.into())
            .map(usize::from)
    }
}

/// The bucket of an entity ref such as `user:default/alice`; case does not matter.
#[must_use]
pub fn bucket(entity_ref: &str) -> u16 {
    let digest = sha256([entity_ref.to_lowercase().as_bytes()]);
    // Of the first four bytes only the lowest ten bits count.
    u16::from_be_bytes([digest[2], digest[3]]) % BUCKETS
}

/// The shards whose entities differ between two documents; all of them if there was none before.
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

    /// Reads the one spelling that [`Display`] writes.
    fn from_str(text: &str) -> Result<Self, ShardError> {
        let count = number(text).filter(|count| *count <= BUCKETS && count.is_power_of_two());
        count.map(Self).ok_or(ShardError::Count)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    /// Reads the one spelling that [`Display`] writes: another one would be another URL.
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

/// A number in digits without a sign or leading zeros.
fn number(text: &str) -> Option<u16> {
    text.parse()
        .ok()
        .filter(|number: &u16| number.to_string() == text)
}

#[cfg(test)]
mod tests;
