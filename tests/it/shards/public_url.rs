//! The base URL that the service derives for its targets.

use fake_authentik::Release;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::app::{Pair, TestApp};
use crate::support::client_builder;
use crate::support::directory::crowd;
use crate::support::wire::{Answer, documents};

/// Headers that a proxy in front of the service adds.
const FORWARDED: [(&str, &str); 4] = [
    ("host", "inner.example.com:8080"),
    ("x-forwarded-host", "outer.example.com"),
    ("x-forwarded-proto", "https"),
    ("x-forwarded-prefix", "/people"),
];

const REQUESTED: &str =
    "Accept, Accept-Encoding, Host, X-Forwarded-Host, X-Forwarded-Prefix, X-Forwarded-Proto";

async fn pair(public_url: Option<&str>, trusted_proxies: &[&str]) -> Pair {
    Pair::spawn(Release::V2026_5, crowd(3), |config| {
        config.service.public_url = public_url.map(str::to_owned);
        config.service.trusted_proxies = trusted_proxies
            .iter()
            .map(|network| network.parse().unwrap())
            .collect();
    })
    .await
}

/// Returns the first target and the answer's `Vary`.
async fn target(app: &TestApp, headers: &[(&str, &str)]) -> (String, String) {
    let answer = Answer::get(app, "/locations?shards=1", headers).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let location = documents(&answer.text()).remove(0);
    (
        location["spec"]["target"].as_str().unwrap().to_owned(),
        answer.header("vary").to_owned(),
    )
}

fn expected(base: &str, vary: &str) -> (String, String) {
    (format!("{base}/entities?shard=0/1"), vary.to_owned())
}

#[tokio::test]
async fn without_a_public_url_it_is_the_requested_host() {
    let pair = pair(None, &[]).await;
    assert_eq!(
        target(&pair.app, &[]).await,
        expected(&pair.app.base, REQUESTED)
    );
    let named = [("host", "entities.example.com:8080")];
    assert_eq!(
        target(&pair.app, &named).await,
        expected("http://entities.example.com:8080", REQUESTED)
    );
}

#[tokio::test]
async fn over_http_2_it_is_the_authority() {
    let pair = pair(None, &[]).await;
    let client = client_builder().http2_prior_knowledge().build().unwrap();
    let answer = client
        .get(format!("{}/locations?shards=1", pair.app.base))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.version(), reqwest::Version::HTTP_2);
    let location = documents(&answer.text().await.unwrap()).remove(0);
    assert_eq!(
        location["spec"]["target"],
        format!("{}/entities?shard=0/1", pair.app.base)
    );
}

#[tokio::test]
async fn a_public_url_overrides_every_header() {
    let pair = pair(
        Some("https://entities.example.com/people"),
        &["127.0.0.0/8"],
    )
    .await;
    let public = expected(
        "https://entities.example.com/people",
        "Accept, Accept-Encoding",
    );
    assert_eq!(target(&pair.app, &[]).await, public);
    assert_eq!(target(&pair.app, &FORWARDED).await, public);
    assert_eq!(
        target(&pair.app, &[("host", "a,b")]).await,
        public,
        "the list is public"
    );
}

#[tokio::test]
async fn forwarded_headers_apply_only_from_a_trusted_proxy() {
    for (trusted, base) in [
        (vec![], "http://inner.example.com:8080"),
        (
            vec!["10.0.0.0/8", "::1/128"],
            "http://inner.example.com:8080",
        ),
        (
            vec!["10.0.0.0/8", "127.0.0.0/8"],
            "https://outer.example.com/people",
        ),
    ] {
        let pair = pair(None, &trusted).await;
        assert_eq!(
            target(&pair.app, &FORWARDED).await,
            expected(base, REQUESTED),
            "{trusted:?}"
        );
    }
}

#[tokio::test]
async fn each_base_has_its_own_list_and_tag() {
    let pair = pair(None, &[]).await;
    let ask = async |host, coding| {
        Answer::get(
            &pair.app,
            "/locations?shards=4",
            &[("host", host), ("accept-encoding", coding)],
        )
        .await
    };
    for coding in ["identity", "gzip"] {
        let (a, b) = (
            ask("a.example.com", coding).await,
            ask("b.example.com", coding).await,
        );
        assert!(a.text().contains("//a.example.com/") && !a.text().contains("//b.example.com/"));
        assert!(b.text().contains("//b.example.com/") && !b.text().contains("//a.example.com/"));
        assert_ne!(a.etag(), b.etag());
        assert_eq!(a.etag(), ask("a.example.com", coding).await.etag());
    }
}

#[tokio::test]
async fn an_invalid_host_is_rejected_and_not_repeated() {
    let trusting = pair(None, &["127.0.0.1/32"]).await;
    for (name, value) in [
        ("host", "a.example.com/evil"),
        ("host", "evil@a.example.com"),
        ("x-forwarded-host", "evil?"),
        ("x-forwarded-proto", "evil"),
        ("x-forwarded-prefix", "/../evil"),
    ] {
        let answer = Answer::get(&trusting.app, "/locations?shards=2", &[(name, value)]).await;
        let detail = answer.problem(400, "bad-host");
        assert!(
            detail.contains(name) && detail.contains("publicUrl") && !detail.contains("evil"),
            "{detail}"
        );
        let entities = Answer::get(&trusting.app, "/health/live", &[(name, value)]).await;
        assert_eq!(entities.status, 200, "nothing else depends on it");
    }
}

#[tokio::test]
async fn a_request_without_a_host_is_a_problem_unless_the_url_is_configured() {
    for (public_url, status) in [(None, "400"), (Some("https://entities.example.com"), "200")] {
        let pair = pair(public_url, &[]).await;
        let mut stream = TcpStream::connect(pair.app.base.strip_prefix("http://").unwrap())
            .await
            .unwrap();
        stream
            .write_all(b"GET /locations?shards=1 HTTP/1.0\r\n\r\n")
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer.split(' ').nth(1), Some(status), "{answer}");
    }
}
