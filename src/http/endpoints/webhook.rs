//! `/hooks/authentik`: takes Authentik's notifications as a hint that something changed.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::IntoResponse;

use super::sync::NO_STORE;
use crate::http::error::{ApiError, Problem};
use crate::http::state::AppState;

/// Receives a webhook of Authentik
///
/// An incremental sync follows soon. The body is not read: a webhook only says that something may have changed.
/// All webhooks until a run starts lead to one run. `webhookPendingSince` in `GET /health` says that a run is
/// to follow, and `nextRunAt` when.
#[utoipa::path(
    post,
    path = "/hooks/authentik",
    tag = "sync",
    responses(
        (status = ACCEPTED, description = "A run follows"),
        (status = SERVICE_UNAVAILABLE, description = "The service is shutting down, so no run starts",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait"))),
    )
)]
pub async fn receive_webhook(
    State(state): State<AppState>,
) -> Result<impl IntoResponse + use<>, ApiError> {
    if state.draining.is_cancelled() {
        return Err(ApiError::Draining);
    }
    state.requests.receive_webhook().await?;
    Ok((StatusCode::ACCEPTED, NO_STORE))
}
