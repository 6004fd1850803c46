//! Transforms Authentik's rows into Backstage's entities and reports findings. No clock, no IO.
//!
//! [`plan::Plan`] is the transform. [`naming`] assigns each [`name`], [`hierarchy`] cuts cycles,
//! [`shape`] is what an operator shapes, and [`skip`] why rows are left out. [`entity`] defines the served shapes, and
//! [`finding`] the reports. [`explain`] shows how the transform treats one row; [`diff`] compares
//! two sets of entities.

mod broken_rows;
pub mod diff;
mod email_findings;
pub mod entity;
pub mod escape;
mod exclusion;
pub mod explain;
mod filter_findings;
pub mod finding;
mod group_tree;
pub mod hidden_rows;
pub mod hierarchy;
pub mod location;
pub mod name;
mod name_rule;
mod named_rows;
pub mod naming;
pub mod picture;
pub mod plan;
pub mod policy;
pub mod search;
mod selection;
pub mod shape;
pub mod skip;
pub mod unstamped_changes;
mod value_findings;
