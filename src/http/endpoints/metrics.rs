//! `/metrics`: figures for Prometheus.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::response::IntoResponse;

use crate::http::error::{ApiError, Problem};
use crate::http::negotiate::prefers_open_metrics;
use crate::http::state::AppState;
use crate::telemetry::metrics::{Exposition, Served, Sources, text};

/// Figures for Prometheus
///
/// In Prometheus' text format 0.0.4, or as `OpenMetrics` 1.0.0 if `Accept` prefers that. They name no person:
/// every label is a word of this service. What describes the snapshot is there from the first one on.
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
    let sources = Sources {
        served,
        last_run: last_run.as_ref(),
        totals: &state.ledger.totals(),
    };
    let exposition = if prefers_open_metrics(&headers) {
        Exposition::OpenMetrics
    } else {
        Exposition::Text
    };
    let text = text(&sources, exposition).map_err(|error| {
        tracing::error!(%error, "the metrics cannot be written");
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
