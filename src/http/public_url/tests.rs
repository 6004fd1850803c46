use axum::http::Request;
use proptest::prelude::*;

use super::*;

const PROXY: &str = "10.0.0.1:4711";
const STRANGER: &str = "192.0.2.1:4711";

fn public_urls() -> PublicUrls {
    let trusted_proxies = ["10.0.0.0/8", "fd00::/8"]
        .map(|network| network.parse().unwrap())
        .into();
    PublicUrls {
        public_url: None,
        trusted_proxies,
        is_tls: false,
    }
}

fn request(peer: &str, uri: &str, headers: &[(&'static str, &str)]) -> Parts {
    let mut request = Request::builder().uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (mut parts, ()) = request.body(()).unwrap().into_parts();
    parts
        .extensions
        .insert(ConnectInfo(peer.parse::<SocketAddr>().unwrap()));
    parts
}

/// Returns the base URL for a request, or the name of the invalid header.
fn base_url(peer: &str, headers: &[(&'static str, &str)]) -> Result<String, &'static str> {
    match public_urls().service_url(&request(peer, "/locations", headers)) {
        Ok(url) => {
            assert!(url.is_from_request);
            Ok(url.base)
        }
        Err(ApiError::Host(header)) => Err(header),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn the_host_header_must_be_a_plain_host() {
    for (host, expected) in [
        ("localhost:8080", "http://localhost:8080"),
        ("Entities.Example.com", "http://entities.example.com"),
        ("a_b.example.com:80", "http://a_b.example.com"),
        ("127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("[::1]:9000", "http://[::1]:9000"),
    ] {
        assert_eq!(
            base_url(STRANGER, &[("host", host)]).as_deref(),
            Ok(expected),
            "{host}"
        );
    }
    let long = "a".repeat(MAX_PART + 1);
    for bad in [
        "",
        " ",
        ":80",
        "a b",
        "a/b",
        "a?b",
        "a#b",
        "me@a",
        "me:pw@a",
        "a:b",
        "a:99999",
        "[::1",
        "::1",
        "a%2fb",
        "a\\b",
        "a,b",
        "a\"",
        "a<b>",
        "*",
        "256.256.256.256",
        "xn--\u{e4}",
        &long,
    ] {
        assert_eq!(base_url(STRANGER, &[("host", bad)]), Err("host"), "{bad}");
    }
    assert_eq!(base_url(STRANGER, &[]), Err("host"));
    assert_eq!(
        base_url(STRANGER, &[("host", "a"), ("host", "b")]),
        Err("host")
    );
}

#[test]
fn the_request_target_overrides_the_host_header() {
    let parts = request(
        STRANGER,
        "http://a.example.com:81/locations",
        &[("host", "b")],
    );
    assert_eq!(
        public_urls().service_url(&parts).unwrap().base,
        "http://a.example.com:81"
    );
    let parts = request(
        STRANGER,
        "http://me@a.example.com/locations",
        &[("host", "b")],
    );
    assert!(public_urls().service_url(&parts).is_err());
}

#[test]
fn forwarded_headers_apply_only_from_a_trusted_proxy() {
    let headers = [
        ("host", "inner:8080"),
        ("x-forwarded-host", "outer.example.com"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-prefix", "/people/"),
        ("forwarded", "host=other.example.com;proto=https"),
    ];
    assert_eq!(
        base_url(PROXY, &headers).as_deref(),
        Ok("https://outer.example.com/people")
    );
    assert_eq!(
        base_url("[::ffff:10.1.2.3]:1", &headers).as_deref(),
        Ok("https://outer.example.com/people")
    );
    assert_eq!(
        base_url(STRANGER, &headers).as_deref(),
        Ok("http://inner:8080")
    );
    assert_eq!(
        base_url("[::ffff:192.0.2.1]:1", &headers).as_deref(),
        Ok("http://inner:8080")
    );
    let mut parts = request(PROXY, "/locations", &headers);
    parts.extensions.clear();
    assert_eq!(
        public_urls().service_url(&parts).unwrap().base,
        "http://inner:8080",
        "the peer is unknown"
    );
}

#[test]
fn the_last_of_several_forwarded_values_applies() {
    let headers = [
        ("host", "inner"),
        ("x-forwarded-host", "forged, a"),
        ("x-forwarded-host", "forged, b.example.com"),
        ("x-forwarded-proto", "http, HTTPS"),
    ];
    assert_eq!(
        base_url(PROXY, &headers).as_deref(),
        Ok("https://b.example.com")
    );
}

#[test]
fn an_invalid_forwarded_value_is_an_error_that_names_the_header() {
    for (name, value) in [
        ("x-forwarded-host", "a/b"),
        ("x-forwarded-host", ""),
        ("x-forwarded-host", "a,"),
        ("x-forwarded-proto", "javascript"),
        ("x-forwarded-proto", ""),
        ("x-forwarded-prefix", "people"),
        ("x-forwarded-prefix", "/a/../b"),
        ("x-forwarded-prefix", "/a/."),
        ("x-forwarded-prefix", "/a?b"),
        ("x-forwarded-prefix", "/a#b"),
        ("x-forwarded-prefix", "/a b"),
        ("x-forwarded-prefix", "/a*"),
        ("x-forwarded-prefix", "/%2e%2e"),
        ("x-forwarded-prefix", "\\a"),
    ] {
        assert_eq!(
            base_url(PROXY, &[("host", "inner"), (name, value)]),
            Err(name),
            "{value}"
        );
        assert_eq!(
            base_url(STRANGER, &[("host", "inner"), (name, value)]).as_deref(),
            Ok("http://inner")
        );
    }
    for root in ["", "/", "//"] {
        assert_eq!(
            base_url(PROXY, &[("host", "a"), ("x-forwarded-prefix", root)]).as_deref(),
            Ok("http://a")
        );
    }
}

#[test]
fn a_public_url_overrides_every_request() {
    let public = PublicUrls {
        public_url: Some("https://entities.example.com/x".into()),
        ..public_urls()
    };
    for headers in [
        vec![],
        vec![("host", "a b")],
        vec![("host", "a"), ("x-forwarded-host", "b")],
    ] {
        let url = public
            .service_url(&request(PROXY, "/locations", &headers))
            .unwrap();
        assert_eq!(
            url,
            ServiceUrl {
                base: "https://entities.example.com/x".into(),
                is_from_request: false
            }
        );
    }
}

proptest! {
    #[test]
    fn the_base_is_a_plain_url_for_every_request(
        host in "[!-~]{0,20}|[a-z0-9.:\\[\\]-]{1,12}",
        prefix in "(/[!-~]{0,8}){0,3}",
        proto in "https?|[a-z,]{0,6}",
    ) {
        let headers = [
            ("host", "inner"),
            ("x-forwarded-host", host.as_str()),
            ("x-forwarded-prefix", prefix.as_str()),
            ("x-forwarded-proto", proto.as_str()),
        ];
        if let Ok(base) = base_url(PROXY, &headers) {
            let url = Url::parse(&base).unwrap();
            prop_assert!(matches!(url.scheme(), "http" | "https"));
            prop_assert!(url.username().is_empty() && url.password().is_none());
            prop_assert!(url.query().is_none() && url.fragment().is_none() && url.has_host());
            prop_assert!(!base.ends_with('/') && base.len() < 700);
            prop_assert_eq!(url.as_str().trim_end_matches('/'), base);
        }
    }
}
