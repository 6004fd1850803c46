//! Escapes control characters in directory data before it reaches a terminal.

/// Escapes what a terminal would interpret or hide, in JSON's notation: control characters, line
/// breaks and characters that change the direction of writing.
#[must_use]
pub fn inert(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) {
            escaped.push(c);
        } else {
            escaped.extend(
                c.encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}")),
            );
        }
    }
    escaped
}

/// Whether a terminal prints the character and does nothing else.
fn is_plain(c: char) -> bool {
    let escaped = matches!(c.escape_debug().next(), Some('\\'));
    matches!(c, '"' | '\'' | '\\') || !escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_escaped_and_other_text_stays() {
        assert_eq!(inert("a \"b\" \\ é 山 🚀"), "a \"b\" \\ é 山 🚀");
        assert_eq!(
            inert("\u{1b}[2J\r\n\u{9b}\u{202e}"),
            "\\u001b[2J\\u000d\\u000a\\u009b\\u202e"
        );
    }
}
