//! The Backstage side, pure: rows go in, entities and findings come out. No clock, no IO.
//!
//! [`plan::Plan`] is the transform; [`naming`] decides who gets which [`name`], [`hierarchy`] cuts
//! cycles, [`exclusion`] leaves groups out and [`skip`] users, [`entity`] has the shapes, [`finding`]
//! what to report. [`explain`] says of one row what became of it, [`diff`] compares entities.

mod broken;
pub mod diff;
pub mod entity;
pub mod escape;
pub mod exclusion;
pub mod explain;
pub mod finding;
pub mod hierarchy;
pub mod location;
pub mod name;
pub mod naming;
pub mod picture;
pub mod plan;
pub mod policy;
mod roster;
pub mod skip;
pub mod unannounced;
pub mod view;
