//! The handlers, one file a resource.

pub mod entities;
pub mod health;
mod kind_name;
pub mod openapi;
pub mod run_view;
pub mod sync;
