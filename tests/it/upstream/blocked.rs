//! A proxy, firewall or CDN that refuses requests in Authentik's place.

use super::*;
use crate::support::process::Process;

/// A refusal by another server than Authentik.
fn refusal(status: u16, headers: &[(&str, &str)], body: &str) -> Action {
    let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
    Action::Answer(CannedAnswer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers.iter().map(owned).collect(),
        body: body.into(),
    })
}

/// Refusals of known products, each with its expected description.
fn refusals() -> Vec<(Action, &'static str)> {
    let html = ("content-type", "text/html; charset=UTF-8");
    let page = "<!DOCTYPE html><title>Attention Required! | Cloudflare</title>";
    let envoy = [("server", "istio-envoy"), ("content-type", "text/plain")];
    let squid = [("server", "squid/5.7"), ("content-type", "text/html")];
    let gateway = [("content-type", "application/json")];
    vec![
        (
            refusal(403, &[("server", "cloudflare"), html], page),
            "(server \"cloudflare\", content type \"text/html; charset=UTF-8\")",
        ),
        (
            refusal(403, &envoy, "RBAC: access denied"),
            "(server \"istio-envoy\", content type \"text/plain\")",
        ),
        (
            refusal(403, &squid, "<html>ERR_ACCESS_DENIED</html>"),
            "(server \"squid/5.7\", content type \"text/html\")",
        ),
        (
            refusal(407, &squid, "<html>ERR_CACHE_ACCESS_DENIED</html>"),
            "(server \"squid/5.7\", content type \"text/html\")",
        ),
        (
            refusal(401, &[("server", "nginx"), html], "<h1>401</h1>"),
            "(server \"nginx\", content type \"text/html; charset=UTF-8\")",
        ),
        (
            refusal(403, &gateway, r#"{"message":"Forbidden"}"#),
            "(no server, content type \"application/json\")",
        ),
        (refusal(403, &[], ""), "(no server, no content type)"),
    ]
}

#[tokio::test]
async fn a_run_names_the_server_that_refused_and_the_remedy() {
    for place in [Target::Users, Target::Groups, Target::Anywhere] {
        for (action, origin) in refusals() {
            let pair = in_pages().await;
            pair.fake
                .script(ScriptStep::at(place.clone(), action).always());
            let message = assert_fails(&pair, "blocked").await;
            assert_contains(
                &message,
                &[&pair.authentik.base, " answered 40", origin, "firewall"],
            );
        }
    }
}

#[tokio::test]
async fn a_check_names_the_server_that_refused_and_not_the_token() {
    for (action, origin) in refusals() {
        let pair = in_pages().await;
        pair.fake
            .script(ScriptStep::at(Target::Anywhere, action).always());
        let variables = [
            ("AUTHENTIK_BASE_URL", pair.authentik.base.as_str()),
            ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
        ];
        let ended = Process::run(&["check"], &variables).await;
        assert_eq!(ended.status.code(), Some(1), "{}", ended.out);
        assert_contains(&ended.out, &["✗ view", origin, "→ check the proxy"]);
        assert!(!ended.out.contains("✗ token"), "{}", ended.out);
    }
}

#[tokio::test]
async fn a_blocked_version_page_alone_fails_no_run() {
    let pair = in_pages().await;
    let action = refusal(403, &[("server", "nginx")], "<h1>403</h1>");
    pair.fake
        .script(ScriptStep::at(Target::Version, action).always());
    assert_eq!(pair.app.sync().await["users"], 45);
}

#[tokio::test]
async fn a_hostile_header_is_shortened_and_shown_as_data() {
    let pair = in_pages().await;
    let server = format!("\u{1b}[2J{}{}", FakeAuthentik::TOKEN, "x".repeat(500));
    let server = server.replace('\u{1b}', "\t\u{85}");
    let action = refusal(403, &[("server", &server)], "<h1>403</h1>");
    pair.fake
        .script(ScriptStep::at(Target::Users, action).always());
    let message = assert_fails(&pair, "blocked").await;
    assert!(!message.chars().any(char::is_control), "{message:?}");
    assert!(!message.contains(FakeAuthentik::TOKEN), "{message}");
    assert!(!message.contains(&"x".repeat(61)), "{message}");
}
