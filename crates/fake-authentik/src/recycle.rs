//! Recycles workers as gunicorn 25 does under Authentik 2026.5 (`max_requests`): what is in progress then
//! is answered with a 500.

use axum::body::Body;
use axum::http::header::{CONNECTION, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use tokio::sync::watch;

/// Requests that arrived, and how often the worker was recycled.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    requests: u64,
    recycled: u64,
    /// After so many requests the worker is recycled; 0 means never.
    every: u64,
}

/// The worker that answers all requests.
#[derive(Debug, Default)]
pub(super) struct Worker(watch::Sender<Count>);

impl Worker {
    /// Recycles after so many requests each from now on; 0 means never.
    pub(super) fn recycle_every(&self, requests: u64) {
        self.0.send_modify(|count| {
            (count.requests, count.every) = (0, requests);
        });
    }

    /// Returns how often it was recycled.
    pub(super) fn recycled(&self) -> u64 {
        self.0.borrow().recycled
    }

    /// Counts a request; the last one that a worker takes is in progress when it is recycled.
    pub(super) fn enter(&self) -> PendingRequest {
        let mut count = self.0.subscribe();
        let entered = count.borrow_and_update().recycled;
        self.0.send_modify(|count| {
            count.requests += 1;
            if count.requests == count.every {
                count.requests = 0;
                count.recycled += 1;
            }
        });
        PendingRequest { count, entered }
    }
}

/// A request that a worker answers.
pub(super) struct PendingRequest {
    count: watch::Receiver<Count>,
    entered: u64,
}

impl PendingRequest {
    /// Returns the answer, unless the worker is recycled before.
    pub(super) async fn or_recycled(mut self, answer: impl Future<Output = Response>) -> Response {
        let entered = self.entered;
        tokio::select! {
            biased;
            Ok(_) = self.count.wait_for(|count| count.recycled != entered) => internal_server_error(),
            answer = answer => answer,
        }
    }
}

/// The answer of uvicorn, byte for byte.
fn internal_server_error() -> Response {
    let mut response = Response::new(Body::from("Internal Server Error"));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    response
}
