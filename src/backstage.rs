//! Requests a refresh of changed locations in Backstage, so that it does not wait for its next poll.
//!
//! This happens after a snapshot is published, and never delays a sync.

pub mod client;
pub mod location;
pub mod push;
