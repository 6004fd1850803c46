//! Replaces `${VARIABLE}` in strings, as Backstage does (`config-loader`, `substitution.ts`).

use super::environment::Environment;

/// Why a variable cannot be replaced.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SubstitutionError {
    /// The variable is not set and has no default.
    Unset(String),
    /// The reference has no name.
    Nameless,
}

/// Returns the trimmed value of a variable; `None` if it is empty.
pub(super) fn variable(name: &str, env: &impl Environment) -> Option<String> {
    env.var(name)
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty())
}

/// Replaces the variables of a text. Returns `None` if one of them has an empty default and no value.
pub(super) fn complete(
    text: &str,
    env: &impl Environment,
) -> Result<Option<String>, SubstitutionError> {
    let mut completed = Some(String::new());
    let mut remaining = text;
    while let Some(reference) = Reference::first(remaining) {
        let value = reference.value(env)?;
        completed = completed
            .zip(value)
            .map(|(done, value)| done + reference.before + &value);
        remaining = reference.after;
    }
    Ok(completed.map(|done| done + remaining))
}

/// `${…}` or `$${…}` in a text, with the text before and after it.
struct Reference<'a> {
    before: &'a str,
    body: &'a str,
    escaped: bool,
    after: &'a str,
}

impl<'a> Reference<'a> {
    fn first(text: &'a str) -> Option<Self> {
        text.match_indices("${").find_map(|(at, _)| {
            let (body, after) = text[at + 2..]
                .split_once('}')
                .filter(|(body, _)| !body.contains('{'))?;
            let escaped = text[..at].ends_with('$');
            Some(Self {
                before: &text[..at - usize::from(escaped)],
                body,
                escaped,
                after,
            })
        })
    }

    fn value(&self, env: &impl Environment) -> Result<Option<String>, SubstitutionError> {
        if self.escaped {
            return Ok(Some(format!("${{{}}}", self.body)));
        }
        let (name, default) = match self.body.split_once(":-") {
            Some((name, default)) => (name.trim(), Some(default.trim())),
            None => (self.body.trim(), None),
        };
        if name.is_empty() {
            return Err(SubstitutionError::Nameless);
        }
        match (variable(name, env), default) {
            (Some(value), _) => Ok(Some(value)),
            (None, Some(default)) => {
                Ok(Some(default.to_owned()).filter(|default| !default.is_empty()))
            }
            (None, None) => Err(SubstitutionError::Unset(name.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn env() -> BTreeMap<String, String> {
        [
            ("A", "1"),
            ("B", "two"),
            ("EMPTY", ""),
            ("REF", "${A}"),
            ("SPACED", " 1\n"),
        ]
        .map(|(k, v)| (k.into(), v.into()))
        .into()
    }

    #[test]
    fn variables_are_replaced_as_backstage_does() {
        for (text, expected) in [
            ("", Some("")),
            ("plain $A {A} $", Some("plain $A {A} $")),
            ("${A}", Some("1")),
            ("${ A }", Some("1")),
            ("x${SPACED}y", Some("x1y")),
            ("x${A}y${B}z", Some("x1ytwoz")),
            ("${REF}", Some("${A}")),
            ("${A:-other}", Some("1")),
            ("${NONE:-other}", Some("other")),
            ("${NONE :- a b }", Some("a b")),
            ("${EMPTY:-other}", Some("other")),
            ("${NONE:-a:-b}", Some("a:-b")),
            ("${NONE:-}", None),
            ("a${NONE:-}b${A}", None),
            ("$${A}", Some("${A}")),
            ("$$${A}", Some("$${A}")),
            ("$${NONE} ${A}", Some("${NONE} 1")),
            ("${A", Some("${A")),
            ("$${", Some("$${")),
            ("${x${A}", Some("${x1")),
            ("ü${A}ü", Some("ü1ü")),
        ] {
            assert_eq!(
                complete(text, &env()).unwrap().as_deref(),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn an_unset_an_empty_and_a_nameless_variable_are_failures() {
        assert_eq!(
            complete("${NONE}", &env()),
            Err(SubstitutionError::Unset("NONE".into()))
        );
        assert_eq!(
            complete("a ${ EMPTY }", &env()),
            Err(SubstitutionError::Unset("EMPTY".into()))
        );
        assert_eq!(complete("${}", &env()), Err(SubstitutionError::Nameless));
        assert_eq!(
            complete("${ :-x}", &env()),
            Err(SubstitutionError::Nameless)
        );
    }

    proptest! {
        #[test]
        fn a_text_without_references_stays(text in "[^{]*") {
            prop_assert_eq!(complete(&text, &env()).unwrap(), Some(text));
        }

        #[test]
        fn an_escaped_reference_stays_without_one_dollar(name in "[^{}]*", around in "[a-z]*") {
            let text = format!("{around}$${{{name}}}{around}");
            prop_assert_eq!(complete(&text, &env()).unwrap(), Some(format!("{around}${{{name}}}{around}")));
        }

        #[test]
        fn no_text_panics(text in "[${}A:\\- ]*") {
            let _ = complete(&text, &env());
        }
    }
}
