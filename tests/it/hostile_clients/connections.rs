//! Limits in time and number: slow senders, slow readers, many clients.

use authentik_entity_provider::http::load::Capacity;
use authentik_entity_provider::server::limits::Limits;
use fake_authentik::FakeDirectory;
use tokio::io::AsyncWriteExt;

use super::{BOUND, Limited, SOON, ask, far, remaining};

/// A request after which the connection ends.
const CLOSING: &[u8] = b"GET /entities HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_connection_without_a_first_request_is_closed() {
    let service = Limited::spawn(
        Limits {
            first_request: SOON,
            ..far()
        },
        Capacity::default(),
    )
    .await;
    for beginning in [
        &b""[..],
        b"GET /entities HT",
        b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ",
        b"PRI * HTTP/2.0\r\n",
    ] {
        let answer = service.exchange(beginning).await;
        assert!(answer.is_empty(), "{answer}");
    }
    service.assert_alive().await;
}

#[tokio::test]
async fn an_endless_header_is_cut_off_even_if_it_arrives_steadily() {
    let service = Limited::spawn(
        Limits {
            first_request: SOON,
            ..far()
        },
        Capacity::default(),
    )
    .await;
    let mut stream = service.connect().await;
    let mut pace = tokio::time::interval(SOON / 10);
    let dripping = async {
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nx-slow: ").await;
        while stream.write_all(b"a").await.is_ok() {
            pace.tick().await;
        }
    };
    tokio::time::timeout(BOUND, dripping)
        .await
        .expect("the service does not listen any more");
}

#[tokio::test]
async fn an_idle_connection_is_closed() {
    let service = Limited::spawn(
        Limits {
            next_request: SOON,
            ..far()
        },
        Capacity::default(),
    )
    .await;
    for beginning in [&b""[..], b"GET /entities HT"] {
        let mut stream = service.connect().await;
        assert!(
            ask(&mut stream, "GET /health/live")
                .await
                .starts_with("HTTP/1.1 200")
        );
        stream.write_all(beginning).await.unwrap();
        assert!(!remaining(&mut stream).await.contains("200 OK"));
    }
}

#[tokio::test]
async fn an_http_2_connection_without_an_answer_to_a_ping_is_closed() {
    let service = Limited::spawn(
        Limits {
            stall: SOON,
            ..far()
        },
        Capacity::default(),
    )
    .await;
    let path = b"/health/live";
    // `GET`, `http`, and a path of this many bytes, by the static table of RFC 7541.
    let head = [
        &[0x82, 0x86, 0x04, u8::try_from(path.len()).unwrap()],
        &path[..],
    ]
    .concat();
    let request = [
        &b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"[..],
        &frame(4, 0, b""),
        &frame(1, 1, &head),
    ]
    .concat();
    let answer = service.exchange(&request).await;
    assert!(
        answer.contains("ok\n"),
        "the request is answered: {answer:?}"
    );
}

/// Returns a frame of HTTP/2 (RFC 9113, section 4.1). A frame of a stream ends the headers and the
/// stream.
fn frame(kind: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let flags = if stream == 0 { 0 } else { 5 };
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, flags, 0, 0, 0, stream], payload].concat()
}

#[tokio::test]
async fn a_client_that_reads_nothing_is_cut_off_and_delays_no_other() {
    let mut directory = FakeDirectory::generate(0);
    for at in 0..120 {
        let pk = directory.add_user(&format!("user-{at}"));
        directory.edit_user(pk, |user| user.name = "x".repeat(100_000));
    }
    let limits = Limits {
        connections: 1,
        reserve: 8,
        stall: SOON,
        ..far()
    };
    let service = Limited::with(directory, limits, Capacity::default()).await;
    let (mut stream, head) = service.ask_with_small_window("GET /entities").await;
    let length = head
        .split("content-length: ")
        .nth(1)
        .unwrap()
        .split('\r')
        .next()
        .unwrap();
    let length: usize = length.parse().unwrap();
    assert!(length > 12_000_000, "{head}");
    service.assert_alive().await;
    while !service.exchange(CLOSING).await.starts_with("HTTP/1.1 200") {}
    assert!(
        remaining(&mut stream).await.len() < length,
        "its slot is free, since its answer was cut off"
    );
}

#[tokio::test]
async fn connections_beyond_the_limit_get_only_health_and_metrics() {
    let limits = Limits {
        connections: 2,
        reserve: 1,
        ..far()
    };
    let service = Limited::spawn(limits, Capacity::default()).await;
    let (mut one, _) = service.ask_with_small_window("HEAD /entities").await;
    let (other, _) = service.ask_with_small_window("HEAD /entities").await;
    service.assert_alive().await;
    let refused = service
        .exchange(b"GET /entities HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    assert!(
        refused.starts_with("HTTP/1.1 503 ") && refused.contains("\"code\":\"overloaded\""),
        "{refused}"
    );
    let scraped = service
        .exchange(b"GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n")
        .await;
    assert!(scraped.starts_with("HTTP/1.1 200 "), "{scraped}");
    assert!(refused.contains("retry-after: 1\r\n"), "{refused}");
    assert!(
        ask(&mut one, "HEAD /entities")
            .await
            .starts_with("HTTP/1.1 200"),
        "the connections within the limit are served"
    );
    let mut last = service.connect().await;
    last.write_all(b"GET /health/live HTTP/1.1\r\n")
        .await
        .unwrap();
    let turned_away = service.exchange(b"").await;
    assert!(turned_away.is_empty());
    drop((one, other, last));
    while !service.exchange(CLOSING).await.contains("200 OK") {}
}
