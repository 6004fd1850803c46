//! The parameter `accept` of `POST /sync`.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A result of a run that the client accepts in advance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Accept {
    /// A removal that the shrink guard would hold.
    Shrink,
}
