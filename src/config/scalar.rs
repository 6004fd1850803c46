//! Strings, switches and numbers, as leniently as Backstage's config reader takes them.
//!
//! Variables are always strings, so `"true"` is a switch and `"4"` a number.

use std::fmt::Display;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use url::Url;

use super::keys::Kind;
use super::setting::{Refusal, Setting};

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

/// A string that is not empty.
pub(super) fn text(value: &Value) -> Result<String, Refusal> {
    match value {
        Value::String(text) if text.trim().is_empty() => {
            Err(Refusal::new("expected a string that is not empty"))
        }
        Value::String(text) => Ok(text.clone()),
        scalar @ (Value::Bool(_) | Value::Number(_)) => Err(Refusal::new(format!(
            "expected a string, found {}; put it in quotes",
            found(scalar)
        ))),
        other => Err(Refusal::new(format!(
            "expected a string, found {}",
            found(other)
        ))),
    }
}

/// A list of strings.
pub(super) fn list(value: &Value) -> Result<Vec<String>, Refusal> {
    let Value::Array(items) = value else {
        return Err(Refusal::new(format!(
            "expected a list of strings such as `[\"akadmin\"]`, found {}",
            found(value)
        )));
    };
    let texts = items.iter().enumerate().map(|(index, item)| {
        text(item).map_err(|refusal| Refusal::of_item(index, refusal.message))
    });
    texts.collect()
}

/// Takes a list of strings.
pub(super) fn texts() -> Setting<Vec<String>> {
    Setting::new(Kind::Texts, list)
}

/// Takes the path of a file.
pub(super) fn file() -> Setting<PathBuf> {
    Setting::new(Kind::File, |value| text(value).map(PathBuf::from))
}

/// Takes `true` or `false` in any of the spellings that Backstage takes.
pub(super) fn switch() -> Setting<bool> {
    Setting::new(Kind::Switch, as_switch)
}

/// Takes one of several words.
pub(super) fn choice<T: Copy + PartialEq>(words: &'static [(&'static str, T)]) -> Setting<T> {
    let names: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    Setting::new(Kind::Choice(names), |value| {
        let text = text(value)?;
        let chosen = words.iter().find(|(word, _)| *word == text.trim());
        chosen.map(|(_, chosen)| *chosen).ok_or_else(|| {
            let expected: Vec<_> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            Refusal::new(format!(
                "expected {}, found `{text}`",
                expected.join(" or ")
            ))
        })
    })
}

/// Takes a whole number within bounds.
pub(super) fn integer<T>(least: u32, most: u32) -> Setting<T>
where
    T: TryFrom<u32, Error: Display> + PartialEq + 'static,
{
    Setting::new(Kind::Integer(least, most), move |value| {
        T::try_from(as_integer(value, least..=most)?).map_err(Refusal::new)
    })
}

fn as_switch(value: &Value) -> Result<bool, Refusal> {
    spelled(value).ok_or_else(|| {
        Refusal::new(format!(
            "expected `true` or `false`, found {}",
            found(value)
        ))
    })
}

fn as_integer(value: &Value, range: RangeInclusive<u32>) -> Result<u32, Refusal> {
    let number = number(value).and_then(|number| number.to_string().parse().ok());
    number
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            let (from, to) = range.into_inner();
            Refusal::new(format!(
                "expected a whole number from {from} to {to}, found {}",
                found(value)
            ))
        })
}

/// Whether two secrets are the same.
pub(super) fn is_same_secret(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
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
    fn a_list_of_strings_holds_nothing_else() {
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
