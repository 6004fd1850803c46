//! Tests of the page for people in a real Chromium.
//!
//! `tests/page/run` installs Chromium and axe-core and runs this.

#![expect(
    clippy::unwrap_used,
    reason = "a panic is how a test fails, in its helpers too"
)]
#![expect(
    unreachable_pub,
    reason = "nothing is reached from outside a test binary"
)]

mod accessibility;
mod browser;
mod overview;
mod pictures;
mod runs;
mod search;
mod service;
mod tokens;
