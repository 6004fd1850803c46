//! How a finding is shown.

use serde::Serialize;
use utoipa::ToSchema;

use super::kind_name::KindName;
use crate::catalog::finding::{Code, Finding};

/// What an operator should know about the directory.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FindingView {
    /// What kind of finding it is, stable over versions.
    code: Code,
    /// The kind of the entity at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    kind: Option<KindName>,
    /// The primary key of the row at fault.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pk: Option<String>,
    /// The name in Authentik, or the entry of the configuration.
    source: String,
    /// The name in the catalog.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    name: Option<String>,
    /// What is the matter.
    message: String,
    /// What to do about it.
    remedy: String,
}

impl From<&Finding> for FindingView {
    fn from(finding: &Finding) -> Self {
        Self {
            code: finding.code,
            kind: finding.kind.map(Into::into),
            pk: finding.pk.clone(),
            source: finding.source.clone(),
            name: finding.name.clone(),
            message: finding.message.clone(),
            remedy: finding.remedy.clone(),
        }
    }
}
