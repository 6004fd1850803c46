//! Oversized and malformed requests.

use authentik_entity_provider::http::load::Capacity;

use super::{Limited, far};

#[tokio::test]
async fn too_large_headers_are_refused() {
    let service = Limited::spawn(far(), Capacity::default()).await;
    let one = format!(
        "GET /health/live HTTP/1.1\r\nhost: x\r\nx-large: {}\r\n\r\n",
        "a".repeat(40_000)
    );
    let many = format!(
        "GET /health/live HTTP/1.1\r\nhost: x\r\n{}\r\n",
        "x-many: a\r\n".repeat(101)
    );
    for request in [one, many] {
        let answer = service.exchange(request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    let path = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(40_000));
    let answer = service.exchange(path.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    service.assert_alive().await;
}

#[tokio::test]
async fn a_body_is_not_read_and_a_large_one_is_refused() {
    let service = Limited::spawn(far(), Capacity::default()).await;
    let post = |headers: &str| {
        format!("POST /sync HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n\r\n")
    };
    for length in ["65537", "1000000000000"] {
        let answer = service
            .exchange(post(&format!("content-length: {length}")).as_bytes())
            .await;
        assert!(
            answer.starts_with("HTTP/1.1 413 ") && answer.contains("\"code\":\"body-too-large\""),
            "{answer}"
        );
    }
    let small = post("content-length: 17") + "{\"body\": \"hello\"}";
    let endless = post("transfer-encoding: chunked") + "5\r\nhello\r\n";
    for request in [small, endless] {
        let answer = service.exchange(request.as_bytes()).await;
        assert!(
            answer.starts_with("HTTP/1.1 202 "),
            "as a webhook sends it: {answer}"
        );
    }
}

#[tokio::test]
async fn malformed_requests_are_rejected_and_harm_no_other_client() {
    let service = Limited::spawn(far(), Capacity::default()).await;
    for bytes in [
        &b"\0\0\0\0\r\n\r\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"GET\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nho st: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nhost: x\r\n folded: y\r\n\r\n",
        b"POST /sync HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        b"POST /sync HTTP/1.1\r\nhost: x\r\ncontent-length: -1\r\n\r\n",
        b"POST /sync HTTP/1.1\r\nhost: x\r\ntransfer-encoding: gzip\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nthis is no frame of HTTP/2 at all",
    ] {
        let answer = service.exchange(bytes).await;
        let refused =
            answer.is_empty() || answer.starts_with("HTTP/1.1 400 ") || !answer.starts_with("HTTP");
        assert!(refused, "{:?}: {answer}", String::from_utf8_lossy(bytes));
        service.assert_alive().await;
    }
}
