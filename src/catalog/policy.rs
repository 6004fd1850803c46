//! The operator's settings for the transform.

use super::shape::Shape;
use crate::base_url::BaseUrl;

/// How to treat names that Backstage would refuse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NamePolicy {
    /// The npm module's rule alone. Backstage refuses some of these names.
    #[default]
    NpmModule,
    /// Names that Backstage would refuse are repaired; of colliding names, all but one get a suffix.
    Backstage,
    /// As [`Backstage`](Self::Backstage), with each run of `-` replaced by one.
    Slug,
}

/// Which rows become entities, and how their names are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Authentik's base URL, for annotations and relative pictures.
    pub base_url: BaseUrl,
    /// How names are made.
    pub names: NamePolicy,
    /// Sanitized names of groups to omit, together with their memberships and links.
    pub exclude_groups: Vec<String>,
    /// Whether service accounts become `User` entities.
    pub include_service_accounts: bool,
    /// Which further rows are left out, and where the fields of entities come from.
    pub shape: Shape,
}
