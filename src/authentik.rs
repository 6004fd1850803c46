//! The upstream side: what this service knows about Authentik and its API.

pub mod fake;
