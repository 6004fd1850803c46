//! Metrics of requests to Authentik.

use prometheus_client::registry::{Registry, Unit};

use crate::instruments::UpstreamInstruments;

/// Registers the metrics of requests to Authentik.
pub(super) fn register(registry: &mut Registry, upstream: &UpstreamInstruments) {
    registry.register(
        "upstream_requests",
        "Requests to Authentik, retries included",
        upstream.requests.clone(),
    );
    registry.register(
        "upstream_retries",
        "Requests to Authentik that were sent again after a transient error",
        upstream.retries.clone(),
    );
    registry.register(
        "upstream_rows",
        "Rows of users and groups that Authentik sent",
        upstream.rows.clone(),
    );
    registry.register_with_unit(
        "upstream_received",
        "Size of the bodies that Authentik sent, decompressed",
        Unit::Bytes,
        upstream.bytes.clone(),
    );
    registry.register_with_unit(
        "upstream_request_duration",
        "Time until the body of Authentik's answer ends or the request fails",
        Unit::Seconds,
        upstream.durations.clone(),
    );
}
