//! How a kind is written in queries and answers.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::catalog::entity::Kind;

/// The kind of an entity, in lower case.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum KindName {
    User,
    Group,
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::User => Self::User,
            KindName::Group => Self::Group,
        }
    }
}

impl From<Kind> for KindName {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::User => Self::User,
            Kind::Group => Self::Group,
        }
    }
}
