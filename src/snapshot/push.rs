//! The outcome of a push of changed locations to Backstage.

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
