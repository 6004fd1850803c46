//! `/metrics`: the metrics for Prometheus.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, VARY};
use axum::response::IntoResponse;

use super::health::{HealthStatus, health_status};
use crate::http::error::{ApiError, Problem};
use crate::http::negotiate::prefers_open_metrics;
use crate::http::state::AppState;
use crate::snapshot::Snapshot;
use crate::snapshot::run::{Outcome, Run};
use crate::telemetry::metrics::{
    Exposition, MetricsInput, ReplicaInput, Served, StatusInput, text,
};

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
        status: status(&state, snapshot.as_deref(), last_run.as_ref()),
        instruments: &state.instruments,
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

/// Returns the state of the service.
fn status(state: &AppState, snapshot: Option<&Snapshot>, last_run: Option<&Run>) -> StatusInput {
    let outcome = last_run.and_then(|run| run.end.as_ref());
    StatusInput {
        is_degraded: health_status(state, snapshot, last_run) == HealthStatus::Degraded,
        is_held: matches!(outcome, Some((_, Outcome::Held(..)))),
        has_configuration_error: state.status.configuration_error().is_some(),
        next_run_at: state.next_run_at(),
        certificate_end: state.certificate_end.load().as_deref().copied(),
        pushes: state.status.push_totals(),
        replica: state.replica_state().map(|replicas| ReplicaInput {
            is_leader: replicas.is_leader(),
            has_database: replicas.database_error.is_none(),
            lag_seconds: replicas.lag(state.clock.now()).as_secs_f64(),
        }),
    }
}
