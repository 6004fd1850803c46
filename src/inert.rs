//! Text that a terminal only shows: names in a directory may hold what it would obey.

/// A text in which whatever a terminal would obey or hide is escaped as in JSON: control
/// characters, line breaks and those that turn the direction of writing.
#[must_use]
pub fn inert(text: &str) -> String {
    let mut inert = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) {
            inert.push(c);
        } else {
            inert.extend(
                c.encode_utf16(&mut [0; 2])
                    .iter()
                    .map(|unit| format!("\\u{unit:04x}")),
            );
        }
    }
    inert
}

/// Whether a character only shows itself.
fn is_plain(c: char) -> bool {
    let escaped = matches!(c.escape_debug().next(), Some('\\'));
    matches!(c, '"' | '\'' | '\\') || !escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_the_rest_stays() {
        assert_eq!(inert("a \"b\" \\ é 山 🚀"), "a \"b\" \\ é 山 🚀");
        assert_eq!(
            inert("\u{1b}[2J\r\n\u{9b}\u{202e}"),
            "\\u001b[2J\\u000d\\u000a\\u009b\\u202e"
        );
    }
}
