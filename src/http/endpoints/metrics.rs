//! `/metrics`: figures for Prometheus.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

use crate::http::error::{ApiError, Problem};
use crate::http::state::AppState;
use crate::telemetry::metrics::{MEDIA_TYPE, Served, Sources, text};

/// Figures for Prometheus
///
/// As `OpenMetrics` 1.0.0. They name nobody: every label is a word of this service. What tells of the
/// snapshot is there from the first one on.
#[utoipa::path(
    get,
    path = "/metrics",
    tag = "health",
    responses(
        (status = OK, description = "The metrics", body = String, content_type = "application/openmetrics-text"),
        (status = NOT_FOUND, description = "`entityProvider.auth.metrics` is `off`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub async fn read_metrics(State(state): State<AppState>) -> Result<impl IntoResponse, ApiError> {
    let (snapshot, last_run) = (state.store.current(), state.ledger.last());
    let served = snapshot.as_deref().map(|snapshot| Served {
        snapshot,
        is_stale: state.is_stale(snapshot),
        is_kept: state.keeping.is_kept(),
    });
    let sources = Sources {
        served,
        last_run: last_run.as_ref(),
        totals: &state.ledger.totals(),
    };
    let text = text(&sources).map_err(|error| {
        tracing::error!(%error, "the metrics cannot be written");
        ApiError::Internal
    })?;
    Ok((
        [(CONTENT_TYPE, MEDIA_TYPE), (CACHE_CONTROL, "no-store")],
        text,
    ))
}
