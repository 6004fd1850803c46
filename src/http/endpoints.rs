//! The handlers, one file for each resource.

#![expect(
    clippy::missing_errors_doc,
    reason = "a handler's doc is its description in OpenAPI, which lists the errors as responses"
)]

mod accept;
mod changes_view;
pub mod docs;
pub mod entities;
pub mod entity;
pub mod events;
pub mod explain;
pub mod findings;
pub mod health;
pub mod locations;
pub mod metrics;
pub mod openapi;
pub mod page;
mod push_view;
pub mod readers;
mod replicas_view;
pub mod run_view;
pub mod search;
pub mod sync;
pub mod webhook;
