//! The rows of one kind that become entities, sorted by name.

use std::borrow::Cow;
use std::fmt::Display;

use super::entity::Kind;
use super::finding::Finding;
use super::name_rule::NameRule;
use super::naming::{HeldNames, assign};
use super::shape::Builtin;
use crate::directory::{Fields, Group, GroupPk, User, UserPk};

/// A row of the directory that can become an entity.
pub(super) trait Row {
    /// The type of its primary key.
    type Pk: Copy + Ord + Display;
    /// The kind of the entity.
    const KIND: Kind;
    /// The primary key.
    fn pk(&self) -> Self::Pk;
    /// The name in Authentik from which the entity's name is made.
    fn source(&self) -> &str;
    /// A field that every row has; empty for one that this kind lacks.
    fn builtin(&self, field: Builtin) -> Cow<'_, str>;
    /// The additional fields.
    fn fields(&self) -> &Fields;
}

impl Row for User {
    type Pk = UserPk;
    const KIND: Kind = Kind::User;
    fn pk(&self) -> UserPk {
        self.pk
    }
    fn source(&self) -> &str {
        &self.username
    }
    fn builtin(&self, field: Builtin) -> Cow<'_, str> {
        match field {
            Builtin::Pk => self.pk.to_string().into(),
            Builtin::Username => (&*self.username).into(),
            Builtin::Name => (&*self.name).into(),
            Builtin::Email => self.email.trim().into(),
            // As Backstage's resolver `emailLocalPartMatchingUserEntityName` cuts it.
            Builtin::EmailLocalPart => self.email.trim().split('@').next().unwrap_or("").into(),
            Builtin::Avatar => (&*self.avatar).into(),
            Builtin::Type => self.user_type.to_string().into(),
        }
    }
    fn fields(&self) -> &Fields {
        &self.fields
    }
}

impl Row for Group {
    type Pk = GroupPk;
    const KIND: Kind = Kind::Group;
    fn pk(&self) -> GroupPk {
        self.pk
    }
    fn source(&self) -> &str {
        &self.name
    }
    fn builtin(&self, field: Builtin) -> Cow<'_, str> {
        match field {
            Builtin::Pk => self.pk.to_string().into(),
            Builtin::Name => (&*self.name).into(),
            Builtin::Username
            | Builtin::Email
            | Builtin::EmailLocalPart
            | Builtin::Avatar
            | Builtin::Type => Cow::default(),
        }
    }
    fn fields(&self) -> &Fields {
        &self.fields
    }
}

/// Named rows, sorted by name. A position is an index in this order, so sorted positions are sorted
/// names. A pk index is an index in the order of pks.
#[derive(Debug)]
pub(super) struct NamedRows<'d, R: Row> {
    rule: NameRule<'d>,
    rows: Vec<&'d R>,
    names: Vec<Box<str>>,
    by_pk: Vec<(R::Pk, usize)>,
}

impl<'d, R: Row> NamedRows<'d, R> {
    /// Assigns names and drops rows without one; also returns the findings about names.
    #[must_use]
    pub(super) fn new(
        rows: &[&'d R],
        rule: NameRule<'d>,
        held: &HeldNames<R::Pk>,
    ) -> (Self, Vec<Finding>) {
        let candidates: Vec<_> = rows.iter().map(|row| rule.candidate(*row)).collect();
        let assignment = assign(&rule, &candidates, held);
        let mut named: Vec<_> = assignment
            .names
            .into_iter()
            .zip(rows)
            .filter_map(|(name, row)| Some((name?, *row)))
            .collect();
        named.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let mut by_pk: Vec<_> = named
            .iter()
            .enumerate()
            .map(|(at, (_, row))| (row.pk(), at))
            .collect();
        by_pk.sort_unstable();
        let (names, named_rows) = named.into_iter().unzip();
        (
            Self {
                rule,
                rows: named_rows,
                names,
                by_pk,
            },
            assignment.findings,
        )
    }

    /// How the names are made.
    #[must_use]
    pub(super) fn rule(&self) -> &NameRule<'d> {
        &self.rule
    }

    /// How many rows have a name.
    #[must_use]
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The row at a position.
    #[must_use]
    pub(super) fn row(&self, at: usize) -> &'d R {
        self.rows[at]
    }

    /// The name at a position.
    #[must_use]
    pub(super) fn name(&self, at: usize) -> &str {
        &self.names[at]
    }

    /// The names at positions, in the order of `positions`.
    #[must_use]
    pub(super) fn names(&self, positions: &[usize]) -> Vec<&str> {
        positions.iter().map(|at| self.name(*at)).collect()
    }

    /// The position of the row with a pk, if the row has a name.
    #[must_use]
    pub(super) fn position(&self, pk: R::Pk) -> Option<usize> {
        self.pk_index(pk).map(|pk_index| self.by_pk[pk_index].1)
    }

    /// The position of a name, if a row has it.
    #[must_use]
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        self.names
            .binary_search_by(|known| (**known).cmp(name))
            .ok()
    }

    /// The pk index of the row with a pk, if the row has a name.
    #[must_use]
    pub(super) fn pk_index(&self, pk: R::Pk) -> Option<usize> {
        self.by_pk.binary_search_by_key(&pk, |(pk, _)| *pk).ok()
    }

    /// The position of the row at a pk index.
    #[must_use]
    pub(super) fn position_at_pk_index(&self, pk_index: usize) -> usize {
        self.by_pk[pk_index].1
    }

    /// The name of each row, by pk.
    #[must_use]
    pub(super) fn held(&self) -> HeldNames<R::Pk> {
        self.by_pk
            .iter()
            .map(|(pk, at)| (*pk, self.names[*at].clone()))
            .collect()
    }
}
