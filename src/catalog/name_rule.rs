//! The rule by which the names of a kind are made: from which text, with which prefix and policy.

use std::fmt::Display;

use super::entity::Kind;
use super::name::{repair_name, sanitize_name, suffix_name};
use super::named_rows::Row;
use super::naming::Candidate;
use super::policy::NamePolicy;
use super::shape::{Columns, NameShape, Sources};
use crate::directory::FieldPaths;

/// Lengths of the suffixes in the order in which a row proposes them, in hexadecimal digits.
const SUFFIX_DIGITS: [usize; 3] = [8, 16, 32];

/// How the names of one kind are made.
#[derive(Clone, Debug)]
pub struct NameRule<'p> {
    kind: Kind,
    policy: NamePolicy,
    shape: &'p NameShape,
    columns: Columns,
}

impl<'p> NameRule<'p> {
    /// Resolves the sources of names in rows with these additional fields.
    pub(super) fn new(
        kind: Kind,
        policy: NamePolicy,
        shape: &'p NameShape,
        fields: &FieldPaths,
    ) -> Self {
        Self {
            kind,
            policy,
            shape,
            columns: shape.sources.columns(kind, fields),
        }
    }

    /// The kind of the entities.
    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The policy for names that Backstage would refuse.
    pub(super) fn policy(&self) -> NamePolicy {
        self.policy
    }

    /// Where the text of a name comes from.
    pub(super) fn sources(&self) -> &'p Sources {
        &self.shape.sources
    }

    /// The columns of the sources.
    pub(super) fn columns(&self) -> &Columns {
        &self.columns
    }

    /// The candidate of a row.
    pub(super) fn candidate<'d, R: Row>(&self, row: &'d R) -> Candidate<'d, R::Pk> {
        Candidate {
            pk: row.pk(),
            source: row.source(),
            text: self.columns.value(row).unwrap_or_default(),
        }
    }

    /// The name before any repair: the prefix and the sanitized text. Empty if the text is.
    pub(super) fn sanitized(&self, text: &str) -> String {
        let sanitized = self.without_prefix(text);
        if sanitized.is_empty() {
            return sanitized;
        }
        self.prefixed(sanitized)
    }

    /// The n-th name that a row proposes, if it proposes so many. Under `names: npm-module`, a row
    /// with an empty text proposes none.
    pub(super) fn proposal<Pk: Display>(
        &self,
        candidate: &Candidate<'_, Pk>,
        nth: usize,
    ) -> Option<String> {
        let kind = self.kind.lower();
        let pk = &candidate.pk;
        match (self.policy, nth) {
            (NamePolicy::NpmModule, 0) => {
                Some(self.sanitized(&candidate.text)).filter(|name| !name.is_empty())
            }
            (NamePolicy::NpmModule, _) => None,
            (NamePolicy::Backstage | NamePolicy::Slug, 0) => {
                let name = self.usable(&candidate.text, || format!("{kind}-{pk}"));
                Some(repair_name(&name, kind, pk))
            }
            (NamePolicy::Backstage | NamePolicy::Slug, nth) => {
                let digits = SUFFIX_DIGITS.get(nth - 1)?;
                let name = self.usable(&candidate.text, || kind.to_owned());
                Some(suffix_name(&name, kind, pk, *digits))
            }
        }
    }

    /// The sanitized name, with `replacement` for a text without a letter or digit.
    fn usable(&self, text: &str, replacement: impl Fn() -> String) -> String {
        let sanitized = self.without_prefix(text);
        let has_letter = sanitized.contains(|c: char| c.is_ascii_alphanumeric());
        self.prefixed(if has_letter { sanitized } else { replacement() })
    }

    fn without_prefix(&self, text: &str) -> String {
        let sanitized = sanitize_name(text);
        match self.policy {
            NamePolicy::NpmModule | NamePolicy::Backstage => sanitized,
            NamePolicy::Slug => slug(&sanitized),
        }
    }

    fn prefixed(&self, name: String) -> String {
        match self.shape.prefix.as_str() {
            "" => name,
            prefix => format!("{prefix}{name}"),
        }
    }
}

/// Replaces each run of `-` by one, and trims punctuation from both edges.
fn slug(sanitized: &str) -> String {
    let words: Vec<_> = sanitized
        .split('-')
        .filter(|word| !word.is_empty())
        .collect();
    let joined = words.join("-");
    joined
        .trim_matches(|c: char| !c.is_ascii_alphanumeric())
        .to_owned()
}

#[cfg(test)]
impl<'a, Pk> Candidate<'a, Pk> {
    /// A row whose name is made from its name in Authentik.
    pub(super) fn named(pk: Pk, source: &'a str) -> Self {
        Self {
            pk,
            source,
            text: source.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(policy: NamePolicy, prefix: &str, text: &str) -> Option<String> {
        let shape = NameShape {
            prefix: prefix.parse().unwrap(),
            ..NameShape::default()
        };
        let rule = NameRule::new(Kind::Group, policy, &shape, &FieldPaths::default());
        rule.proposal(&Candidate::named(7, text), 0)
    }

    #[test]
    fn a_slug_has_no_runs_of_separators_and_none_at_its_edges() {
        for (text, slug, backstage) in [
            ("Tech  Ops & Co!", "tech-ops-co", "tech--ops---co"),
            ("a_b-.c", "a_b-.c", "a_b-.c"),
            ("Команда", "group-7", "group-7"),
            ("", "group-7", "group-7"),
        ] {
            assert_eq!(
                first(NamePolicy::Slug, "", text).as_deref(),
                Some(slug),
                "{text}"
            );
            assert_eq!(
                first(NamePolicy::Backstage, "", text).as_deref(),
                Some(backstage),
                "{text}"
            );
        }
    }

    #[test]
    fn a_prefix_is_in_front_of_every_name_and_of_no_empty_one() {
        for policy in [NamePolicy::Slug, NamePolicy::Backstage] {
            assert_eq!(first(policy, "ak-", "Ops!").as_deref(), Some("ak-ops"));
            assert_eq!(first(policy, "ak-", "???").as_deref(), Some("ak-group-7"));
            let long = first(policy, "ak-", &"x".repeat(63)).unwrap();
            assert!(long.starts_with("ak-xx") && long.len() == 63, "{long}");
        }
        let npm = |text| first(NamePolicy::NpmModule, "ak-", text);
        assert_eq!(npm("Ops!").as_deref(), Some("ak-ops-"));
        assert_eq!(npm(""), None);
    }
}
