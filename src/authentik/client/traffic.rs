//! What a client sends and receives.

/// Requests to Authentik and the rows of its answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Requests that were sent, repeated ones included.
    pub requests: u64,
    /// Rows of users and groups that were received.
    pub rows: u64,
}

impl Traffic {
    /// What came after an earlier count of the same client.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            requests: self.requests.saturating_sub(earlier.requests),
            rows: self.rows.saturating_sub(earlier.rows),
        }
    }
}
