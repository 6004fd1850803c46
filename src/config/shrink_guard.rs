//! The section `entityProvider.shrinkGuard`: how much one run may remove without being accepted.

use super::scalar::{integer, switch};
use super::section::{defaults, section};

section! {
    /// The section `entityProvider.shrinkGuard`.
    #[derive(Copy, PartialEq, Eq)]
    pub struct ShrinkGuard {
        /// Whether a run that would remove too much is held until an operator accepts it.
        enabled: bool = switch().default("true"),
        /// A run is held if it would remove more than this share of users, groups or memberships, and at
        /// least `absolute` of them.
        percent: u32 = integer(1, 100).default("20"),
        /// A run may always remove fewer users, groups or memberships than this, but never all users or all
        /// groups.
        absolute: usize = integer(1, 1_000_000).default("5"),
    }
}

impl Default for ShrinkGuard {
    fn default() -> Self {
        defaults()
    }
}
