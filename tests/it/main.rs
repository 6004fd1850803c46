//! The integration tests, as one binary.

mod groups;
mod hierarchy;
mod look_alike;
mod names;
mod recordings;
mod schedule;
mod support;
mod sync_drift;
mod sync_failures;
mod sync_hidden;
mod sync_requests;
mod sync_retries;
mod transform_properties;
mod users;
