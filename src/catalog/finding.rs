//! What an operator should know about a directory, each with what to do about it.

use serde::Serialize;

use super::entity::Kind;

/// Something in the directory or the policy that keeps the catalog from being what one expects.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// What kind of finding it is, stable over versions.
    pub code: Code,
    /// The kind of the entity at fault, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The primary key of the row at fault, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pk: Option<String>,
    /// The name in Authentik, or the entry of the configuration.
    pub source: String,
    /// The name in the catalog, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What is the matter.
    pub message: String,
    /// What to do about it.
    pub remedy: String,
}

/// The kinds of findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = FindingCode)]
pub enum Code {
    /// One list names users that the other lacks: a permission filters the view.
    HiddenUsers,
    /// Rows name groups that the group list lacks: a permission filters the view.
    HiddenGroups,
    /// A row was listed and could not be read.
    BrokenRow,
    /// Users changed without the stamp by which runs learn what changed.
    UnannouncedChanges,
    /// Two rows of a kind want one name.
    NameCollision,
    /// Backstage will refuse the name; only under `names: seed`.
    NameRefused,
    /// Backstage would refuse the name, so that it was repaired; only under `names: backstage`.
    NameRepaired,
    /// Nothing is left of the name, so that the entity would block all others.
    NameEmpty,
    /// A link of the hierarchy closed a cycle and was cut.
    HierarchyCycle,
    /// An entry of `excludeGroups` matches no group.
    ExcludeUnmatched,
    /// An entry of `excludeGroups` is not in sanitized form and so can never match.
    ExcludeMisspelt,
    /// An avatar is neither `http`, `https` nor `data:image/`.
    PictureRefused,
}

impl Code {
    /// All of them, as `docs/findings-and-failures.md` lists them.
    pub const ALL: [Self; 12] = [
        Self::HiddenUsers,
        Self::HiddenGroups,
        Self::BrokenRow,
        Self::UnannouncedChanges,
        Self::NameCollision,
        Self::NameRefused,
        Self::NameRepaired,
        Self::NameEmpty,
        Self::HierarchyCycle,
        Self::ExcludeUnmatched,
        Self::ExcludeMisspelt,
        Self::PictureRefused,
    ];
}

impl std::fmt::Display for Code {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.serialize(f)
    }
}

impl Finding {
    /// A finding about a row.
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

    /// A finding about the view or the configuration.
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
    pub(super) fn named(mut self, name: &str) -> Self {
        self.name = Some(name.to_owned());
        self
    }

    /// Adds what is the matter and what to do about it.
    pub(super) fn says(mut self, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        self.message = message.into();
        self.remedy = remedy.into();
        self
    }
}
