//! Metrics of requests to this service.

use prometheus_client::registry::{Registry, Unit};

use crate::instruments::HttpInstruments;

/// Registers the metrics of requests to this service; those without a value are absent.
pub(super) fn register(registry: &mut Registry, http: &HttpInstruments) {
    registry.register(
        "http_requests",
        "Requests that were answered, by route, method, status and content coding",
        http.requests.clone(),
    );
    registry.register_with_unit(
        "http_request_duration",
        "Time until the body of an answer begins, by route",
        Unit::Seconds,
        http.durations.clone(),
    );
    registry.register(
        "http_problems",
        "Answers with a problem document, by its code; overloaded counts the requests that were shed",
        http.problems.clone(),
    );
}
