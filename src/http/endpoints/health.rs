//! `/health`: for orchestrators and for people who look what is the matter.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::run_view::{RunProgressView, RunView};
use crate::catalog::entity::Kind;
use crate::http::error::{ApiError, Problem};
use crate::http::json::Json;
use crate::http::state::AppState;
use crate::snapshot::Snapshot;
use crate::snapshot::run::{Outcome, Run};

/// How the service is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct HealthView {
    /// In one word.
    status: HealthStatus,
    /// The version of this service.
    version: &'static str,
    /// What is served; missing before the first snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    snapshot: Option<SnapshotView>,
    /// How far the run is that is under way or queued.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    run: Option<RunProgressView>,
    /// The run that ended last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    last_run: Option<RunView>,
    /// When the next scheduled run is due, never in the past; missing while a run is under way and without a
    /// schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    next_run_at: Option<Timestamp>,
    /// Why a changed configuration was refused; an older one counts until it is mended.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    configuration_error: Option<String>,
    /// Why the snapshot is not on disk, so that a restart would begin with an older one or with none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    state_error: Option<String>,
}

/// The service in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = HealthStatus)]
pub enum HealthStatus {
    /// No snapshot has been read yet.
    Starting,
    /// The last run succeeded.
    Ok,
    /// The last run failed or was held, and the snapshot before it is served; or the snapshot is stale or
    /// cannot be kept on disk; or a changed configuration is invalid.
    Degraded,
    /// The service is shutting down.
    Draining,
}

/// The snapshot that is served.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SnapshotView {
    /// When the reading of Authentik began.
    #[schema(value_type = String, format = DateTime)]
    read_at: Timestamp,
    /// Seconds since then.
    #[schema(minimum = 0)]
    age_seconds: i64,
    /// Whether it is older than `entityProvider.maxAge`.
    stale: bool,
    /// Whether it was read before the service was restarted.
    restored: bool,
    /// User entities.
    users: usize,
    /// Group entities.
    groups: usize,
    /// How many findings there are; `GET /sync/{id}` of the run lists them.
    findings: usize,
    /// The tag of the default body without a coding.
    etag: String,
}

impl SnapshotView {
    /// A snapshot as it is shown now.
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
/// It names nobody: findings are counted, and `GET /sync/{id}` lists them.
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
        status: status(&state, snapshot.as_deref(), last_run.as_ref()),
        version: env!("CARGO_PKG_VERSION"),
        snapshot: snapshot.map(|snapshot| SnapshotView::of(&snapshot, &state)),
        run: state.unfinished_run(),
        last_run: last_run.as_ref().map(RunView::public),
        next_run_at: state.next_run_at(),
        configuration_error: state.status.refused(),
        state_error: state.persistence.error(),
    };
    let code = if view.snapshot.is_some() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, [(CACHE_CONTROL, "no-store")], Json(view))
}

/// The service in one word.
fn status(state: &AppState, snapshot: Option<&Snapshot>, last_run: Option<&Run>) -> HealthStatus {
    let succeeded = |run: &Run| matches!(run.end, Some((_, Outcome::Succeeded(_))));
    let stopped = last_run.is_some_and(|run| !succeeded(run));
    match snapshot {
        _ if state.draining.is_cancelled() => HealthStatus::Draining,
        None => HealthStatus::Starting,
        Some(snapshot) if stopped || is_weakened(state, snapshot) => HealthStatus::Degraded,
        Some(_) => HealthStatus::Ok,
    }
}

/// Whether something other than a run is the matter.
fn is_weakened(state: &AppState, snapshot: &Snapshot) -> bool {
    let refused = state.status.refused().is_some();
    refused || state.persistence.error().is_some() || state.is_stale(snapshot)
}

/// Whether the process answers at all
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "health",
    responses((status = OK, description = "It does", body = String, content_type = "text/plain", example = "ok\n"))
)]
pub async fn read_liveness() -> impl IntoResponse {
    ([(CACHE_CONTROL, "no-store")], "ok\n")
}

/// Whether requests should be sent here
///
/// An outage of Authentik does not fail this, since the last snapshot is still served, unless the
/// snapshot becomes older than `entityProvider.maxAge`.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "health",
    responses(
        (status = OK, description = "A snapshot is served", body = String, content_type = "text/plain", example = "ok\n"),
        (status = SERVICE_UNAVAILABLE, description = "No snapshot yet, or it is older than `entityProvider.maxAge`, or shutting down",
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
    Ok(([(CACHE_CONTROL, "no-store")], "ok\n"))
}
