//! The Authentik side: asks for both lists, proves them complete, and says plainly what went wrong.
//!
//! [`client`] sends one request, [`paging`] reads one list, [`reading`] reads the directory,
//! [`wire`] has what Authentik sends, [`error`] what an operator is told.

pub mod client;
pub mod error;
pub mod paging;
pub mod reading;
pub mod wire;
