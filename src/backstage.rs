//! Tells a Backstage backend which of its locations to read again, instead of at its next poll.
//!
//! It comes after a snapshot is published and never touches a sync.

pub mod client;
pub mod location;
pub mod push;
