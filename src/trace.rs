//! Spans for traces, and the trace context of requests (W3C Trace Context).
//!
//! Spans with the target [`TARGET`] are exported by `telemetry`, and appear in no log. Without an exporter they are
//! disabled and cost nothing. They contain no names and no pks.

use axum::http::HeaderMap;
use opentelemetry::propagation::TextMapPropagator;
use opentelemetry::trace::TraceContextExt;
use opentelemetry_http::{HeaderExtractor, HeaderInjector};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;

/// The target of the spans that are exported.
pub const TARGET: &str = "otel";

/// Makes a span continue the trace of the client, if the headers of its request have one.
pub fn continue_from(span: &Span, headers: &HeaderMap) {
    if span.is_disabled() {
        return;
    }
    let context = TraceContextPropagator::new().extract(&HeaderExtractor(headers));
    if context.span().span_context().is_valid() {
        // It fails only for a span without an exporter.
        let _ = span.set_parent(context);
    }
}

/// Returns the headers that let another server continue the trace of a span; none without an exporter.
#[must_use]
pub fn headers(span: &Span) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if !span.is_disabled() {
        let mut injector = HeaderInjector(&mut headers);
        TraceContextPropagator::new().inject_context(&span.context(), &mut injector);
    }
    headers
}
