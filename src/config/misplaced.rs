//! Finds our blocks in the wrong place of a file: with another spelling, a level too deep or too high.
//!
//! Other programs may use the same names, so a mapping counts as one of our blocks only if it also has one
//! of the block's keys.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::error::ConfigError;
use super::file;
use super::keys::{self, AUTHENTIK, BLOCKS, SERVICE};
use super::tree::ValueSource;

/// The number of searched levels: one more than our deepest block, and its keys.
const LEVELS: usize = 5;

/// The names in a file, level by level, without values.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Outline(BTreeMap<String, Outline>);

/// One of our blocks in a wrong place.
#[derive(Clone, Debug)]
pub(super) struct Misplaced {
    source: ValueSource,
    path: String,
    /// The block.
    pub(super) owner: &'static str,
    /// The paths of its keys in the right place.
    pub(super) keys: Vec<String>,
}

impl Misplaced {
    /// Finds all of them in the text of a file. Returns none if it cannot be parsed, which is another error.
    pub(super) fn in_file(text: &str, source: &ValueSource) -> Vec<Self> {
        let outline = file::yaml(text, OutlineSeed(LEVELS)).unwrap_or_default();
        outline.misplaced(source, &[])
    }

    /// Finds all of them in an `APP_CONFIG_*` variable.
    pub(super) fn in_variable(path: &[&str], value: &Value, source: &ValueSource) -> Vec<Self> {
        let below = OutlineSeed(LEVELS).deserialize(value).unwrap_or_default();
        let outline = path.iter().rev().fold(below, |below, name| {
            Outline(BTreeMap::from([((*name).to_owned(), below)]))
        });
        outline.misplaced(source, &[])
    }

    /// Returns true if its keys have no effect. A block `authentik` may belong to another plugin, so it counts
    /// only if no file has our block and one of its keys is not set in the right place.
    pub(super) fn is_lost(&self, has_block: bool, is_set: impl Fn(&str) -> bool) -> bool {
        self.owner != AUTHENTIK || (!has_block && self.keys.iter().any(|key| !is_set(key)))
    }

    /// Returns the error.
    pub(super) fn error(&self) -> ConfigError {
        ConfigError::MisplacedBlock {
            place: self.source.place(&self.path),
            owner: self.owner,
        }
    }
}

impl Outline {
    fn misplaced(&self, source: &ValueSource, above: &[&str]) -> Vec<Misplaced> {
        let found = self.0.iter().flat_map(|(name, below)| {
            let path = [above, &[name]].concat();
            let joined = path.join(".");
            if path.len() >= LEVELS || BLOCKS.contains(&joined.as_str()) {
                return Vec::new();
            }
            match owner(name, above, below) {
                Some(owner) => vec![Misplaced {
                    source: source.clone(),
                    path: joined,
                    owner,
                    keys: below.keys_of(owner),
                }],
                None => below.misplaced(source, &path),
            }
        });
        found.collect()
    }

    fn keys_of(&self, block: &str) -> Vec<String> {
        keys_of(block, self.0.keys())
    }
}

/// Returns the paths of those names that are keys or sections of a block.
pub(super) fn keys_of<'a>(block: &str, names: impl Iterator<Item = &'a String>) -> Vec<String> {
    let known = keys::children(block);
    let names = names.filter(|name| known.contains(&name.as_str()));
    names.map(|name| format!("{block}.{name}")).collect()
}

/// Returns the block that a mapping probably should be.
fn owner(name: &str, above: &[&str], below: &Outline) -> Option<&'static str> {
    BLOCKS.into_iter().find(|block| {
        let (parent, last) = block.rsplit_once('.').unwrap_or(("", block));
        let is_beside = above.join(".") == parent;
        let is_ours = !below.keys_of(block).is_empty();
        // No other program uses the name of our block.
        let is_spelling = is_same_name(name, last) && (is_ours || (is_beside && *block == SERVICE));
        is_spelling || (is_ours && is_beside && keys::nearest(name, [last]).is_some())
    })
}

/// Returns true if two names differ only in case and separators.
pub(super) fn is_same_name(one: &str, other: &str) -> bool {
    let letters = |name: &str| -> String {
        let letters = name.chars().filter(|letter| letter.is_alphanumeric());
        letters.flat_map(char::to_lowercase).collect()
    };
    letters(one) == letters(other)
}

/// Collects names up to a depth.
#[derive(Clone, Copy)]
struct OutlineSeed(usize);

impl<'de> DeserializeSeed<'de> for OutlineSeed {
    type Value = Outline;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Outline, D::Error> {
        if self.0 == 0 {
            deserializer.deserialize_ignored_any(IgnoredAny)?;
            return Ok(Outline::default());
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for OutlineSeed {
    type Value = Outline;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Outline, A::Error> {
        let mut names = BTreeMap::new();
        // Blocks of other programs may have keys of any type.
        while let Some(name) = map.next_key::<Value>()? {
            let below = map.next_value_seed(Self(self.0 - 1))?;
            if let Value::String(name) = name {
                names.insert(name, below);
            }
        }
        Ok(Outline(names))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Outline, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Outline::default())
    }

    fn visit_unit<E>(self) -> Result<Outline, E> {
        Ok(Outline::default())
    }

    fn visit_bool<E>(self, _: bool) -> Result<Outline, E> {
        Ok(Outline::default())
    }

    fn visit_i64<E>(self, _: i64) -> Result<Outline, E> {
        Ok(Outline::default())
    }

    fn visit_u64<E>(self, _: u64) -> Result<Outline, E> {
        Ok(Outline::default())
    }

    fn visit_f64<E>(self, _: f64) -> Result<Outline, E> {
        Ok(Outline::default())
    }

    fn visit_str<E>(self, _: &str) -> Result<Outline, E> {
        Ok(Outline::default())
    }
}
