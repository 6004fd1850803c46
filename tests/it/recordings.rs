//! The recorded answers of both generations, from the client to the served body.

use authentik_entity_provider::catalog::policy::NamePolicy;
use serde_json::Value;

use crate::support::app::{TestApp, config};
use crate::support::directory::{assert_contains, failure, findings, hold};
use crate::support::replay::{EMPTY, FULL, OBJECT_LEVEL, Replay};

const RELEASES: [&str; 2] = ["2025.10", "2026.5"];

/// A service in front of a replay, after one run.
async fn replayed(
    release: &'static str,
    token: &str,
    names: NamePolicy,
) -> (Replay, TestApp, Value) {
    let replay = Replay::spawn(release).await;
    let mut config = config(&replay.base, token);
    config.service.names = names;
    let app = TestApp::spawn(config).await;
    let run = app.sync().await;
    (replay, app, run)
}

/// Returns the served body and the findings, without pictures and values that differ between runs.
async fn outcome(replay: &Replay, app: &TestApp, run: &Value) -> String {
    assert_eq!(run["state"], "succeeded", "{run}");
    let body = app.fetch("/entities").await.text().await.unwrap();
    let body = body.replace(&replay.base, "https://authentik.example.com");
    let mut lines: Vec<String> = body.lines().map(without_picture).collect();
    lines.push("=== findings".into());
    for finding in run["findingList"].as_array().unwrap() {
        let text = |key: &str| finding[key].as_str().unwrap_or("(none)");
        lines.push(format!(
            "{}: {:?} -> {:?}",
            text("code"),
            text("source"),
            text("name")
        ));
        lines.push(format!("    {}", text("message")));
        lines.push(format!("    {}", text("remedy")));
    }
    lines.join("\n")
}

/// Replaces the data of a picture in a line by its length.
fn without_picture(line: &str) -> String {
    let Some((before, rest)) = line.split_once("data:image/svg+xml;base64,") else {
        return line.to_owned();
    };
    let (data, after) = rest.split_once('"').unwrap();
    format!(
        "{before}data:image/svg+xml;base64,({} characters)\"{after}",
        data.len()
    )
}

#[tokio::test]
async fn both_generations_give_the_reviewed_entities_and_findings() {
    for release in RELEASES {
        for (names, policy) in [
            ("npm-module", NamePolicy::NpmModule),
            ("backstage", NamePolicy::Backstage),
        ] {
            let (replay, app, run) = replayed(release, FULL, policy).await;
            insta::assert_snapshot!(
                format!("{release}-{names}"),
                outcome(&replay, &app, &run).await
            );
        }
    }
}

#[tokio::test]
async fn a_filtered_permission_is_found_on_the_first_run() {
    for release in RELEASES {
        let (replay, app, run) = replayed(release, OBJECT_LEVEL, NamePolicy::NpmModule).await;
        let (code, message) = hold(&run);
        assert_eq!(code, "hidden-rows");
        assert_contains(
            message,
            &[
                "4 of 7 users",
                "`view_user` and `view_group`",
                "accept=shrink",
            ],
        );
        assert_eq!(app.fetch("/entities").await.status(), 503);
        let run = app.sync_accepting().await;
        let users = findings(&run, "hidden-users");
        let groups = findings(&run, "hidden-groups");
        assert_eq!((users.len(), groups.len()), (1, 1), "{run}");
        assert_contains(users[0]["remedy"].as_str().unwrap(), &["`view_user`"]);
        assert_contains(groups[0]["remedy"].as_str().unwrap(), &["`view_group`"]);
        insta::assert_snapshot!(
            format!("{release}-objperm"),
            outcome(&replay, &app, &run).await
        );
    }
}

#[tokio::test]
async fn an_empty_list_without_an_error_is_held_until_it_is_accepted() {
    for release in RELEASES {
        let (_replay, app, run) = replayed(release, EMPTY, NamePolicy::NpmModule).await;
        let (code, message) = hold(&run);
        assert_eq!(code, "empty-user-list");
        assert_contains(
            message,
            &["`view_user`", "internal service account", "accept=shrink"],
        );
        assert_eq!(app.fetch("/entities").await.status(), 503);
        assert_eq!(app.sync_accepting().await["users"], 0);
        assert!(app.names("user").await.is_empty());
    }
}

#[tokio::test]
async fn every_recorded_rejection_of_a_token_has_its_error() {
    for release in RELEASES {
        for kind in [
            "no-token",
            "bad-token",
            "basic-scheme",
            "empty-bearer",
            "app-password-token",
            "verification-token",
            "expired-token",
            "inactive-user-token",
        ] {
            let (_replay, _app, run) =
                replayed(release, &format!("error-{kind}"), NamePolicy::NpmModule).await;
            let (code, message) = failure(&run);
            assert_eq!(code, "token", "{release} {kind}: {message}");
            assert_contains(
                message,
                &["expired", "inactive", "app password", "intent `API`"],
            );
        }
    }
}

#[tokio::test]
async fn every_recorded_refusal_of_a_list_names_the_missing_permission() {
    for release in RELEASES {
        for (error, permission) in [
            ("error-noperm-users", "lacks the permission `view_user`"),
            ("error-noperm-groups", "lacks the permission `view_group`"),
            (
                "error-viewuser-only-groups",
                "lacks the permission `view_group`",
            ),
        ] {
            let (_replay, _app, run) = replayed(release, error, NamePolicy::NpmModule).await;
            let (code, message) = failure(&run);
            assert_eq!(code, "permission", "{release} {error}: {message}");
            assert_contains(message, &[permission]);
        }
    }
}

#[tokio::test]
async fn every_other_recorded_error_names_the_address_and_what_came() {
    for release in RELEASES {
        for (error, expected, part) in [
            ("error-bad-filter-type", "status", "400"),
            ("error-bad-filter-date", "status", "400"),
            ("error-page-beyond-end", "not-authentik", "baseUrl"),
            ("error-page-zero", "not-authentik", "baseUrl"),
            ("error-page-nan", "not-authentik", "baseUrl"),
            ("error-unknown-user", "not-authentik", "baseUrl"),
            ("error-unknown-route", "not-authentik", "baseUrl"),
        ] {
            let (replay, _app, run) = replayed(release, error, NamePolicy::NpmModule).await;
            let (code, message) = failure(&run);
            assert_eq!(code, expected, "{release} {error}: {message}");
            assert_contains(message, &[part, &replay.base]);
        }
    }
}
