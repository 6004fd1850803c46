//! Assigns a name to each row of a kind, so that no two rows have the same name.
//!
//! Example: the users `Alice` (pk 3) and `alice` (pk 4) both map to `alice`. In the first sync pk 3
//! gets the name, as the lowest pk. Under `names: npm-module` pk 4 is left out; under
//! `names: backstage` it gets `alice-4b227777`. If pk 4 already had the name in the previous
//! snapshot, it keeps the name and pk 3 does not get it.
//!
//! The rule: a row proposes its preferred name, then, under `names: backstage`, names with longer
//! and longer suffixes. Of two rows that propose a name, the one that had it in the previous
//! snapshot wins, then the one with the lowest pk; the other proposes its next name. This is
//! deferred acceptance (Gale and Shapley, 1962), so the result does not depend on the order of the
//! rows.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

use super::finding::{Code, Finding};
use super::name::is_valid_name;
use super::name_rule::NameRule;
use super::policy::NamePolicy;

/// The names of rows in the previous snapshot, by pk.
pub type HeldNames<Pk> = BTreeMap<Pk, Box<str>>;

/// A row that needs a name.
#[derive(Clone, Debug)]
pub struct Candidate<'a, Pk> {
    /// The row's primary key.
    pub pk: Pk,
    /// Its name in Authentik.
    pub source: &'a str,
    /// The text from which the entity's name is made; often the same.
    pub text: Cow<'a, str>,
}

/// The result of [`assign`].
#[derive(Debug)]
pub struct Assignment {
    /// The name of each candidate, in their order; a row without one is left out of the catalog.
    pub names: Vec<Option<Box<str>>>,
    /// Findings about repaired, refused, colliding and empty names.
    pub findings: Vec<Finding>,
}

/// Assigns at most one name to each candidate of a kind, and each name to at most one candidate.
#[must_use]
pub fn assign<Pk: Copy + Ord + Display>(
    rule: &NameRule<'_>,
    candidates: &[Candidate<'_, Pk>],
    held: &HeldNames<Pk>,
) -> Assignment {
    let naming = Naming {
        rule,
        candidates,
        held,
    };
    let owners = naming.owners();
    let mut names = vec![None; candidates.len()];
    for (name, owner) in &owners {
        names[*owner] = Some(name.as_str().into());
    }
    let findings = (0..candidates.len())
        .filter_map(|row| naming.finding(row, names[row].as_deref(), &owners))
        .collect();
    Assignment { names, findings }
}

/// The input of [`assign`].
struct Naming<'a, Pk> {
    rule: &'a NameRule<'a>,
    candidates: &'a [Candidate<'a, Pk>],
    held: &'a HeldNames<Pk>,
}

impl<Pk: Copy + Ord + Display> Naming<'_, Pk> {
    /// Runs the proposals; returns the index of the candidate that owns each name.
    fn owners(&self) -> HashMap<String, usize> {
        let mut owners: HashMap<String, usize> = HashMap::with_capacity(self.candidates.len());
        let mut proposals = vec![0; self.candidates.len()];
        let mut open: Vec<usize> = (0..self.candidates.len()).rev().collect();
        while let Some(row) = open.pop() {
            let Some(name) = self.proposal(row, proposals[row]) else {
                continue;
            };
            proposals[row] += 1;
            match owners.get(&name) {
                Some(&owner) if self.claim(owner, &name) < self.claim(row, &name) => open.push(row),
                _ => {
                    if let Some(displaced) = owners.insert(name, row) {
                        open.push(displaced);
                    }
                }
            }
        }
        owners
    }

    /// The n-th name that a row proposes, if it proposes so many.
    fn proposal(&self, row: usize, nth: usize) -> Option<String> {
        self.rule.proposal(&self.candidates[row], nth)
    }

    /// A row's claim to a name; the smallest wins. `false`: the row had it in the previous
    /// snapshot.
    fn claim(&self, row: usize, name: &str) -> (bool, Pk) {
        let pk = self.candidates[row].pk;
        (self.held.get(&pk).is_none_or(|held| **held != *name), pk)
    }

    /// Returns the finding about a row's name, if there is one.
    fn finding(
        &self,
        row: usize,
        name: Option<&str>,
        owners: &HashMap<String, usize>,
    ) -> Option<Finding> {
        let Candidate { pk, source, .. } = self.candidates[row];
        let kind = self.rule.kind();
        let about = |code| Finding::about(code, kind, pk, source);
        let Some(preferred) = self.proposal(row, 0) else {
            return Some(about(Code::NameEmpty).with_message(
                format!("the {kind} with pk {pk} has an empty name and is left out"),
                "give it a name in Authentik, or set `names: backstage`",
            ));
        };
        if name == Some(&preferred) {
            return self.form_finding(row, &preferred);
        }
        let winner = &self.candidates[owners[&preferred]];
        let outcome = name.map_or("is left out".to_owned(), |name| {
            format!("is named {name:?}")
        });
        let finding = about(Code::NameCollision).with_message(
            format!(
                "{source:?} (pk {pk}) and {:?} (pk {}) both map to the name {preferred:?}; pk {} has it, pk {pk} {outcome}",
                winner.source, winner.pk, winner.pk,
            ),
            match self.rule.policy() {
                NamePolicy::NpmModule => "rename one of them in Authentik, or set `names: backstage`",
                NamePolicy::Backstage | NamePolicy::Slug => "rename one of them in Authentik",
            },
        );
        Some(match name {
            Some(name) => finding.with_name(name),
            None => finding,
        })
    }

    /// Returns the finding about the form of a preferred name that the row got.
    fn form_finding(&self, row: usize, name: &str) -> Option<Finding> {
        let Candidate { pk, source, text } = &self.candidates[row];
        let about = |code| Finding::about(code, self.rule.kind(), pk, source).with_name(name);
        let sanitized = self.rule.sanitized(text);
        match self.rule.policy() {
            NamePolicy::NpmModule if !is_valid_name(name) => {
                Some(about(Code::NameRefused).with_message(
                    format!(
                        "Backstage refuses the name {name:?} made from {text:?}, and so this entity"
                    ),
                    "rename it in Authentik, or set `names: backstage`",
                ))
            }
            NamePolicy::Backstage | NamePolicy::Slug if name != sanitized => {
                Some(about(Code::NameRepaired).with_message(
                    format!(
                        "{text:?} is named {name:?}, since Backstage would refuse {sanitized:?}"
                    ),
                    "use this name in references, or rename it in Authentik",
                ))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::entity::Kind;
    use crate::catalog::name::suffix_name;
    use crate::catalog::shape::NameShape;
    use crate::directory::FieldPaths;

    fn rule(policy: NamePolicy, shape: &NameShape) -> NameRule<'_> {
        NameRule::new(Kind::User, policy, shape, &FieldPaths::default())
    }

    fn names(
        policy: NamePolicy,
        rows: &[(i64, &str)],
        held: &[(i64, &str)],
    ) -> Vec<Option<Box<str>>> {
        let shape = NameShape::default();
        let candidates: Vec<_> = rows
            .iter()
            .map(|(pk, source)| Candidate::named(*pk, source))
            .collect();
        let held = held
            .iter()
            .map(|(pk, name)| (*pk, (*name).into()))
            .collect();
        assign(&rule(policy, &shape), &candidates, &held).names
    }

    #[test]
    fn the_lowest_pk_gets_the_name_and_the_other_is_left_out_or_gets_a_suffix() {
        let rows = [(4, "alice.smith"), (3, "Alice.Smith")];
        assert_eq!(
            names(NamePolicy::NpmModule, &rows, &[]),
            [None, Some("alice.smith".into())]
        );
        let suffixed = format!("alice.smith-{}", &suffix_name("x", "user", 4, 8)[2..]);
        assert_eq!(
            names(NamePolicy::Backstage, &rows, &[]),
            [Some(suffixed.into()), Some("alice.smith".into())]
        );
    }

    #[test]
    fn a_row_keeps_its_previous_name_against_a_lower_pk() {
        let rows = [(3, "Alice"), (4, "alice")];
        assert_eq!(
            names(NamePolicy::NpmModule, &rows, &[(4, "alice")]),
            [None, Some("alice".into())]
        );
        assert_eq!(
            names(NamePolicy::NpmModule, &rows, &[(4, "bob")]),
            [Some("alice".into()), None],
            "a previous name that no row proposes has no effect"
        );
    }

    #[test]
    fn a_repaired_name_collides_like_any_other() {
        let rows = [(1, "tech-ops-"), (2, "tech-ops")];
        let given = names(NamePolicy::Backstage, &rows, &[(2, "tech-ops")]);
        assert_eq!(given[1].as_deref(), Some("tech-ops"));
        assert!(
            given[0].as_deref().unwrap().starts_with("tech-ops-"),
            "{given:?}"
        );
    }

    #[test]
    fn a_row_named_like_a_suffix_does_not_take_it_away() {
        let suffix = names(NamePolicy::Backstage, &[(3, "a"), (7, "A")], &[])[1]
            .clone()
            .unwrap();
        let rows = [(3, "a"), (7, "A"), (9, &*suffix)];
        let given = names(NamePolicy::Backstage, &rows, &[(3, "a"), (7, &suffix)]);
        assert_eq!(given[1].as_ref(), Some(&suffix));
        assert_ne!(given[2].as_ref(), Some(&suffix));
        assert!(given[2].is_some());
    }

    #[test]
    fn an_empty_name_is_left_out_or_made_from_the_pk() {
        assert_eq!(names(NamePolicy::NpmModule, &[(1, "")], &[]), [None]);
        assert_eq!(
            names(NamePolicy::Backstage, &[(1, "")], &[]),
            [Some("user-1".into())]
        );
    }

    #[test]
    fn findings_name_both_and_the_remedy() {
        let candidates = [Candidate::named(3, "Alice"), Candidate::named(4, "alice")];
        let shape = NameShape::default();
        let found = assign(
            &rule(NamePolicy::NpmModule, &shape),
            &candidates,
            &HeldNames::new(),
        )
        .findings;
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].code, Code::NameCollision);
        for part in ["\"Alice\" (pk 3)", "\"alice\" (pk 4)", "left out"] {
            assert!(found[0].message.contains(part), "{:?}", found[0]);
        }
        assert!(found[0].remedy.contains("names: backstage"));
    }
}
