//! Tests of the service in front of a real Backstage; they check what its catalog contains.
//!
//! `tests/backstage/run` installs Backstage, starts PostgreSQL and runs this.

#![expect(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]
#![expect(
    unreachable_pub,
    reason = "nothing is reached from outside a test binary"
)]

mod changes;
mod conditional;
mod directories;
mod entities;
mod figures;
mod messages;
mod moves;
mod npm_module;
mod outages;
mod provider;
mod push;
mod recordings;
mod shards;
mod sign_in;
mod support;
mod tokens;
mod url_reader;
mod validity;
