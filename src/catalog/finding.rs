//! Findings: problems in the directory or the configuration, each with a remedy.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::entity::Kind;

/// A problem in the directory or the configuration that affects the catalog.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
pub struct Finding {
    /// The code; stable across versions.
    pub code: Code,
    /// The kind of the affected entity, if the finding is about one row.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub kind: Option<Kind>,
    /// The primary key of the affected row, if the finding is about one row.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub pk: Option<String>,
    /// The name in Authentik, or the entry of the configuration.
    pub source: String,
    /// The name in the catalog, if the row has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub name: Option<String>,
    /// The problem.
    pub message: String,
    /// The remedy.
    pub remedy: String,
}

/// The codes of findings.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[serde(rename_all = "kebab-case")]
#[schema(as = FindingCode)]
pub enum Code {
    /// Groups have members that the user list lacks: a permission filters the list.
    HiddenUsers,
    /// Users or groups reference groups that the group list lacks: a permission filters the list.
    HiddenGroups,
    /// Authentik lists a row that this version cannot read.
    BrokenRow,
    /// Users changed without a new `last_updated`, which incremental syncs depend on.
    UnstampedChanges,
    /// Two rows of a kind map to the same name.
    NameCollision,
    /// Backstage refuses the name; only under `names: npm-module`.
    NameRefused,
    /// The name was repaired, since Backstage would refuse it; only under `names: backstage`.
    NameRepaired,
    /// The name is empty. Backstage would refuse the whole location for such an entity.
    NameEmpty,
    /// A link of the hierarchy closes a cycle and is cut.
    HierarchyCycle,
    /// An entry of `excludeGroups` matches no group.
    ExcludeUnmatched,
    /// An entry of `excludeGroups` is not in sanitized form, so it never matches.
    ExcludeMisspelt,
    /// An avatar is neither `http`, `https` nor `data:image/`.
    PictureRefused,
    /// Users without an email, who cannot sign in by it.
    EmailMissing,
    /// Users with the email of another user, who cannot sign in by it.
    EmailShared,
    /// Users with an email by which Backstage finds no user.
    EmailNotFound,
    /// An entry of a filter matches no row.
    FilterUnmatched,
    /// This version of Authentik does not send a mapped field.
    FieldNotSent,
    /// A mapped text is too long and is cut.
    ValueCut,
    /// A mapped label has characters that Backstage refuses, and is repaired.
    ValueRepaired,
    /// A mapped value is no text that Backstage accepts, and is left out.
    ValueOmitted,
}

impl Code {
    /// All codes, in the order in which `docs/findings-and-failures.md` lists them.
    pub const ALL: [Self; 20] = [
        Self::HiddenUsers,
        Self::HiddenGroups,
        Self::BrokenRow,
        Self::UnstampedChanges,
        Self::NameCollision,
        Self::NameRefused,
        Self::NameRepaired,
        Self::NameEmpty,
        Self::HierarchyCycle,
        Self::ExcludeUnmatched,
        Self::ExcludeMisspelt,
        Self::PictureRefused,
        Self::EmailMissing,
        Self::EmailShared,
        Self::EmailNotFound,
        Self::FilterUnmatched,
        Self::FieldNotSent,
        Self::ValueCut,
        Self::ValueRepaired,
        Self::ValueOmitted,
    ];
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

impl Finding {
    /// Returns a finding about a row.
    pub(super) fn about(code: Code, kind: Kind, pk: impl std::fmt::Display, source: &str) -> Self {
        Self {
            code,
            kind: Some(kind),
            pk: Some(pk.to_string()),
            source: source.to_owned(),
            name: None,
            message: String::new(),
            remedy: String::new(),
        }
    }

    /// Returns a finding about a list or the configuration.
    pub(super) fn general(code: Code, source: &str) -> Self {
        Self {
            code,
            kind: None,
            pk: None,
            source: source.to_owned(),
            name: None,
            message: String::new(),
            remedy: String::new(),
        }
    }

    /// Adds the name in the catalog.
    pub(super) fn with_name(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Adds the problem and the remedy.
    pub(super) fn with_message(
        mut self,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        self.message = message.into();
        self.remedy = remedy.into();
        self
    }
}
