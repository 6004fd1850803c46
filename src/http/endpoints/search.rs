//! `/search`: finds users and groups, also those without an entity.

use axum::extract::State;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tokio::task::spawn_blocking;
use utoipa::IntoParams;

use crate::catalog::entity::Kind;
use crate::catalog::search::{SearchResult, search};
use crate::http::error::{ApiError, Problem};
use crate::http::json::Json;
use crate::http::query::Query;
use crate::http::state::AppState;

/// The text to search for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchQuery {
    /// A primary key, or a part of a name or an email; letter case does not matter.
    #[param(example = "alice")]
    q: String,
    /// Only rows of this kind.
    #[param(inline)]
    kind: Option<Kind>,
}

/// Search users and groups
///
/// Searches all rows of the current snapshot. A row without `name` has no entity; `GET /explain` says why.
#[utoipa::path(
    get,
    path = "/search",
    tag = "entities",
    params(SearchQuery),
    responses(
        (status = OK, description = "The rows that match", body = SearchResult,
            headers(("Cache-Control" = String, description = "`no-store`"))),
        (status = BAD_REQUEST, description = "An unknown parameter or value", body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "No snapshot yet", body = Problem,
            content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait"))),
    )
)]
pub async fn search_rows(
    State(state): State<AppState>,
    Query(SearchQuery { q, kind }): Query<SearchQuery>,
) -> Result<Response, ApiError> {
    let snapshot = state.snapshot()?;
    // A search of 100,000 rows takes too long for an async thread.
    let found = spawn_blocking(move || {
        let found = search(&snapshot.directory, &snapshot.names, kind, &q);
        ([(CACHE_CONTROL, "no-store")], Json(found)).into_response()
    });
    found.await.map_err(|_| ApiError::Internal)
}
