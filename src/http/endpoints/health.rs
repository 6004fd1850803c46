//! `/health`: health checks for orchestrators, and a summary for people.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::replicas_view::ReplicasView;
use super::run_view::{RunProgressView, RunView};
use crate::catalog::entity::Kind;
use crate::http::error::{ApiError, Problem};
use crate::http::json::Json;
use crate::http::state::AppState;
use crate::snapshot::Snapshot;
use crate::snapshot::run::{Outcome, Run};

/// The state of the service.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthView {
    /// The state in one word.
    status: HealthStatus,
    /// The version of this service.
    version: &'static str,
    /// The served snapshot; absent before the first one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    snapshot: Option<SnapshotView>,
    /// The progress of the run that is in progress or queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    run: Option<RunProgressView>,
    /// The last run that ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_run: Option<RunView>,
    /// When the next scheduled run is due, never in the past; absent during a run and without a
    /// schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    next_run_at: Option<Timestamp>,
    /// When the first webhook of Authentik arrived that no run has followed yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    webhook_pending_since: Option<Timestamp>,
    /// The replicas that share `entityProvider.database`; absent without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    replicas: Option<ReplicasView>,
    /// Why a changed configuration is invalid; the previous one stays in effect until it is
    /// corrected.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    configuration_error: Option<String>,
    /// Why the snapshot is not on disk; a restart would restore an older one or none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    state_error: Option<String>,
}

/// The state of the service in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = HealthStatus)]
pub enum HealthStatus {
    /// There is no snapshot yet.
    Starting,
    /// The last run succeeded.
    Ok,
    /// The last run failed or was held, and the previous snapshot is served; or the snapshot is
    /// stale, or cannot be written to disk; or a changed configuration is invalid; or the database that replicas
    /// share does not answer, this replica lags behind the others, or their configurations differ.
    Degraded,
    /// The service is shutting down.
    Draining,
}

/// The served snapshot.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SnapshotView {
    /// When the sync started to read Authentik.
    #[schema(value_type = String, format = DateTime)]
    read_at: Timestamp,
    /// Seconds since `readAt`.
    #[schema(minimum = 0)]
    age_seconds: i64,
    /// Whether it is older than `entityProvider.maxAge`.
    stale: bool,
    /// Whether it was restored after a restart of the service.
    restored: bool,
    /// The number of user entities.
    users: usize,
    /// The number of group entities.
    groups: usize,
    /// The number of findings; `GET /sync/{id}` of the run lists them.
    findings: usize,
    /// The tag of the default body without a content coding.
    etag: String,
}

impl SnapshotView {
    /// Describes a snapshot at the current time.
    fn of(snapshot: &Snapshot, state: &AppState) -> Self {
        let now = state.clock.now();
        Self {
            read_at: snapshot.read_at,
            age_seconds: now.duration_since(snapshot.read_at).as_secs().max(0),
            stale: state.is_stale(snapshot),
            restored: snapshot.restored,
            users: snapshot.document.count(Kind::User),
            groups: snapshot.document.count(Kind::Group),
            findings: snapshot.findings.len(),
            etag: snapshot.identity().etag.clone(),
        }
    }
}

/// A summary for people
///
/// It contains no name: it counts the findings, and `GET /sync/{id}` lists them.
#[utoipa::path(
    get,
    path = "/health",
    tag = "health",
    responses(
        (status = OK, description = "A snapshot is served", body = HealthView),
        (status = SERVICE_UNAVAILABLE, description = "No snapshot yet", body = HealthView),
    )
)]
pub async fn read_health(State(state): State<AppState>) -> impl IntoResponse {
    let snapshot = state.store.current();
    let last_run = state.ledger.last();
    let view = HealthView {
        status: health_status(&state, snapshot.as_deref(), last_run.as_ref()),
        version: env!("CARGO_PKG_VERSION"),
        snapshot: snapshot.map(|snapshot| SnapshotView::of(&snapshot, &state)),
        run: state.unfinished_run(),
        last_run: last_run.as_ref().map(RunView::public),
        next_run_at: state.next_run_at(),
        webhook_pending_since: state.ledger.webhooks().map(|webhooks| webhooks.first),
        replicas: state
            .replica_state()
            .map(|replicas| ReplicasView::of(&replicas, state.clock.now())),
        configuration_error: state.status.configuration_error(),
        state_error: state.persistence.error(),
    };
    let code = if view.snapshot.is_some() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, [(CACHE_CONTROL, "no-store")], Json(view))
}

/// The state of the service in one word.
pub(super) fn health_status(
    state: &AppState,
    snapshot: Option<&Snapshot>,
    last_run: Option<&Run>,
) -> HealthStatus {
    let succeeded = |run: &Run| matches!(run.end, Some((_, Outcome::Succeeded(_))));
    let stopped = last_run.is_some_and(|run| !succeeded(run));
    match snapshot {
        _ if state.draining.is_cancelled() => HealthStatus::Draining,
        None => HealthStatus::Starting,
        Some(snapshot) if stopped || is_degraded(state, snapshot) => HealthStatus::Degraded,
        Some(_) => HealthStatus::Ok,
    }
}

/// Whether the service is degraded for another reason than the last run.
fn is_degraded(state: &AppState, snapshot: &Snapshot) -> bool {
    let has_configuration_error = state.status.configuration_error().is_some();
    let has_replica_problem = state.replica_state().is_some_and(|replicas| {
        replicas.database_error.is_some()
            || replicas.lags(state.clock.now())
            || !replicas.differing_settings().is_empty()
    });
    has_configuration_error
        || has_replica_problem
        || state.persistence.error().is_some()
        || state.is_stale(snapshot)
}

/// Whether the process responds
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "health",
    responses((status = OK, description = "The process responds", body = String, content_type = "text/plain", example = "ok\n"))
)]
pub async fn read_liveness() -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], "ok\n")
}

/// Whether the service can serve requests
///
/// An outage of Authentik does not change this, since the last snapshot is still served, unless the
/// snapshot becomes older than `entityProvider.maxAge`. A replica that lags behind the others is not ready.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "health",
    responses(
        (status = OK, description = "A snapshot is served", body = String, content_type = "text/plain", example = "ok\n"),
        (status = SERVICE_UNAVAILABLE, description = "No snapshot yet, or it is older than `entityProvider.maxAge` or than that of other replicas, or the service is shutting down",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait"))),
    )
)]
pub async fn read_readiness(State(state): State<AppState>) -> Result<impl IntoResponse, ApiError> {
    if state.draining.is_cancelled() {
        return Err(ApiError::Draining);
    }
    let snapshot = state.snapshot()?;
    if state.is_stale(&snapshot) {
        return Err(ApiError::Stale);
    }
    if state
        .replica_state()
        .is_some_and(|replicas| replicas.lags(state.clock.now()))
    {
        return Err(ApiError::Lagging);
    }
    Ok(([(CACHE_CONTROL, "no-store")], "ok\n"))
}
