//! `GET /entities`, with the requests of Backstage and others.

mod body;
mod by_name;
mod codings;
mod concurrency;
mod conditional;
mod negotiation;

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};

use crate::support::RunningAuthentik;
use crate::support::app::{Pair, TestApp, config};

/// Every way to request a body, as query and `Accept`.
const VARIANTS: [(&str, &str); 9] = [
    ("", "*/*"),
    ("?kind=user", "*/*"),
    ("?kind=group", "*/*"),
    ("?format=json", "*/*"),
    ("?format=json&kind=user", "*/*"),
    ("?kind=group", "application/json"),
    ("", "application/x-ndjson"),
    ("?format=ndjson&kind=user", "*/*"),
    ("?format=ndjson&kind=group", "*/*"),
];

/// Every coding, by the `Accept-Encoding` that requests it.
const CODINGS: [&str; 4] = ["identity", "gzip", "br", "zstd"];

/// A generated directory with names that try to break out of their quotes.
fn hostile_directory(users: usize) -> FakeDirectory {
    let mut directory = FakeDirectory::generate(users);
    let hostile = [
        "---",
        "...",
        "x\n---\n{}",
        "\u{2028}\u{2029}\u{85}\u{feff}",
        "\"quoted\" \\ and 'single'",
        "null",
        "{\"$text\": \"https://example.com\"}",
        "# comment: *anchor &alias !!tag %directive @at `tick`",
        "tab\tbell\u{7}escape\u{1b}",
        "👩‍👩‍👧‍👦 Ünïcode",
    ];
    for (at, name) in hostile.into_iter().enumerate() {
        let pk = directory.add_user(&format!("hostile-{at}"));
        directory.edit_user(pk, |user| {
            name.clone_into(&mut user.name);
            user.email = format!("{name}@example.com");
            user.avatar = "data:image/svg+xml,<svg>---\n</svg>".into();
        });
        let group = directory.add_group(&format!("{name} {at}"));
        assert!(directory.add_member(group, pk));
    }
    directory
}

/// A service after one sync of the directory.
async fn synced(directory: FakeDirectory) -> Pair {
    let pair = Pair::spawn(Release::V2026_5, directory, |_| ()).await;
    assert_eq!(pair.app.sync().await["state"], "succeeded");
    pair
}

/// Two services after a sync of the same Authentik, as before and after a restart.
async fn restarted(directory: FakeDirectory) -> (TestApp, TestApp, RunningAuthentik) {
    let fake = FakeAuthentik::new(Release::V2026_5, directory);
    let authentik = RunningAuthentik::spawn(&fake).await;
    let spawn = || TestApp::spawn(config(&authentik.base, FakeAuthentik::TOKEN));
    let (before, after) = (spawn().await, spawn().await);
    for app in [&before, &after] {
        assert_eq!(app.sync().await["state"], "succeeded");
    }
    (before, after, authentik)
}
