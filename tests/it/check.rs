//! `check`, run as the real binary: its reports on recorded answers and on faults.

mod shape;
mod trouble;

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};

use crate::support::RunningAuthentik;
use crate::support::process::{Ended, Process};
use crate::support::replay::{EMPTY, FULL, OBJECT_LEVEL, Replay};

const RELEASES: [&str; 2] = ["2025.10", "2026.5"];

/// Checks a server; asserts that stderr is empty and that the report has no colours.
async fn check(base: &str, token: &str, arguments: &[&str]) -> Ended {
    let variables = [("AUTHENTIK_BASE_URL", base), ("AUTHENTIK_TOKEN", token)];
    let ended = Process::run(&[&["check"], arguments].concat(), &variables).await;
    assert_eq!(
        ended.error, "",
        "no progress bar and no log if standard error is not a terminal"
    );
    assert!(
        !ended.out.contains('\u{1b}'),
        "no colours if standard output is not a terminal"
    );
    ended
}

/// Returns the report on a recorded token and the exit code, without values that differ between
/// runs.
async fn recorded(release: &'static str, token: &str) -> String {
    let replay = Replay::spawn(release).await;
    let ended = check(&replay.base, token, &[]).await;
    let report = ended
        .out
        .replace(&replay.base, "https://authentik.example.com");
    format!("{report}\nexit code {}", ended.status.code().unwrap())
}

/// A fake Authentik with a small directory.
async fn small(release: Release) -> (FakeAuthentik, RunningAuthentik) {
    let fake = FakeAuthentik::new(release, FakeDirectory::generate(30));
    let authentik = RunningAuthentik::spawn(&fake).await;
    (fake, authentik)
}

#[tokio::test]
async fn a_full_view_passes_the_check_despite_findings() {
    for release in RELEASES {
        let report = recorded(release, FULL).await;
        assert!(report.ends_with("exit code 0"), "{report}");
        insta::assert_snapshot!(format!("{release}-full"), report);
    }
}

#[tokio::test]
async fn a_filtered_view_fails_the_check() {
    for release in RELEASES {
        let report = recorded(release, OBJECT_LEVEL).await;
        assert!(report.ends_with("exit code 1"), "{report}");
        insta::assert_snapshot!(format!("{release}-objperm"), report);
    }
}

#[tokio::test]
async fn an_empty_user_list_fails_the_check() {
    for release in RELEASES {
        let report = recorded(release, EMPTY).await;
        assert!(report.ends_with("exit code 1"), "{report}");
        insta::assert_snapshot!(format!("{release}-internalsa-empty"), report);
    }
}

/// The recorded errors that a list can answer with.
const ERRORS: [&str; 18] = [
    "no-token",
    "bad-token",
    "basic-scheme",
    "empty-bearer",
    "app-password-token",
    "verification-token",
    "expired-token",
    "inactive-user-token",
    "noperm-users",
    "noperm-groups",
    "viewuser-only-groups",
    "bad-filter-type",
    "bad-filter-date",
    "page-beyond-end",
    "page-zero",
    "page-nan",
    "unknown-user",
    "unknown-route",
];

#[tokio::test]
async fn every_recorded_rejection_is_reported_with_its_remedy() {
    for release in RELEASES {
        let mut reports = Vec::new();
        for error in ERRORS {
            let report = recorded(release, &format!("error-{error}")).await;
            assert!(
                report.contains("✗") && report.ends_with("exit code 1"),
                "{error}: {report}"
            );
            reports.push(format!("=== {error}\n{report}\n"));
        }
        insta::assert_snapshot!(format!("{release}-errors"), reports.join("\n"));
    }
}
