//! `/findings`: problems in the directory or the configuration, each with a remedy.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use crate::catalog::finding::Finding;
use crate::http::error::{ApiError, Problem};
use crate::http::json::Json;
use crate::http::state::AppState;
use crate::snapshot::run::LISTED_FINDINGS;

/// The findings about a snapshot.
#[derive(Debug, Serialize, ToSchema)]
pub struct FindingsView {
    /// The number of all findings.
    total: usize,
    /// The findings, at most 1000.
    findings: Vec<Finding>,
}

/// The findings about the current snapshot
///
/// Problems in the directory or the configuration that affect the catalog, each with a remedy.
#[utoipa::path(
    get,
    path = "/findings",
    tag = "entities",
    responses(
        (status = OK, description = "The findings", body = FindingsView,
            headers(("Cache-Control" = String, description = "`no-store`"))),
        (status = SERVICE_UNAVAILABLE, description = "No snapshot yet", body = Problem,
            content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait"))),
    )
)]
pub async fn list_findings(State(state): State<AppState>) -> Result<impl IntoResponse, ApiError> {
    let findings = &state.snapshot()?.findings;
    let view = FindingsView {
        total: findings.len(),
        findings: findings.iter().take(LISTED_FINDINGS).cloned().collect(),
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(view)))
}
