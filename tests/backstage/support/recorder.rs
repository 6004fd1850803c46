//! A proxy between Backstage and the service that records requests and can cut the connection.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, CONTENT_LENGTH, IF_NONE_MATCH, TRANSFER_ENCODING};
use axum::response::Response;
use futures::stream;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::client;
use super::wait::wait_until;

/// A request of Backstage and the status of its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The path with the query.
    pub path: String,
    /// The `Authorization` header, if present.
    pub authorization: Option<String>,
    /// Whether the request had an ETag.
    pub conditional: bool,
    /// The status; `None` if there was no answer.
    pub status: Option<u16>,
}

/// A recording proxy with a fixed address; it stops on drop.
pub struct Recorder {
    /// The base URL, without a trailing slash.
    pub base: String,
    /// The URL of all entities.
    pub entities_url: String,
    line: Arc<Line>,
    server: JoinHandle<io::Result<()>>,
}

/// The target of requests, and the recorded exchanges.
struct Line {
    target: Mutex<Option<String>>,
    passed: Mutex<Vec<Exchange>>,
    bytes: AtomicUsize,
}

impl Recorder {
    /// Starts a proxy to a base URL.
    pub async fn spawn(target: &str) -> Self {
        let recorder = Self::spawn_cut().await;
        recorder.redirect(Some(target));
        recorder
    }

    /// Starts a proxy without a target.
    pub async fn spawn_cut() -> Self {
        let line = Arc::new(Line {
            target: Mutex::default(),
            passed: Mutex::default(),
            bytes: AtomicUsize::default(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(line.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            entities_url: format!("{base}/entities"),
            base,
            line,
            server,
        }
    }

    /// Replaces the target; without one, the proxy breaks connections.
    pub fn redirect(&self, target: Option<&str>) {
        *self.line.target.lock().unwrap() = target.map(str::to_owned);
    }

    /// Returns all exchanges, oldest first.
    pub fn passed(&self) -> Vec<Exchange> {
        self.line.passed.lock().unwrap().clone()
    }

    /// Returns the paths answered with a status, among the exchanges after the first `after`.
    pub fn paths(&self, after: usize, status: u16) -> BTreeSet<String> {
        let passed = self.passed().split_off(after).into_iter();
        passed
            .filter(|exchange| exchange.status == Some(status))
            .map(|exchange| exchange.path)
            .collect()
    }

    /// Waits for this many more answers with a status.
    pub async fn answers(&self, count: usize, status: Option<u16>) {
        let before = self.passed().len();
        wait_until(&format!("{count} answers {status:?}"), async || {
            let passed = self.passed().split_off(before);
            let so_far = passed
                .iter()
                .filter(|exchange| exchange.status == status)
                .count();
            if so_far >= count {
                Ok(())
            } else {
                Err(format!("{passed:?}"))
            }
        })
        .await;
    }

    /// Waits until each of this many paths was answered this many times with a status, after the
    /// first `after` exchanges.
    pub async fn rounds(&self, after: usize, paths: usize, count: usize, status: Option<u16>) {
        wait_until(
            &format!("{paths} paths {count} times {status:?}"),
            async || {
                let mut so_far = BTreeMap::<_, usize>::new();
                for exchange in self.passed().split_off(after) {
                    *so_far.entry(exchange.path).or_default() +=
                        usize::from(exchange.status == status);
                }
                let done = so_far.values().filter(|answers| **answers >= count).count();
                if done >= paths {
                    Ok(())
                } else {
                    Err(format!("{so_far:#?}"))
                }
            },
        )
        .await;
    }

    /// Returns the total size of all sent bodies, in bytes.
    pub fn bytes(&self) -> usize {
        self.line.bytes.load(Ordering::Relaxed)
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Forwards one request and records its answer.
async fn pass(State(line): State<Arc<Line>>, request: Request) -> Result<Response, Infallible> {
    let path = request.uri().to_string();
    let conditional = request.headers().contains_key(IF_NONE_MATCH);
    let authorization = request
        .headers()
        .get(AUTHORIZATION)
        .map(|value| value.to_str().unwrap().to_owned());
    let target = line.target.lock().unwrap().clone();
    let answer = match target {
        Some(target) => forward(&target, request, &line.bytes).await.ok(),
        None => None,
    };
    let status = answer.as_ref().map(|answer| answer.status().as_u16());
    line.passed.lock().unwrap().push(Exchange {
        path,
        authorization,
        conditional,
        status,
    });
    Ok(answer.unwrap_or_else(broken))
}

/// Forwards a request to the service with its original `Host`, and counts the bytes of the body.
async fn forward(
    target: &str,
    request: Request,
    passed: &AtomicUsize,
) -> reqwest::Result<Response> {
    let url = format!("{target}{}", request.uri());
    let answer = client()
        .get(url)
        .headers(request.headers().clone())
        .send()
        .await?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(TRANSFER_ENCODING);
    let body = answer.bytes().await?;
    passed.fetch_add(body.len(), Ordering::Relaxed);
    let mut response = Response::new(Body::from(body));
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}

/// Returns an answer that breaks before its first byte, like the connection of a killed service.
fn broken() -> Response {
    let nothing = stream::iter([Err::<String, _>(io::Error::other("the line is cut"))]);
    let mut response = Response::new(Body::from_stream(nothing));
    response.headers_mut().insert(CONTENT_LENGTH, 1.into());
    response
}
