//! Makes entity names by the npm module's rule, and repairs those that Backstage refuses.

use std::fmt::Display;

use crate::digest::sha256_hex;

/// The longest `metadata.name` that Backstage accepts, in characters.
pub const MAX_NAME_LENGTH: usize = 63;

/// Makes a name by the npm module's rule: lower case, then `-` for each UTF-16 code unit outside
/// `[a-z0-9\-_.]`.
///
/// JavaScript's `replace` works on UTF-16 code units, so a character above U+FFFF gives two `-`.
#[must_use]
pub fn sanitize_name(text: &str) -> String {
    text.to_lowercase()
        .encode_utf16()
        .map(sanitized_unit)
        .collect()
}

/// The replacement of one UTF-16 code unit.
fn sanitized_unit(unit: u16) -> char {
    match u8::try_from(unit) {
        Ok(byte @ (b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')) => char::from(byte),
        _ => '-',
    }
}

/// Whether Backstage accepts a `metadata.name`: 1 to 63 characters of `[A-Za-z0-9-_.]`, the first and
/// the last a letter or digit (`KubernetesValidatorFunctions.isValidObjectName` in Backstage).
#[must_use]
pub fn is_valid_name(name: &str) -> bool {
    let edge = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
    let bytes = name.as_bytes();
    bytes.len() <= MAX_NAME_LENGTH
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(byte))
}

/// Returns a valid name for a sanitized one: without punctuation at its edges, and with a suffix made
/// from the pk if it is too long. Where nothing is left the name is `<kind>-<pk>`.
#[must_use]
pub fn repair_name(sanitized: &str, kind: &str, pk: impl Display) -> String {
    let stem = stem(sanitized);
    match stem.len() {
        0 => format!("{kind}-{pk}"),
        1..=MAX_NAME_LENGTH => stem.to_owned(),
        _ => suffixed(stem, &hash(pk, 8)),
    }
}

/// Returns a valid name with a suffix of `digits` hexadecimal digits, which depends on the pk alone.
#[must_use]
pub fn suffix_name(sanitized: &str, kind: &str, pk: impl Display, digits: usize) -> String {
    let stem = stem(sanitized);
    suffixed(if stem.is_empty() { kind } else { stem }, &hash(pk, digits))
}

/// Trims punctuation from both edges.
fn stem(sanitized: &str) -> &str {
    sanitized.trim_matches(|c: char| !c.is_ascii_alphanumeric())
}

/// Joins stem and suffix with `-`; cuts the stem so that the result fits [`MAX_NAME_LENGTH`].
fn suffixed(stem: &str, suffix: &str) -> String {
    let room = MAX_NAME_LENGTH - suffix.len() - 1;
    let cut = &stem[..stem.len().min(room)];
    format!(
        "{}-{suffix}",
        cut.trim_end_matches(|c: char| !c.is_ascii_alphanumeric())
    )
}

/// The first hexadecimal digits of the SHA-256 of a pk's text.
fn hash(pk: impl Display, digits: usize) -> String {
    sha256_hex(pk.to_string().as_bytes(), digits)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_those_of_the_npm_module() {
        for (given, expected) in [
            ("Alice.Smith", "alice.smith"),
            ("Tech Ops!", "tech-ops-"),
            ("Jöhn Döe", "j-hn-d-e"),
            ("山田太郎", "----"),
            ("👩‍🚀", "-----"),
            ("pat@partner.example.com", "pat-partner.example.com"),
            ("a_b-c.d", "a_b-c.d"),
            ("İ", "i-"),
            ("\u{212a}elvin", "kelvin"),
            ("a\n\tb/..", "a--b-.."),
            ("", ""),
        ] {
            assert_eq!(sanitize_name(given), expected, "{given}");
        }
    }

    #[test]
    fn validity_follows_backstages_validator() {
        for good in ["a", "0", "007", "a--b", "a..b", "A_b", &"x".repeat(63)] {
            assert!(is_valid_name(good), "{good}");
        }
        for bad in [
            "",
            "tech-ops-",
            "-x",
            ".x",
            "x_",
            "a b",
            "ä",
            "a/b",
            &"x".repeat(64),
        ] {
            assert!(!is_valid_name(bad), "{bad}");
        }
    }

    #[test]
    fn what_backstage_would_refuse_is_repaired() {
        assert_eq!(repair_name("tech-ops-", "group", 1), "tech-ops");
        assert_eq!(repair_name("----", "user", 42), "user-42");
        assert_eq!(
            repair_name(&"x".repeat(64), "user", 42),
            format!("{}-73475cb4", "x".repeat(54)),
            "sha256 of 42 begins with 73475cb4"
        );
        assert_eq!(suffix_name("alice", "user", 42, 8), "alice-73475cb4");
        assert_eq!(suffix_name("--", "user", 42, 16), "user-73475cb40a568e8d");
    }

    proptest! {
        #[test]
        fn every_repair_is_valid_and_a_valid_name_stays(text in any::<String>(), pk in any::<i64>()) {
            let sanitized = sanitize_name(&text);
            let repaired = repair_name(&sanitized, "user", pk.unsigned_abs());
            prop_assert!(is_valid_name(&repaired), "{repaired}");
            prop_assert!(!is_valid_name(&sanitized) || repaired == sanitized);
            prop_assert_eq!(repair_name(&repaired, "user", pk.unsigned_abs()), repaired.clone());
            for digits in [8, 16, 32] {
                let suffixed = suffix_name(&sanitized, "user", pk, digits);
                prop_assert!(is_valid_name(&suffixed), "{suffixed}");
            }
        }

        #[test]
        fn sanitizing_twice_changes_nothing(text in any::<String>()) {
            let once = sanitize_name(&text);
            prop_assert_eq!(sanitize_name(&once), once.clone());
            prop_assert!(once.is_ascii());
        }
    }
}
