//! JSON with preserved order of keys, to compare answers as text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// Lists of keys or rows whose order the real server does not guarantee.
const UNORDERED: [&str; 8] = [
    "users",
    "users_obj",
    "groups",
    "groups_obj",
    "parents",
    "parents_obj",
    "children",
    "children_obj",
];

/// A JSON value with the order of its keys.
#[derive(Clone, Debug, PartialEq)]
pub enum Ordered {
    Map(Vec<(String, Ordered)>),
    List(Vec<Ordered>),
    Scalar(String),
}

impl Ordered {
    /// Parses a text and sorts the lists without a guaranteed order.
    pub fn parse(text: &str) -> Self {
        serde_json::from_str::<Self>(text)
            .unwrap_or_else(|error| panic!("{error}: {text}"))
            .settled("")
    }

    fn settled(self, key: &str) -> Self {
        match self {
            Self::Map(entries) => Self::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.clone(), value.settled(&key)))
                    .collect(),
            ),
            Self::List(items) => {
                let mut items: Vec<_> = items.into_iter().map(|item| item.settled("")).collect();
                if UNORDERED.contains(&key) {
                    items.sort_by_key(|item| format!("{item:?}"));
                }
                Self::List(items)
            }
            scalar @ Self::Scalar(_) => scalar,
        }
    }
}

impl<'de> Deserialize<'de> for Ordered {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyJson)
    }
}

struct AnyJson;

impl<'de> Visitor<'de> for AnyJson {
    type Value = Ordered;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Ordered, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = map.next_entry()? {
            entries.push(entry);
        }
        Ok(Ordered::Map(entries))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Ordered, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Ordered::List(items))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Ordered, E> {
        Ok(Ordered::Scalar(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Ordered, E> {
        Ok(Ordered::Scalar(value.to_string()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Ordered, E> {
        Ok(Ordered::Scalar(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Ordered, E> {
        Ok(Ordered::Scalar(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Ordered, E> {
        Ok(Ordered::Scalar(format!("{value:?}")))
    }

    fn visit_unit<E>(self) -> Result<Ordered, E> {
        Ok(Ordered::Scalar("null".into()))
    }
}
