//! The decisions an operator makes about the catalog.

use crate::base_url::BaseUrl;

/// What to do with names that Backstage would refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NamePolicy {
    /// The npm module's rule alone: names stay those that it made, refused ones included.
    #[default]
    Seed,
    /// Names that Backstage would refuse are repaired, collisions get a suffix.
    Backstage,
}

/// Which rows become entities, and under which names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Authentik's base URL, for annotations and relative pictures.
    pub base_url: BaseUrl,
    /// How names are made.
    pub names: NamePolicy,
    /// Sanitized names of groups that leave no trace.
    pub exclude_groups: Vec<String>,
    /// Whether service accounts become users.
    pub include_service_accounts: bool,
}
