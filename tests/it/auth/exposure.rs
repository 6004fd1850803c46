//! The service does not start without authorization by mistake; image, README and manual agree.

use fake_authentik::FakeAuthentik;

use super::{READ, SYNC};
use crate::support::process::{Process, get};

const DOCKERFILE: &str = include_str!("../../../Dockerfile");
const PAGES: [&str; 2] = [
    include_str!("../../../README.md"),
    include_str!("../../../docs/install.md"),
];

/// Variables of a service that listens on all addresses, plus `more`.
fn variables<'a>(more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let authentik = [
        ("AUTHENTIK_BASE_URL", "http://127.0.0.1:1"),
        ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
        ("ENTITY_PROVIDER_LISTEN", "0.0.0.0:0"),
    ];
    [&authentik, more].concat()
}

#[tokio::test]
async fn a_service_beyond_loopback_without_read_tokens_does_not_start() {
    for more in [&[][..], &[("ENTITY_PROVIDER_AUTH_SYNC_TOKENS", SYNC)]] {
        let ended = Process::run(&["serve"], &variables(more)).await;
        assert_eq!(ended.status.code(), Some(1));
        for part in [
            "readTokens",
            "0.0.0.0:0",
            "ENTITY_PROVIDER_AUTH_READ_TOKENS",
            "allowAnonymous: true",
        ] {
            assert!(
                ended.error.contains(part),
                "{part} is missing in: {}",
                ended.error
            );
        }
        assert!(!ended.error.contains(SYNC) && !ended.error.contains("listening"));
    }
}

#[tokio::test]
async fn the_flag_listen_is_checked_too() {
    let local = variables(&[("ENTITY_PROVIDER_LISTEN", "127.0.0.1:0")]);
    let ended = Process::run(&["serve", "--listen", "0.0.0.0:0"], &local).await;
    assert!(ended.error.contains("allowAnonymous"), "{}", ended.error);
    let mut serve = Process::spawn(&["serve", "--listen", "127.0.0.1:0"], &variables(&[]));
    assert!(serve.serving().await.starts_with("http://127.0.0.1:"));
}

#[tokio::test]
async fn it_starts_with_tokens_or_with_allow_anonymous() {
    for (variable, value, status) in [
        ("ENTITY_PROVIDER_AUTH_READ_TOKENS", READ, 401),
        ("ENTITY_PROVIDER_AUTH_ALLOW_ANONYMOUS", "true", 503),
    ] {
        let mut serve = Process::spawn(&["serve"], &variables(&[(variable, value)]));
        let service = serve.serving().await.replace("0.0.0.0", "127.0.0.1");
        assert_eq!(get(&format!("{service}/entities")).await.status(), status);
        assert_eq!(get(&format!("{service}/health/live")).await.status(), 200);
    }
}

#[tokio::test]
async fn check_reports_in_advance_that_it_would_not_start() {
    for (more, is_told) in [
        (&[][..], true),
        (&[("ENTITY_PROVIDER_AUTH_READ_TOKENS", READ)], false),
    ] {
        let ended = Process::run(&["check"], &variables(more)).await;
        assert_eq!(
            ended.out.contains("`serve` would not start: "),
            is_told,
            "{}",
            ended.out
        );
        assert!(!ended.out.contains(READ));
    }
}

#[tokio::test]
async fn the_demo_needs_no_tokens() {
    let mut demo = Process::spawn(&["demo", "--users", "5", "--listen", "0.0.0.0:0"], &[]);
    demo.until(|line| format!("{line:?}").contains("Stop it").then_some(()))
        .await;
}

/// Returns the commands of a page that run the image.
fn docker_runs(page: &str) -> Vec<&str> {
    page.split("docker run ")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect()
}

#[test]
fn the_image_and_its_pages_agree_with_the_service() {
    assert!(DOCKERFILE.contains("ENV ENTITY_PROVIDER_LISTEN=0.0.0.0:8080"));
    let mut sets = DOCKERFILE.lines().filter(|line| line.starts_with("ENV"));
    assert!(
        sets.all(|line| !line.contains("AUTH")),
        "the image does not set tokens"
    );
    for page in PAGES {
        assert!(!docker_runs(page).is_empty());
        for command in docker_runs(page) {
            assert!(
                command.contains("ENTITY_PROVIDER_AUTH_READ_TOKENS"),
                "{command}"
            );
        }
    }
}
