//! The integration tests, as one binary.

mod commands;
mod demo_path;
mod entities;
mod look_alike;
mod shutdown;
mod support;
