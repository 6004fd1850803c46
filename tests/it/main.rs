//! The integration tests, as one binary.

mod demo_path;
mod entities;
mod look_alike;
mod support;
