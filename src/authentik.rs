//! The Authentik side: asks for both lists, proves them complete, and says plainly what went wrong.
//!
//! [`client`] sends one request, [`paging`] reads one list, [`reading`] reads the directory, [`delta`]
//! what changed in it, [`cost`] estimates which of both is cheaper, [`wire`] has what Authentik sends,
//! [`error`] what an operator is told. The fake Authentik for demo, tests and benchmarks is a crate of its own and shares no type with this one,
//! so that one misreading cannot hide in both.

pub mod client;
pub mod cost;
pub mod delta;
pub mod error;
pub mod paging;
pub mod reading;
pub mod wire;
