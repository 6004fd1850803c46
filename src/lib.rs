//! Serves the users and groups of an Authentik server to Backstage as catalog entities.

pub mod authentik;
pub mod base_url;
pub mod catalog;
