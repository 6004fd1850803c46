//! The service in front of a real Backstage: what counts is what appears there.
//!
//! `tests/backstage/run` installs Backstage, starts PostgreSQL and runs this.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails, in its helpers too")]
#![expect(unreachable_pub, reason = "nothing is reached from outside a test binary")]

mod changes;
mod conditional;
mod entities;
mod figures;
mod npm_module;
mod outages;
mod recordings;
mod support;
