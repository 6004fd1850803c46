//! The time during which a replica syncs.

use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// The time during which this replica syncs: from the acquisition of the lease to its loss.
#[derive(Clone, Debug)]
pub struct Term {
    /// What the previous holder of the lease has stored of its last run.
    pub last_run: Option<Value>,
    /// The digest of the entities whose changes were last pushed to Backstage.
    pub(super) pushed: Option<String>,
    /// Cancelled at the end.
    pub ended: CancellationToken,
    /// Cancelled when the process starts to shut down.
    pub(super) shutdown: CancellationToken,
    /// The token of the lease.
    pub(super) token: i64,
    /// When the lease ends unless it is renewed, by this machine's monotonic clock; never later than in the
    /// database.
    pub(super) expires: Instant,
}

impl Term {
    /// Returns why the term has ended.
    #[must_use]
    pub fn end_reason(&self) -> &'static str {
        if self.shutdown.is_cancelled() {
            "the service was shut down"
        } else {
            "another replica has taken over"
        }
    }

    /// Returns the term of a single process, which ends with it.
    pub(super) fn endless(shutdown: &CancellationToken) -> Self {
        Self {
            last_run: None,
            pushed: None,
            ended: shutdown.child_token(),
            shutdown: shutdown.clone(),
            token: 0,
            expires: Instant::now(),
        }
    }
}
