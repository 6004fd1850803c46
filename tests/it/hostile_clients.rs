//! Clients that are slow, greedy or broken harm nobody but themselves. They are raw streams, and the
//! service has short limits.

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

/// What ends within this time ends by itself.
const BOUND: Duration = Duration::from_secs(30);

/// A limit that is reached soon.
const SOON: Duration = Duration::from_millis(300);

/// Limits that are far away but for one or two.
fn far() -> Limits {
    let never = Duration::from_hours(24);
    Limits {
        first_request: never,
        next_request: never,
        stall: never,
        ..Limits::default()
    }
}

/// A service with limits in front of a look-alike, which has synced once.
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
            app.with_limits(limits, capacity).with_rest(Duration::ZERO)
        };
        let app = TestApp::spawn_as(config, Clock::system(), limited).await;
        // By a client that keeps no connection.
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

    /// Connects with a small window, so that answers soon wait for the reader, and asks until there is a
    /// place among those that are served.
    async fn ask_narrowly(&self, request: &str) -> (TcpStream, String) {
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

    /// Sends bytes on a connection of their own, and gives everything that comes back.
    async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        stream.write_all(bytes).await.unwrap();
        rest(&mut stream).await
    }

    /// Asserts that somebody else is answered.
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

/// Everything that still comes until the other side ends the connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    // A connection that is reset has ended too.
    let _ = tokio::time::timeout(BOUND, stream.read_to_end(&mut bytes))
        .await
        .expect("the connection ends");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Sends a request on a connection that stays open, and gives the head of the answer.
async fn ask(stream: &mut TcpStream, request: &str) -> String {
    let request = format!("{request} HTTP/1.1\r\nhost: x\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    String::from_utf8(head).unwrap()
}
