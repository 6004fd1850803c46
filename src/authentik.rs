//! The Authentik side: reads both lists, proves them complete, and reports what went wrong.
//!
//! [`client`] sends a request, [`paging`] reads a list, [`crawl`] reads the directory (full
//! sync), [`delta`] reads what changed (incremental sync), [`cost`] estimates which of them is
//! cheaper, [`wire`] has the types that Authentik sends, [`error`] the errors that an operator
//! sees. The fake Authentik for demo, tests and benchmarks is a crate of its own. It shares no type
//! with this module, so that one misreading of the API cannot hide in both.

pub mod client;
pub mod cost;
pub mod crawl;
pub mod delta;
pub mod error;
pub mod paging;
mod remedy;
pub mod wire;
