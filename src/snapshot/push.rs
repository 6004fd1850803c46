//! Pushes of changed locations to Backstage: the outcome, and what replicas record of them.

use async_trait::async_trait;
use jiff::Timestamp;

use super::run::Failure;

/// The outcome of the last push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushReport {
    /// Time of the push.
    pub at: Timestamp,
    /// Number of locations that Backstage scheduled for a refresh.
    pub refreshed: usize,
    /// Number of locations that Backstage does not know.
    pub unknown: usize,
    /// Number of locations still to be pushed.
    pub waiting: usize,
    /// The error, if the push failed.
    pub failure: Option<Failure>,
}

/// Decides whether this process pushes, so that several replicas push each change once.
#[async_trait]
pub trait PushRecord: std::fmt::Debug + Send + Sync {
    /// Returns true if this process pushes, and not another replica.
    fn is_pusher(&self) -> bool;

    /// Returns true if the changes up to the entities with a digest were pushed, by any replica.
    fn is_pushed(&self, digest: &str) -> bool;

    /// Records that the changes up to these entities were pushed.
    async fn record_push(&self, digest: &str);
}

/// The record of a single process, which pushes everything.
#[derive(Clone, Copy, Debug)]
pub struct Unrecorded;

#[async_trait]
impl PushRecord for Unrecorded {
    fn is_pusher(&self) -> bool {
        true
    }

    fn is_pushed(&self, _: &str) -> bool {
        false
    }

    async fn record_push(&self, _: &str) {}
}
