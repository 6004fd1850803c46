//! What a token may see, and how the server answers those that may not.

use std::collections::BTreeSet;

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use uuid::Uuid;

use super::release::Release;

static NO_USERS: BTreeSet<u64> = BTreeSet::new();
static NO_GROUPS: BTreeSet<Uuid> = BTreeSet::new();

/// What the owner of a token may see.
#[derive(Clone, Debug)]
pub enum Access {
    /// Everything.
    Full,
    /// Nothing: both lists answer 403.
    NoPermission,
    /// All users; groups answer 403.
    ViewUserOnly,
    /// All groups; users answer 403.
    ViewGroupOnly,
    /// Single objects: both lists answer 200, silently filtered, and leak the keys of what they hide.
    ObjectLevel {
        /// The users that may be seen.
        users: BTreeSet<u64>,
        /// The groups that may be seen.
        groups: BTreeSet<Uuid>,
    },
    /// An internal service account without permission: both lists answer 200 and are empty.
    InternalServiceAccount,
}

impl Access {
    /// Gives the users that may be seen, or none when the list is refused.
    pub(super) fn users(&self) -> Option<Visible<'_, u64>> {
        match self {
            Self::Full | Self::ViewUserOnly => Some(Visible::All),
            Self::ObjectLevel { users, .. } => Some(Visible::Only(users)),
            Self::InternalServiceAccount => Some(Visible::Only(&NO_USERS)),
            Self::NoPermission | Self::ViewGroupOnly => None,
        }
    }

    /// Gives the groups that may be seen, or none when the list is refused.
    pub(super) fn groups(&self) -> Option<Visible<'_, Uuid>> {
        match self {
            Self::Full | Self::ViewGroupOnly => Some(Visible::All),
            Self::ObjectLevel { groups, .. } => Some(Visible::Only(groups)),
            Self::InternalServiceAccount => Some(Visible::Only(&NO_GROUPS)),
            Self::NoPermission | Self::ViewUserOnly => None,
        }
    }
}

/// The rows of one list that may be seen.
#[derive(Clone, Copy, Debug)]
pub(super) enum Visible<'a, K> {
    All,
    Only(&'a BTreeSet<K>),
}

impl<K: Ord> Visible<'_, K> {
    /// Tells whether a row may be seen.
    pub(super) fn contains(&self, pk: &K) -> bool {
        match self {
            Self::All => true,
            Self::Only(pks) => pks.contains(pk),
        }
    }
}

/// What the request's `Authorization` header amounts to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Credentials<'a> {
    Missing,
    Unsupported,
    Token(&'a str),
}

impl<'a> Credentials<'a> {
    /// Reads the header; releases before 2026 answer other schemes with a text of their own.
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
