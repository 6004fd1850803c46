//! Parses the parameters of a query strictly, with error messages of its own.

use std::borrow::Cow;
use std::fmt;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::value::{MapDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use url::form_urlencoded;

use super::error::ApiError;

/// Extracts the parameters of a query as a struct with one field for each.
#[derive(Debug)]
pub struct Query<T>(pub T);

impl<T: DeserializeOwned, S: Sync> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        read(parts.uri.query().unwrap_or_default()).map(Self)
    }
}

/// Parses a query. Every parameter must be known and must occur once.
fn read<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    let pairs =
        form_urlencoded::parse(query.as_bytes()).map(|(name, text)| (name, ParameterValue(text)));
    let parsed = serde_path_to_error::deserialize(MapDeserializer::new(pairs));
    parsed.map_err(|error| {
        ApiError::Query(match error.inner() {
            Fault::Name(problem) => problem.clone(),
            Fault::Value(problem) => format!("`{}`: {problem}", error.path()),
        })
    })
}

/// The error in a query.
#[derive(Debug)]
enum Fault {
    /// A parameter is unknown, missing or repeated.
    Name(String),
    /// The value of a parameter is invalid.
    Value(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Name(problem) | Self::Value(problem)) = self;
        f.write_str(problem)
    }
}

impl std::error::Error for Fault {}

impl serde::de::Error for Fault {
    fn custom<T: fmt::Display>(problem: T) -> Self {
        Self::Value(problem.to_string())
    }

    fn unknown_variant(given: &str, known: &'static [&'static str]) -> Self {
        Self::Value(format!("{given:?} is none of {}", listed(known)))
    }

    fn unknown_field(given: &str, known: &'static [&'static str]) -> Self {
        Self::Name(format!(
            "there is no parameter {given:?}; there are {}",
            listed(known)
        ))
    }

    fn missing_field(name: &'static str) -> Self {
        Self::Name(format!("the parameter `{name}` is missing"))
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::Name(format!("the parameter `{name}` occurs more than once"))
    }
}

/// Joins quoted names for a message.
fn listed(names: &[&str]) -> String {
    let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

/// The value of a parameter.
struct ParameterValue<'a>(Cow<'a, str>);

impl<'de> IntoDeserializer<'de, Fault> for ParameterValue<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for ParameterValue<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(&self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let value = self.0.parse();
        visitor.visit_bool(value.map_err(|_| {
            <Fault as serde::de::Error>::unknown_variant(&self.0, &["true", "false"])
        })?)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        StrDeserializer::new(&self.0).deserialize_enum(name, variants, visitor)
    }

    forward_to_deserialize_any! {
        i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;
    use crate::snapshot::shard::{Shard, ShardCount};

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Color {
        Red,
        Blue,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(deny_unknown_fields)]
    struct TestParameters {
        shards: ShardCount,
        color: Option<Color>,
        shard: Option<Shard>,
        #[serde(default)]
        full: bool,
        name: Option<String>,
    }

    #[test]
    fn parameters_are_read_by_their_types() {
        let query = "shards=4&color=blue&shard=1/2&full=true&name=a%20b%2Bc+d";
        let read: TestParameters = read(query).unwrap();
        assert_eq!(read.color, Some(Color::Blue));
        assert_eq!((read.full, read.name.as_deref()), (true, Some("a b+c d")));
        assert_eq!(read.shard, Some("1/2".parse().unwrap()));
    }

    #[test]
    fn error_messages_are_our_own() {
        for (query, expected) in [
            ("", "the parameter `shards` is missing"),
            (
                "shards=1&colour=red",
                "there is no parameter \"colour\"; there are `shards`, `color`, `shard`, `full`, `name`",
            ),
            (
                "shards=1&name=a&name=b",
                "the parameter `name` occurs more than once",
            ),
            (
                "shards=1&color=green",
                "`color`: \"green\" is none of `red`, `blue`",
            ),
            (
                "shards=1&full=yes",
                "`full`: \"yes\" is none of `true`, `false`",
            ),
            (
                "shards=3",
                "`shards`: the number of shards, K, must be a power of two from 1 to 1024, such as `64`",
            ),
            (
                "shards=4&shard=x",
                "`shard`: expected i/K, such as `0/64`, in digits without leading zeros",
            ),
        ] {
            let error = read::<TestParameters>(query).unwrap_err();
            assert_eq!(error.to_string(), expected, "{query}");
        }
    }
}
