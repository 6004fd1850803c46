//! The Backstage side, pure: rows go in, entities and findings come out. No clock, no IO.

pub mod policy;
