//! Transforms Authentik's rows into Backstage's entities and reports findings. No clock, no IO.
//!
//! [`plan::Plan`] is the transform. [`naming`] assigns each [`name`], [`hierarchy`] cuts cycles,
//! [`exclusion`] omits groups and [`skip`] omits users. [`entity`] defines the served shapes, and
//! [`finding`] the reports. [`explain`] shows how the transform treats one row; [`diff`] compares
//! two sets of entities.

mod broken_rows;
pub mod diff;
pub mod entity;
pub mod escape;
pub mod exclusion;
pub mod explain;
pub mod finding;
pub mod hidden_rows;
pub mod hierarchy;
pub mod location;
pub mod name;
mod named_rows;
pub mod naming;
pub mod picture;
pub mod plan;
pub mod policy;
pub mod skip;
pub mod unstamped_changes;
