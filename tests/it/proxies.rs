//! Requests to Authentik and Backstage through the proxy of the environment.

use authentik_entity_provider::backstage::client::BackstageClient;
use authentik_entity_provider::outbound::proxy::Proxies;
use fake_authentik::{FakeAuthentik, Release};

use crate::support::RunningAuthentik;
use crate::support::directory::{assert_contains, crowd};
use crate::support::process::{Ended, Process};
use crate::support::proxy::ForwardProxy;
use crate::tls::Authority;

/// A server whose name only the proxy resolves.
const HIDDEN: &str = "http://authentik.invalid";

/// The address of a proxy that does not run.
const CLOSED: &str = "http://127.0.0.1:1";

/// Runs `check` on a server.
async fn check(base: &str, more: &[(&str, &str)]) -> Ended {
    let variables = [
        ("AUTHENTIK_BASE_URL", base),
        ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
    ];
    Process::run(&["check"], &[&variables, more].concat()).await
}

async fn fake_authentik() -> RunningAuthentik {
    RunningAuthentik::spawn(&FakeAuthentik::new(Release::V2026_5, crowd(5))).await
}

#[tokio::test]
async fn a_plain_server_is_read_through_a_proxy_that_knows_its_user() {
    let authentik = fake_authentik().await;
    let proxy = ForwardProxy::to(&authentik.base).await;
    let ended = check(HIDDEN, &[("HTTP_PROXY", &proxy.url_with("ann:s3cret"))]).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.out);
    let heads = proxy.heads();
    assert!(
        heads[0].starts_with("GET http://authentik.invalid/api/v3/"),
        "{heads:?}"
    );
    // `ann:s3cret` in base64.
    let credentials = "proxy-authorization: Basic YW5uOnMzY3JldA==";
    assert!(
        heads.iter().all(|head| head.contains(credentials)),
        "{heads:?}"
    );
}

#[tokio::test]
async fn an_encrypted_server_is_read_through_a_tunnel() {
    let authority = Authority::new();
    let base = authority.serve("authentik.invalid").await;
    let proxy = ForwardProxy::to(&base).await;
    let ca_file = authority.file();
    let variables = [
        ("https_proxy", proxy.url()),
        (
            "ENTITY_PROVIDER_CA_FILE",
            ca_file.to_str().unwrap().to_owned(),
        ),
    ];
    let variables = variables
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let ended = check("https://authentik.invalid", &variables).await;
    assert_eq!(ended.status.code(), Some(0), "{}", ended.out);
    let heads = proxy.heads();
    assert!(
        heads[0].starts_with("CONNECT authentik.invalid:443 HTTP/1.1\r\n"),
        "{heads:?}"
    );
    assert!(
        !heads.concat().contains(FakeAuthentik::TOKEN),
        "the proxy sees no token"
    );
}

#[tokio::test]
async fn exceptions_are_reached_directly() {
    let authentik = fake_authentik().await;
    let proxy = ForwardProxy::to(&authentik.base).await;
    let url = proxy.url();
    for (list, code) in [
        ("invalid", 1),
        (".invalid", 1),
        ("localhost, *.invalid", 1),
        ("authentik.invalid:80", 1),
        ("*", 1),
        ("authentik.invalid:443,thentik.invalid,10.0.0.0/8", 0),
    ] {
        let ended = check(HIDDEN, &[("ALL_PROXY", &url), ("NO_PROXY", list)]).await;
        assert_eq!(ended.status.code(), Some(code), "{list}: {}", ended.out);
        if code == 1 {
            assert_contains(&ended.out, &["cannot resolve the host"]);
            assert!(!ended.out.contains("proxy http"), "{}", ended.out);
        }
    }
    let direct = check(&authentik.base, &[("HTTP_PROXY", CLOSED)]).await;
    assert_eq!(direct.status.code(), Some(0), "loopback: {}", direct.out);
}

#[tokio::test]
async fn a_failure_through_a_proxy_names_the_proxy_without_credentials() {
    let refusing = ForwardProxy::answering("403 Forbidden").await;
    let asking = ForwardProxy::answering("407 Proxy Authentication Required").await;
    let failing = ForwardProxy::answering("503 Service Unavailable").await;
    let closed = CLOSED.to_owned();
    let hidden_tls = "https://authentik.invalid";
    for (base, variable, proxy, parts) in [
        (
            HIDDEN,
            "HTTP_PROXY",
            &closed,
            ["cannot reach http://authentik.invalid", "check the proxy"],
        ),
        (
            hidden_tls,
            "HTTPS_PROXY",
            &closed,
            ["cannot reach https://authentik.invalid", "NO_PROXY"],
        ),
        (
            hidden_tls,
            "HTTPS_PROXY",
            &refusing.url(),
            ["cannot reach", "tunnel"],
        ),
        (
            hidden_tls,
            "ALL_PROXY",
            &asking.url(),
            ["cannot reach", "authorization"],
        ),
        (
            HIDDEN,
            "HTTP_PROXY",
            &asking.url(),
            ["cannot reach", "asks for a user and a password"],
        ),
        (
            HIDDEN,
            "http_proxy",
            &failing.url(),
            ["answered 503", "try again"],
        ),
    ] {
        let with_credentials = proxy.replace("://", "://ann:s3cret@");
        let ended = check(base, &[(variable, &with_credentials)]).await;
        assert_eq!(ended.status.code(), Some(1), "{}", ended.out);
        assert_contains(&ended.out, &[&format!("the proxy {proxy} ({variable})")]);
        assert_contains(&ended.out, &parts);
        let output = ended.out + &ended.error;
        assert!(!output.contains("s3cret"), "{output}");
    }
}

#[tokio::test]
async fn an_invalid_proxy_variable_is_a_configuration_error() {
    for value in [
        "socks5://ann:s3cret@127.0.0.1:1080",
        "http://ann:s3cret@:3128",
    ] {
        for command in ["serve", "check"] {
            let variables = [
                ("AUTHENTIK_BASE_URL", HIDDEN),
                ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
                ("HTTPS_PROXY", value),
            ];
            let ended = Process::run(&[command], &variables).await;
            assert_eq!(ended.status.code(), Some(1), "{}", ended.error);
            let output = ended.out + &ended.error;
            assert_contains(
                &output,
                &["HTTPS_PROXY: expected the URL of an HTTP proxy", "unset it"],
            );
            assert!(!output.contains("s3cret"), "{output}");
        }
    }
}

#[tokio::test]
async fn backstage_is_reached_through_the_proxy_too() {
    let refusing = ForwardProxy::answering("403 Forbidden").await;
    let backstage = "http://backstage.invalid".parse().unwrap();
    for (proxy, code) in [
        (CLOSED.to_owned(), "backstage-unreachable"),
        (refusing.url(), "backstage-token"),
    ] {
        let url = proxy.replace("://", "://ann:s3cret@");
        let proxies =
            Proxies::from_env(|name| (name == "HTTP_PROXY").then(|| url.clone())).unwrap();
        let client = BackstageClient::new(&backstage, &"a-token".into(), &proxies).unwrap();
        let error = client.refresh("location:default/any").await.unwrap_err();
        assert_eq!(error.code(), code);
        let output = error.to_string();
        assert!(
            output.starts_with(&format!("through the proxy {proxy} (HTTP_PROXY): ")),
            "{output}"
        );
        assert!(!output.contains("s3cret"), "{output}");
    }
    assert!(refusing.heads()[0].starts_with("POST http://backstage.invalid/api/catalog/refresh"));
}
