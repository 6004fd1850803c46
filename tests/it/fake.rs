//! The fake Authentik: comparison with recordings of the real server, and scripted faults.

mod access;
mod directory;
mod fidelity;
mod lists;
mod script;

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};

use crate::support::RunningAuthentik;

/// Serves a generated directory of 60 users.
async fn sixty_users(release: Release) -> (FakeAuthentik, RunningAuthentik) {
    let fake = FakeAuthentik::new(release, FakeDirectory::generate(60));
    let server = RunningAuthentik::spawn(&fake).await;
    (fake, server)
}

/// Returns the rows of a page.
fn rows(page: &serde_json::Value) -> &[serde_json::Value] {
    page["results"].as_array().unwrap()
}
