//! Slow, greedy or malformed clients affect no other client. They are raw streams, and the service
//! has short limits.

mod connections;
mod load;
mod requests;

use std::time::Duration;

use authentik_entity_provider::clock::Clock;
use authentik_entity_provider::http::load::Capacity;
use authentik_entity_provider::server::limits::Limits;
use fake_authentik::{FakeAuthentik, FakeDirectory};
use reqwest::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::app::{TestApp, config};
use crate::support::command::Upstream;
use crate::support::wire::Answer;

/// A connection that ends within this time was closed by the service.
const BOUND: Duration = Duration::from_secs(30);

/// A limit that is reached quickly.
const SOON: Duration = Duration::from_millis(300);

/// Limits that no test reaches, except those it lowers.
fn far() -> Limits {
    let never = Duration::from_hours(24);
    Limits {
        first_request: never,
        next_request: never,
        stall: never,
        ..Limits::default()
    }
}

/// A service with limits in front of a fake Authentik, after one sync.
struct Limited {
    app: TestApp,
    upstream: Upstream,
}

impl Limited {
    async fn spawn(limits: Limits, capacity: Capacity) -> Self {
        Self::with(FakeDirectory::generate(30), limits, capacity).await
    }

    async fn with(directory: FakeDirectory, limits: Limits, capacity: Capacity) -> Self {
        let upstream = Upstream::spawn(directory).await;
        let config = config(&upstream.authentik.base, FakeAuthentik::TOKEN);
        let limited = |app: authentik_entity_provider::app::App| {
            app.with_limits(limits, capacity)
                .with_cooldown(Duration::ZERO)
        };
        let app = TestApp::spawn_as(config, Clock::system(), limited).await;
        // The client does not reuse connections.
        assert_eq!(
            Answer::to(&app, Method::POST, "/sync?wait=1m", &[])
                .await
                .status,
            200
        );
        Self { app, upstream }
    }

    /// Connects without sending anything.
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address()).await.unwrap()
    }

    /// Connects with a small receive window, so that answers soon block on the client. Repeats the
    /// request until the service accepts it.
    async fn ask_with_small_window(&self, request: &str) -> (TcpStream, String) {
        loop {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4096).unwrap();
            let mut stream = socket
                .connect(self.address().parse().unwrap())
                .await
                .unwrap();
            let head = ask(&mut stream, request).await;
            if head.starts_with("HTTP/1.1 200") {
                return (stream, head);
            }
        }
    }

    fn address(&self) -> &str {
        self.app.base.trim_start_matches("http://")
    }

    /// Sends bytes on a new connection and returns everything received.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        remaining(&mut stream).await
    }

    /// Asserts that the service answers another client.
    async fn assert_alive(&self) {
        let answer = self
            .exchange(b"GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
            .await;
        assert!(
            answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("ok\n"),
            "{answer}"
        );
    }
}

/// Reads until the other side closes the connection.
async fn remaining(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A reset connection counts as closed.
    let _ = tokio::time::timeout(BOUND, stream.read_to_end(&mut bytes))
        .await
        .expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends a request on an open connection and returns the head of the answer.
async fn ask(stream: &mut TcpStream, request: &str) -> String {
    let request = format!("{request} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}
