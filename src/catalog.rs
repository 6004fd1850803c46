//! The Backstage side, pure: rows go in, entities and findings come out. No clock, no IO.
//!
//! [`plan::Plan`] is the transform; [`naming`] decides who gets which [`name`], [`hierarchy`] cuts
//! cycles, [`exclusion`] leaves groups out, [`entity`] has the shapes, [`finding`] what to report.

pub mod entity;
pub mod exclusion;
pub mod finding;
pub mod hierarchy;
pub mod name;
pub mod naming;
pub mod picture;
pub mod plan;
pub mod policy;
mod roster;
pub mod view;
