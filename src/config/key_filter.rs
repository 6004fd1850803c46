//! Selects the parts of a file to parse: the blocks of other programs are skipped.

use std::fmt;

use serde::de::{
    Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};
use serde_json::{Map, Value};

use super::expand::Directive;
use super::keys::BLOCKS;

/// The selected paths below a value. An empty path selects the whole value.
#[derive(Clone)]
pub(super) struct KeyFilter(Vec<Vec<String>>);

impl KeyFilter {
    /// Selects our two blocks.
    pub(super) fn blocks() -> Self {
        Self(
            BLOCKS
                .iter()
                .map(|block| block.split('.').map(str::to_owned).collect())
                .collect(),
        )
    }

    /// Selects everything.
    pub(super) fn all() -> Self {
        Self(vec![Vec::new()])
    }

    /// Returns the filter for the value of a key.
    pub(super) fn below(&self, key: &str) -> Self {
        if self.is_whole() {
            return self.clone();
        }
        let paths = self
            .0
            .iter()
            .filter(|path| path.first().is_some_and(|first| first == key));
        Self(paths.map(|path| path[1..].to_vec()).collect())
    }

    /// Returns the filter for a file that has the value at a path.
    pub(super) fn inside(&self, path: &[&str]) -> Self {
        let outer: Vec<String> = path.iter().map(|&part| part.to_owned()).collect();
        Self(
            self.0
                .iter()
                .map(|inner| [outer.clone(), inner.clone()].concat())
                .collect(),
        )
    }

    /// Returns true if nothing is selected.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn is_whole(&self) -> bool {
        self.0.iter().any(Vec::is_empty)
    }
}

impl<'de> DeserializeSeed<'de> for KeyFilter {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        if self.is_whole() {
            Value::deserialize(deserializer)
        } else {
            deserializer.deserialize_any(self)
        }
    }
}

impl<'de> Visitor<'de> for KeyFilter {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut selected = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            let below = self.below(&key);
            if Directive::is(&key) {
                selected.insert(key, map.next_value()?);
            } else if below.is_empty() {
                map.next_value::<IgnoredAny>()?;
            } else {
                selected.insert(key, map.next_value_seed(below)?);
            }
        }
        Ok(Value::Object(selected))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Value, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Value::Array(Vec::new()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }
}
