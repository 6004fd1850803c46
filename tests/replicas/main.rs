//! Tests of several replicas that share a PostgreSQL database: real processes, a real database.
//!
//! `tests/replicas/run` installs PostgreSQL and runs this.

#![expect(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]
#![expect(
    unreachable_pub,
    reason = "nothing is reached from outside a test binary"
)]

mod faults;
mod figures;
mod sharing;
mod support;
