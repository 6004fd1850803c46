//! The integration tests, as one binary.

mod commands;
mod demo_path;
mod entities;
mod health;
mod look_alike;
mod openapi;
mod problems;
mod shutdown;
mod support;
mod sync_endpoint;
