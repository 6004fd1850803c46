//! Strings, booleans and numbers, with the lenient rules of Backstage's config reader.
//!
//! Variables are always strings, so `"true"` is also a boolean and `"4"` also a number.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::keys::{self, ValueKind};
use super::setting::{InvalidValue, Setting};

/// Describes a value for messages. Not to be used for secrets.
pub(super) fn found(value: &Value) -> String {
    match value {
        Value::Null => "nothing".to_owned(),
        Value::String(text) => format!("`{text}`"),
        Value::Bool(_) | Value::Number(_) => format!("`{value}`"),
        Value::Array(_) => "a list".to_owned(),
        Value::Object(_) => "a mapping".to_owned(),
    }
}

/// Parses a non-empty string.
pub(super) fn text(value: &Value) -> Result<String, InvalidValue> {
    match value {
        Value::String(text) if text.trim().is_empty() => {
            Err(InvalidValue::new("expected a string that is not empty"))
        }
        Value::String(text) => Ok(text.clone()),
        scalar @ (Value::Bool(_) | Value::Number(_)) => Err(InvalidValue::new(format!(
            "expected a string, found {}; put it in quotes",
            found(scalar)
        ))),
        other => Err(InvalidValue::new(format!(
            "expected a string, found {}",
            found(other)
        ))),
    }
}

/// Parses a list of strings.
pub(super) fn list(value: &Value) -> Result<Vec<String>, InvalidValue> {
    let Value::Array(items) = value else {
        return Err(InvalidValue::new(format!(
            "expected a list of strings such as `[\"akadmin\"]`, found {}",
            found(value)
        )));
    };
    let texts = items.iter().enumerate().map(|(index, item)| {
        text(item).map_err(|error| InvalidValue::of_item(index, error.message))
    });
    texts.collect()
}

/// Returns the setting of a list of strings.
pub(super) fn texts() -> Setting<Vec<String>> {
    Setting::new(ValueKind::Texts, list)
}

/// Returns the setting of the path of a file.
pub(super) fn file() -> Setting<PathBuf> {
    Setting::new(ValueKind::File, |value| text(value).map(PathBuf::from))
}

/// Returns the setting of a boolean, in all spellings that Backstage accepts.
pub(super) fn switch() -> Setting<bool> {
    Setting::new(ValueKind::Switch, as_switch)
}

/// Returns the setting of one of several words.
pub(super) fn choice<T: Copy + PartialEq>(words: &'static [(&'static str, T)]) -> Setting<T> {
    let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    Setting::new(ValueKind::Choice(names), |value| {
        let text = text(value)?;
        let chosen = words.iter().find(|(word, _)| *word == text.trim());
        chosen.map(|(_, chosen)| *chosen).ok_or_else(|| {
            let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            InvalidValue::new(format!(
                "expected {}, found `{text}`",
                keys::alternatives(&words)
            ))
        })
    })
}

/// Returns the setting of a whole number within bounds.
pub(super) fn integer<T>(least: u32, most: u32) -> Setting<T>
where
    T: TryFrom<u32, Error: Display> + PartialEq + 'static,
{
    Setting::new(ValueKind::Integer(least, most), move |value| {
        T::try_from(as_integer(value, least..=most)?).map_err(InvalidValue::new)
    })
}

fn as_switch(value: &Value) -> Result<bool, InvalidValue> {
    spelled(value).ok_or_else(|| {
        InvalidValue::new(format!(
            "expected `true` or `false`, found {}",
            found(value)
        ))
    })
}

fn as_integer(value: &Value, range: RangeInclusive<u32>) -> Result<u32, InvalidValue> {
    let number = number(value).and_then(|number| number.to_string().parse().ok());
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            let (from, to) = range.into_inner();
            InvalidValue::new(format!(
                "expected a whole number from {from} to {to}, found {}",
                found(value)
            ))
        })
}

/// Returns true if two secrets are equal.
pub(super) fn is_same_secret(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

/// Returns true for an `http` or `https` URL without user, query and fragment.
pub(super) fn is_plain(url: &Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none()
}

/// Returns the number of a value, which may be a numeric string.
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
            assert!(as_switch(&yes).unwrap(), "{yes}");
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
            assert!(!as_switch(&no).unwrap(), "{no}");
        }
        assert!(as_switch(&json!("y")).unwrap());
        for bad in [json!("maybe"), json!(2), json!([]), json!({}), json!("")] {
            let error = as_switch(&bad).unwrap_err().message;
            assert_eq!(
                error,
                format!("expected `true` or `false`, found {}", found(&bad))
            );
        }
    }

    #[test]
    fn whole_numbers_may_be_strings_and_keep_their_bounds() {
        for four in [json!(4), json!(4.0), json!("4"), json!(" 4 ")] {
            assert_eq!(as_integer(&four, 1..=32).unwrap(), 4, "{four}");
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
            let error = as_integer(&bad, 1..=32).unwrap_err().message;
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
    fn a_list_of_strings_has_only_strings() {
        assert_eq!(list(&json!(["a", "b"])).unwrap(), ["a", "b"]);
        assert_eq!(
            list(&json!("a")).unwrap_err().message,
            "expected a list of strings such as `[\"akadmin\"]`, found `a`"
        );
        assert_eq!(
            list(&json!([7])).unwrap_err().message,
            "expected a string, found `7`; put it in quotes"
        );
        assert_eq!(
            list(&json!([" "])).unwrap_err().message,
            "expected a string that is not empty"
        );
    }
}
