//! Writes JSON that is also valid YAML.
//!
//! JSON allows U+007F to U+009F unescaped. YAML excludes most of them from its printable characters
//! (YAML 1.2.2, section 5.1), and a strict parser refuses the whole body for one of them. This module
//! escapes them, which both formats accept.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

/// Appends a value as JSON.
///
/// # Panics
/// When serialization fails; plain data never does.
pub fn write_json(bytes: &mut Vec<u8>, value: &impl Serialize) {
    let mut serializer = Serializer::with_formatter(bytes, EscapeControls);
    value
        .serialize(&mut serializer)
        .expect("plain data serializes into memory");
}

/// Returns a value as JSON.
///
/// # Panics
/// When serialization fails; plain data never does.
#[must_use]
pub fn to_json(value: &impl Serialize) -> String {
    let mut bytes = Vec::new();
    write_json(&mut bytes, value);
    String::from_utf8(bytes).expect("JSON is UTF-8")
}

/// Compact JSON with U+007F to U+009F escaped.
struct EscapeControls;

impl Formatter for EscapeControls {
    fn write_string_fragment<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, control)) = rest
            .char_indices()
            .find(|(_, c)| ('\u{7f}'..='\u{9f}').contains(c))
        {
            write!(writer, "{}\\u{:04x}", &rest[..at], u32::from(control))?;
            rest = &rest[at + control.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_mean_the_same() {
        let text = "a\u{7f}b\u{80}\u{85}\u{9f}\u{a0}é🚀\n\"";
        let json = to_json(&text);
        assert_eq!(json, "\"a\\u007fb\\u0080\\u0085\\u009f\u{a0}é🚀\\n\\\"\"");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
