//! Serves the users and groups of an Authentik server to Backstage as catalog entities.

pub mod authentik;
pub mod base_url;
pub mod catalog;
pub mod clock;
pub mod digest;
pub mod directory;
pub mod http;
pub mod progress;
pub mod snapshot;
pub mod sync;
