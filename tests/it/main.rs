//! The integration tests, as one binary.

mod look_alike;
mod support;
