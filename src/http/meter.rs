//! Measures every request: labels of the answer, the time until it begins, and the code of its problem.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;

use crate::instruments::{HttpInstruments, RequestLabels};

/// The code of the problem document that a response has; an extension of the response.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProblemCode(pub &'static str);

/// The route of a path that is unknown. Paths of clients are no labels.
const UNKNOWN_ROUTE: &str = "unknown";

/// Measures a request.
pub(super) async fn measure(
    State(instruments): State<HttpInstruments>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or(UNKNOWN_ROUTE, MatchedPath::as_str).to_owned();
    let method = method(request.method());
    let response = next.run(request).await;
    let labels = RequestLabels {
        route,
        method,
        status: response.status().as_u16(),
        coding: coding(&response),
    };
    let problem = response.extensions().get::<ProblemCode>();
    instruments.observe(&labels, started.elapsed(), problem.map(|code| code.0));
    response
}

/// Returns the method as a label. A client may send any text as a method.
fn method(method: &Method) -> &'static str {
    let known = [Method::GET, Method::HEAD, Method::POST];
    let names = ["GET", "HEAD", "POST"];
    let at = known.iter().position(|known| known == method);
    at.map_or("other", |at| names[at])
}

/// Returns the content coding of a response as a label.
fn coding(response: &Response) -> &'static str {
    match response
        .headers()
        .get(CONTENT_ENCODING)
        .map(HeaderValue::as_bytes)
    {
        Some(b"gzip") => "gzip",
        Some(b"br") => "br",
        Some(b"zstd") => "zstd",
        _ => "identity",
    }
}
