//! Access rights of a token, and the server's answers when they do not suffice.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use uuid::Uuid;

use super::release::Release;

static NO_USERS: BTreeSet<u64> = BTreeSet::new();
static NO_GROUPS: BTreeSet<Uuid> = BTreeSet::new();

/// Objects that the owner of a token may view.
#[derive(Clone, Debug)]
pub enum Access {
    /// All users and groups.
    Full,
    /// Nothing: both lists answer 403.
    NoPermission,
    /// All users; groups answer 403.
    ViewUserOnly,
    /// All groups; users answer 403.
    ViewGroupOnly,
    /// Object-level permissions: both lists answer 200 with hidden rows left out, but the keys of
    /// hidden rows still appear in related rows.
    ObjectLevel {
        /// Visible users.
        users: BTreeSet<u64>,
        /// Visible groups.
        groups: BTreeSet<Uuid>,
    },
    /// An internal service account without permissions: both lists answer 200 and are empty.
    InternalServiceAccount,
}

impl Access {
    /// Returns the visible users, or `None` if the list answers 403.
    pub(super) fn users(&self) -> Option<Visible<'_, u64>> {
        match self {
            Self::Full | Self::ViewUserOnly => Some(Visible::All),
            Self::ObjectLevel { users, .. } => Some(Visible::Only(users)),
            Self::InternalServiceAccount => Some(Visible::Only(&NO_USERS)),
            Self::NoPermission | Self::ViewGroupOnly => None,
        }
    }

    /// Returns the visible groups, or `None` if the list answers 403.
    pub(super) fn groups(&self) -> Option<Visible<'_, Uuid>> {
        match self {
            Self::Full | Self::ViewGroupOnly => Some(Visible::All),
            Self::ObjectLevel { groups, .. } => Some(Visible::Only(groups)),
            Self::InternalServiceAccount => Some(Visible::Only(&NO_GROUPS)),
            Self::NoPermission | Self::ViewUserOnly => None,
        }
    }
}

/// The visible rows of one list.
#[derive(Clone, Copy, Debug)]
pub(super) enum Visible<'a, K> {
    All,
    Only(&'a BTreeSet<K>),
}

impl<K: Ord> Visible<'_, K> {
    /// Returns true if the row is visible.
    pub(super) fn contains(&self, pk: &K) -> bool {
        match self {
            Self::All => true,
            Self::Only(pks) => pks.contains(pk),
        }
    }
}

/// The content of the `Authorization` header.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credentials<'a> {
    Missing,
    Unsupported,
    Token(&'a str),
}

impl<'a> Credentials<'a> {
    /// Parses the header; releases before 2026 answer other schemes with a distinct message.
    pub(super) fn read(headers: &'a HeaderMap, release: Release) -> Self {
        let header = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        let (scheme, token) = header.split_once(' ').unwrap_or((header, ""));
        match (scheme.eq_ignore_ascii_case("bearer"), token.trim()) {
            (true, "") => Self::Missing,
            (true, token) => Self::Token(token),
            (false, _) if header.is_empty() || release.has_many_parents() => Self::Missing,
            (false, _) => Self::Unsupported,
        }
    }
}
