//! What a run may be allowed to do beyond others.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a run may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Accept {
    /// Publish also what the shrink guard would hold.
    Shrink,
}
