//! What came of telling Backstage about a snapshot.

use jiff::Timestamp;

use super::run::Failure;

/// The last time that Backstage was told which locations changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PushReport {
    /// When that was.
    pub at: Timestamp,
    /// Locations that Backstage made due.
    pub refreshed: usize,
    /// Locations that Backstage does not know.
    pub unknown: usize,
    /// Locations that Backstage has still to be told of.
    pub waiting: usize,
    /// Why it was not told of all.
    pub failure: Option<Failure>,
}
