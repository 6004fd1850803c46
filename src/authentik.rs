//! The Authentik side: asks for both lists, proves them complete, and says plainly what went wrong.
//!
//! [`client`] sends one request, [`paging`] reads one list, [`reading`] reads the directory, [`delta`]
//! what changed in it, [`wire`] has what Authentik sends, [`error`] what an operator is told. [`fake`] is
//! the look-alike for demo, tests and benchmarks; it shares no type with the rest, so that one misreading
//! cannot hide in both.

pub mod client;
pub mod delta;
pub mod error;
pub mod fake;
pub mod paging;
pub mod reading;
pub mod wire;
