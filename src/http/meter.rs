//! Measures every request: labels of the answer, the time until it begins, and the code of its problem; and
//! records who reads the entities.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::CONTENT_ENCODING;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::middleware::Next;
use axum::response::Response;
use tracing::field::Empty;
use tracing::{Instrument, Span, info_span};

use super::reader_log::{Reader, ReaderLog};
use crate::instruments::{HttpInstruments, RequestLabels};
use crate::trace;

/// The code of the problem document that a response has; an extension of the response.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProblemCode(pub &'static str);

/// The route of a path that is unknown. Paths of clients are no labels.
const UNKNOWN_ROUTE: &str = "unknown";

/// The lists whose readers are recorded.
const LISTS: [&str; 2] = ["/entities", "/locations"];

/// Where requests are measured and recorded. One layer does both, since every request crosses it.
#[derive(Clone, Debug)]
pub(super) struct Meter {
    pub(super) instruments: HttpInstruments,
    pub(super) readers: Arc<ReaderLog>,
}

/// Measures a request, and records who reads a list.
pub(super) async fn measure(State(meter): State<Meter>, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or(UNKNOWN_ROUTE, MatchedPath::as_str).to_owned();
    let reader = if LISTS.contains(&route.as_str()) {
        Reader::of(&request)
    } else {
        None
    };
    let method = method(request.method());
    let span = span(&request, method, &route);
    let response = next.run(request).instrument(span.clone()).await;
    span.record("http.response.status_code", response.status().as_u16());
    if response.status().is_server_error() {
        span.record("otel.status_code", "ERROR");
    }
    let labels = RequestLabels {
        route,
        method,
        status: response.status().as_u16(),
        coding: coding(&response),
    };
    let problem = response.extensions().get::<ProblemCode>();
    let problem = problem.map(|code| code.0);
    meter
        .instruments
        .observe(&labels, started.elapsed(), problem);
    // A browser that is led to the page reads no list.
    if let Some(reader) = reader.filter(|_| response.status() != StatusCode::SEE_OTHER) {
        meter.readers.add(reader, labels.status);
    }
    response
}

/// Returns the span of a request. It has the route, since a path may contain a name and a query a token.
fn span(request: &Request, method: &'static str, route: &str) -> Span {
    let span = info_span!(
        target: trace::TARGET,
        "request",
        otel.name = format_args!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = route,
        http.response.status_code = Empty,
    );
    trace::continue_from(&span, request.headers());
    span
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
