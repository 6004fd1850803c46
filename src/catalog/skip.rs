//! Which users become no entity, and why.

use super::policy::Policy;
use crate::directory::User;

/// Why a user becomes no entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// The user may not sign in.
    Inactive,
    /// The account belongs to a program, and the policy wants people only.
    ServiceAccount,
}

impl Skip {
    /// Why a policy skips a user, if it does.
    #[must_use]
    pub fn of(user: &User, policy: &Policy) -> Option<Self> {
        if !user.is_active {
            return Some(Self::Inactive);
        }
        (user.is_service_account() && !policy.include_service_accounts)
            .then_some(Self::ServiceAccount)
    }
}
