//! `/metrics`: the metrics for Prometheus.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::response::IntoResponse;

use crate::http::error::{ApiError, Problem};
use crate::http::negotiate::prefers_open_metrics;
use crate::http::state::AppState;
use crate::telemetry::metrics::{Exposition, MetricsInput, Served, text};

/// Metrics for Prometheus
///
/// In Prometheus' text format 0.0.4, or in `OpenMetrics` 1.0.0 if `Accept` prefers that. They
/// contain no data of a person: every label value is a fixed word of this service. Metrics of the
/// snapshot exist from the first snapshot on.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses(
        (status = OK, description = "The metrics",
            content((String = "text/plain"), (String = "application/openmetrics-text")),
            headers(("Vary" = String, description = "`Accept`"))),
        (status = NOT_FOUND, description = "`entityProvider.auth.metrics` is `off`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub async fn read_metrics(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<impl IntoResponse, ApiError> {
    let (snapshot, last_run) = (state.store.current(), state.ledger.last());
    let served = snapshot.as_deref().map(|snapshot| Served {
        snapshot,
        is_stale: state.is_stale(snapshot),
        is_kept: state.persistence.is_persisted(),
    });
    let input = MetricsInput {
        served,
        last_run: last_run.as_ref(),
        totals: &state.ledger.totals(),
    };
    let exposition = if prefers_open_metrics(&headers) {
        Exposition::OpenMetrics
    } else {
        Exposition::Text
    };
    let text = text(&input, exposition).map_err(|error| {
        tracing::error!(%error, "cannot write the metrics");
        ApiError::Internal
    })?;
    Ok((
        [
            (CONTENT_TYPE, exposition.media_type()),
            (VARY, "Accept"),
            (CACHE_CONTROL, "no-store"),
        ],
        text,
    ))
}
