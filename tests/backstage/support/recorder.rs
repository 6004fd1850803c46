//! Stands between Backstage and the service, writes down what passes, and can cut the line.

use std::convert::Infallible;
use std::io;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, IF_NONE_MATCH, TRANSFER_ENCODING};
use axum::response::Response;
use futures::stream;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::client;
use super::wait::wait_until;

/// A request for the entities and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Whether it named an entity tag.
    pub conditional: bool,
    /// The status; none if nobody answered.
    pub status: Option<u16>,
}

/// A recording proxy with an address that stays; it stops when dropped.
pub struct Recorder {
    /// The URL that Backstage reads.
    pub entities_url: String,
    line: Arc<Line>,
    server: JoinHandle<io::Result<()>>,
}

/// Where requests go, and what has passed.
struct Line {
    target: Mutex<Option<String>>,
    passed: Mutex<Vec<Exchange>>,
}

impl Recorder {
    /// Passes requests on to a base URL.
    pub async fn spawn(target: &str) -> Self {
        let line = Arc::new(Line { target: Mutex::new(Some(target.to_owned())), passed: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let entities_url = format!("http://{}/entities", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).with_state(line.clone());
        let server = tokio::spawn(async move { axum::serve(listener, router).await });
        Self { entities_url, line, server }
    }

    /// Passes requests on to another base URL, or breaks their connections.
    pub fn redirect(&self, target: Option<&str>) {
        *self.line.target.lock().unwrap() = target.map(str::to_owned);
    }

    /// Everything that passed, oldest first.
    pub fn passed(&self) -> Vec<Exchange> {
        self.line.passed.lock().unwrap().clone()
    }

    /// Waits until so many more requests were answered with a status.
    pub async fn answers(&self, count: usize, status: Option<u16>) {
        let before = self.passed().len();
        wait_until(&format!("{count} answers {status:?}"), async || {
            let passed = self.passed().split_off(before);
            let so_far = passed.iter().filter(|exchange| exchange.status == status).count();
            if so_far >= count { Ok(()) } else { Err(format!("{passed:?}")) }
        })
        .await;
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Passes one request on and notes its answer.
async fn pass(State(line): State<Arc<Line>>, request: Request) -> Result<Response, Infallible> {
    let conditional = request.headers().contains_key(IF_NONE_MATCH);
    let target = line.target.lock().unwrap().clone();
    let answer = match target {
        Some(target) => forward(&target, request).await.ok(),
        None => None,
    };
    let status = answer.as_ref().map(|answer| answer.status().as_u16());
    line.passed.lock().unwrap().push(Exchange { conditional, status });
    Ok(answer.unwrap_or_else(broken))
}

/// Asks the service as Backstage did.
async fn forward(target: &str, request: Request) -> reqwest::Result<Response> {
    let url = format!("{target}{}", request.uri());
    let mut headers = request.headers().clone();
    headers.remove("host");
    let answer = client().get(url).headers(headers).send().await?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(TRANSFER_ENCODING);
    let mut response = Response::new(Body::from(answer.bytes().await?));
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    Ok(response)
}

/// An answer that breaks before its first byte, as a dead service's connection does.
fn broken() -> Response {
    let nothing = stream::iter([Err::<String, _>(io::Error::other("the line is cut"))]);
    let mut response = Response::new(Body::from_stream(nothing));
    response.headers_mut().insert(CONTENT_LENGTH, 1.into());
    response
}
