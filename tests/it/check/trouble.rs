//! Faults without a recording: versions, clocks, other servers, the configuration.

use fake_authentik::{
    Access, Action, CannedAnswer, FakeAuthentik, FakeDirectory, Release, ScriptStep, Target,
};
use reqwest::StatusCode;

use super::{check, small};
use crate::support::RunningAuthentik;
use crate::support::directory::{assert_contains, crowd, group_pk};
use crate::support::process::Process;

/// A fake Authentik with a directory.
async fn with(directory: FakeDirectory) -> (FakeAuthentik, RunningAuthentik) {
    let fake = FakeAuthentik::new(Release::V2026_5, directory);
    let authentik = RunningAuthentik::spawn(&fake).await;
    (fake, authentik)
}

/// Returns exit code and report if the version endpoint gives this answer.
async fn introduced(answer: Action) -> (Option<i32>, String) {
    let (fake, authentik) = small(Release::V2026_5).await;
    fake.script(ScriptStep::at(Target::Version, answer).always());
    let ended = check(&authentik.base, FakeAuthentik::TOKEN, &[]).await;
    (ended.status.code(), ended.out)
}

/// An answer with a version.
fn version(version: &str) -> Action {
    Action::answer(
        StatusCode::OK,
        format!(r#"{{"version_current":"{version}"}}"#),
    )
}

#[tokio::test]
async fn an_old_version_fails_and_an_unknown_one_is_a_warning() {
    for (reported, code, part) in [
        ("2024.2.0", 0, "✓ version         Authentik 2024.2.0"),
        (
            "2023.10.7",
            1,
            "✗ version         Authentik 2023.10.7 is older than 2024.2",
        ),
        ("2024.1", 1, "✗ version"),
        (
            "main",
            0,
            "! version         Authentik calls its version \"main\"",
        ),
    ] {
        let (status, report) = introduced(version(reported)).await;
        assert_eq!(status, Some(code), "{report}");
        assert_contains(&report, &[part, "entities."]);
    }
}

#[tokio::test]
async fn an_unknown_version_does_not_stop_the_check() {
    for body in ["<html>", "{}", "[]"] {
        let (status, report) = introduced(Action::answer(StatusCode::OK, body)).await;
        assert_eq!(status, Some(0), "{report}");
        assert_contains(
            &report,
            &["- token", "! version", "→ check `baseUrl`", "✓ reading"],
        );
    }
    let (status, report) = introduced(Action::answer(StatusCode::NOT_FOUND, "{}")).await;
    assert_eq!(status, Some(0), "{report}");
}

#[tokio::test]
async fn a_distant_clock_is_a_warning() {
    let headers = [
        ("content-type", "application/json"),
        ("date", "Sun, 22 Nov 2015 10:00:00 GMT"),
    ];
    let answer = CannedAnswer {
        status: StatusCode::OK,
        headers: headers
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .to_vec(),
        body: br#"{"version_current":"2026.5.0"}"#.to_vec(),
    };
    let (status, report) = introduced(Action::Answer(answer)).await;
    assert_eq!(status, Some(0), "{report}");
    assert_contains(
        &report,
        &[
            "! clock           Authentik's clock is ",
            "behind this machine's",
            "→ let both",
        ],
    );
}

#[tokio::test]
async fn a_server_that_cannot_answer_is_reported_at_once() {
    for (answer, parts) in [
        (
            Action::answer(StatusCode::SERVICE_UNAVAILABLE, "{}"),
            ["answered 503", "try again in a moment"],
        ),
        (
            Action::redirect("https://elsewhere.example"),
            ["redirects to https://elsewhere.example", "baseUrl"],
        ),
    ] {
        let (status, report) = introduced(answer).await;
        assert_eq!(status, Some(1), "{report}");
        assert_contains(&report, &["✗ connection", "- findings", parts[0], parts[1]]);
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let ended = check(&format!("http://{free}"), "token", &[]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert_contains(
        &ended.out,
        &[
            "✗ connection      cannot connect to",
            "→ check that Authentik runs there",
        ],
    );
}

#[tokio::test]
async fn a_wrong_configuration_skips_everything_else() {
    let ended = Process::run(&["check"], &[]).await;
    assert_eq!((ended.status.code(), ended.error.as_str()), (Some(1), ""));
    assert_contains(
        &ended.out,
        &[
            "✗ configuration",
            "AUTHENTIK_BASE_URL",
            "- connection",
            "- findings",
        ],
    );
}

#[tokio::test]
async fn a_probable_mistake_in_the_configuration_is_a_warning() {
    let (_fake, authentik) = small(Release::V2026_5).await;
    let variables = [
        ("AUTHENTIK_BASE_URL", authentik.base.as_str()),
        ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
        ("ENTITY_PROVIDER_LISEN", "127.0.0.1:80"),
    ];
    let ended = Process::run(&["check"], &variables).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.out);
    assert_contains(&ended.out, &["! configuration", "ENTITY_PROVIDER_LISEN"]);
}

#[tokio::test]
async fn certificates_that_cannot_be_read_are_a_warning() {
    let (_fake, authentik) = small(Release::V2026_5).await;
    let variables = [
        ("AUTHENTIK_BASE_URL", authentik.base.as_str()),
        ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
        ("ENTITY_PROVIDER_TLS_CERT_FILE", "/nowhere/cert.pem"),
        ("ENTITY_PROVIDER_TLS_KEY_FILE", "/nowhere/key.pem"),
    ];
    let ended = Process::run(&["check"], &variables).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.out);
    assert_contains(
        &ended.out,
        &["! configuration", "`serve` would not start", "/nowhere/"],
    );
}

#[tokio::test]
async fn a_token_that_authentik_repeats_is_not_shown() {
    let secret = "zQ7xW2vK9pLmR4tY8uB3nC6hJ1sD5fG0aEqZ";
    let echo = format!(r#"{{"detail":"no token {secret}"}}"#);
    for (status, place) in [
        (StatusCode::FORBIDDEN, Target::Version),
        (StatusCode::BAD_REQUEST, Target::Users),
    ] {
        let (fake, authentik) = small(Release::V2026_5).await;
        fake.grant(secret, Access::Full);
        fake.script(ScriptStep::at(place, Action::answer(status, echo.clone())).always());
        for output in ["text", "json"] {
            let ended = check(&authentik.base, secret, &["--format", output]).await;
            assert_eq!(ended.status.code(), Some(1));
            assert!(
                ended.out.contains("no token (token)") && !ended.out.contains(secret),
                "{}",
                ended.out
            );
        }
    }
}

#[tokio::test]
async fn few_hidden_rows_fail_the_check_although_a_service_would_publish_the_others() {
    let (fake, authentik) = with(crowd(35)).await;
    let users = (1..=31).chain([35]).collect();
    fake.grant(
        FakeAuthentik::TOKEN,
        Access::ObjectLevel {
            users,
            groups: [group_pk(1)].into(),
        },
    );
    let ended = check(&authentik.base, FakeAuthentik::TOKEN, &[]).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.out);
    assert_contains(
        &ended.out,
        &[
            "✗ full-view",
            "hidden-users",
            "would publish it all the same",
        ],
    );
}

#[tokio::test]
async fn a_first_sync_that_would_be_held_fails_the_check() {
    let (fake, authentik) = with(crowd(5)).await;
    fake.edit(|directory| assert!((1..6).all(|pk| directory.set_active(pk, false))));
    let ended = check(&authentik.base, FakeAuthentik::TOKEN, &[]).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.out);
    assert_contains(
        &ended.out,
        &[
            "✗ full-view",
            "no user would be left",
            "would hold this",
            "→ check the token",
        ],
    );
}

#[tokio::test]
async fn a_full_sync_that_takes_too_long_names_the_timeout_to_raise() {
    let (fake, authentik) = small(Release::V2026_5).await;
    // The first request checks the permission, the second starts the full sync.
    fake.script(ScriptStep::at(Target::Users, Action::Hang).nth(2));
    let variables = [
        ("AUTHENTIK_BASE_URL", authentik.base.as_str()),
        ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
        (
            "APP_CONFIG_catalog_providers_authentik_schedule_timeout",
            "100ms",
        ),
        ("ENTITY_PROVIDER_FULL_SYNC_TIMEOUT", "200ms"),
    ];
    let ended = Process::run(&["check"], &variables).await;
    assert_eq!(ended.status.code(), Some(1), "{}", ended.out);
    assert_contains(
        &ended.out,
        &[
            "✗ reading",
            "`fullSync.timeout`",
            "→ raise",
            "- full-view",
            "- findings",
        ],
    );
}
