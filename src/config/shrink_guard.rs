//! How much one run may remove before somebody has to accept it.

use super::scalar::{integer, switch};
use super::section::{defaults, section};

section! {
    /// The section `entityProvider.shrinkGuard`.
    #[derive(Copy, PartialEq, Eq)]
    pub struct ShrinkGuard {
        /// Whether a run that removes suspiciously much is held until somebody accepts it.
        enabled: bool = switch().default("true"),
        /// A run is held that removes more than this share of users, groups or memberships, and at least
        /// `absolute` of them.
        percent: u32 = integer(1, 100).default("20"),
        /// Fewer users, groups or memberships than this may always be removed, but never all users or all
        /// groups.
        absolute: usize = integer(1, 1_000_000).default("5"),
    }
}

impl Default for ShrinkGuard {
    fn default() -> Self {
        defaults()
    }
}
