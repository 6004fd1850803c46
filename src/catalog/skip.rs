//! Which users the transform skips, and why.

use super::policy::Policy;
use crate::directory::User;

/// Why a user has no entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Skip {
    /// `is_active` is false: the user may not sign in.
    Inactive,
    /// The user is a service account, and `includeServiceAccounts` is false.
    ServiceAccount,
}

impl Skip {
    /// The reason to skip a user, if the policy skips it.
    #[must_use]
    pub fn of(user: &User, policy: &Policy) -> Option<Self> {
        if !user.is_active {
            return Some(Self::Inactive);
        }
        (user.is_service_account() && !policy.include_service_accounts)
            .then_some(Self::ServiceAccount)
    }
}
