//! Strings, switches and numbers, as leniently as Backstage's config reader takes them.
//!
//! Variables are always strings, so `"true"` is a switch and `"4"` a number.

use std::fmt;
use std::ops::RangeInclusive;

use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::Value;
use url::Url;

/// What a value is, for messages; never used for secrets.
pub(super) fn found(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

/// Reads a string that is not empty.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) if text.trim().is_empty() => {
            Err(D::Error::custom("expected a string that is not empty"))
        }
        Value::String(text) => Ok(text),
        scalar @ (Value::Bool(_) | Value::Number(_)) => Err(D::Error::custom(format!(
            "expected a string, found {}; put it in quotes",
            found(&scalar)
        ))),
        other => Err(D::Error::custom(format!(
            "expected a string, found {}",
            found(&other)
        ))),
    }
}

/// Reads a list of strings.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    deserializer.deserialize_any(Texts)
}

/// Reads `true` or `false` in any of the spellings that Backstage takes.
pub(super) fn switch<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    spelled(&value).ok_or_else(|| {
        D::Error::custom(format!(
            "expected `true` or `false`, found {}",
            found(&value)
        ))
    })
}

/// Reads a whole number within bounds.
pub(super) fn integer<'de, D: Deserializer<'de>>(
    deserializer: D,
    range: RangeInclusive<u32>,
) -> Result<u32, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let number = number(&value).and_then(|number| number.to_string().parse().ok());
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            let (from, to) = range.into_inner();
            D::Error::custom(format!(
                "expected a whole number from {from} to {to}, found {}",
                found(&value)
            ))
        })
}

/// Whether a URL is an `http` or `https` one and nothing more than a place.
pub(super) fn is_plain(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

/// The number in a value, which may be a numeric string.
pub(super) fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.filter(|number| number.is_finite())
}

fn spelled(value: &Value) -> Option<bool> {
    let text = match value {
        Value::Bool(switch) => return Some(*switch),
        Value::String(text) => text.trim().to_ascii_lowercase(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    match text.as_str() {
        "true" | "1" | "yes" | "on" | "y" => Some(true),
        "false" | "0" | "no" | "off" | "n" => Some(false),
        _ => None,
    }
}

#[derive(Deserialize)]
struct Text(#[serde(deserialize_with = "text")] String);

struct Texts;

impl<'de> Visitor<'de> for Texts {
    type Value = Vec<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of strings such as `[\"akadmin\"]`")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut texts = Vec::new();
        while let Some(Text(text)) = list.next_element()? {
            texts.push(text);
        }
        Ok(texts)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn switches_are_read_in_every_spelling() {
        for yes in [
            json!(true),
            json!(1),
            json!("true"),
            json!("TRUE"),
            json!("1"),
            json!("Yes"),
            json!("on"),
        ] {
            assert!(switch(&yes).unwrap(), "{yes}");
        }
        for no in [
            json!(false),
            json!(0),
            json!("false"),
            json!("0"),
            json!("NO"),
            json!("off"),
            json!(" n "),
        ] {
            assert!(!switch(&no).unwrap(), "{no}");
        }
        assert!(switch(&json!("y")).unwrap());
        for bad in [json!("maybe"), json!(2), json!([]), json!({}), json!("")] {
            let error = switch(&bad).unwrap_err().to_string();
            assert_eq!(
                error,
                format!("expected `true` or `false`, found {}", found(&bad))
            );
        }
    }

    #[test]
    fn whole_numbers_may_be_strings_and_keep_their_bounds() {
        for four in [json!(4), json!(4.0), json!("4"), json!(" 4 ")] {
            assert_eq!(integer(&four, 1..=32).unwrap(), 4, "{four}");
        }
        for bad in [
            json!(0),
            json!(33),
            json!(1.5),
            json!(-1),
            json!("four"),
            json!("inf"),
            json!(""),
            json!(true),
        ] {
            let error = integer(&bad, 1..=32).unwrap_err().to_string();
            assert_eq!(
                error,
                format!(
                    "expected a whole number from 1 to 32, found {}",
                    found(&bad)
                )
            );
        }
    }

    #[test]
    fn a_list_of_strings_holds_nothing_else() {
        assert_eq!(texts(&json!(["a", "b"])).unwrap(), ["a", "b"]);
        assert_eq!(
            texts(&json!("a")).unwrap_err().to_string(),
            "invalid type: string \"a\", expected a list of strings such as `[\"akadmin\"]`"
        );
        assert_eq!(
            texts(&json!([7])).unwrap_err().to_string(),
            "expected a string, found `7`; put it in quotes"
        );
        assert_eq!(
            texts(&json!([" "])).unwrap_err().to_string(),
            "expected a string that is not empty"
        );
    }
}
