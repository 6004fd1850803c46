//! `/explain`: why a row has an entity or not.

use axum::extract::State;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use utoipa::IntoParams;

use crate::catalog::entity::Kind;
use crate::catalog::escape::to_json;
use crate::http::error::{ApiError, Problem};
use crate::http::query::Query;
use crate::http::state::AppState;
use crate::snapshot::explanations::Explanations;

/// Allows one explanation at a time: each repeats the whole transform, and only people request
/// them.
static PERMIT: Semaphore = Semaphore::const_new(1);

/// The user or group to explain; exactly one of the two.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainQuery {
    /// A user's name in the catalog, username or pk. Excludes `group`; one of the two is required.
    #[param(nullable = false)]
    user: Option<String>,
    /// A group's name in the catalog, name in Authentik or pk. Excludes `user`; one of the two is
    /// required.
    #[param(nullable = false)]
    group: Option<String>,
}

impl ExplainQuery {
    /// Returns the kind and the text to search for.
    fn kind_and_text(self) -> Result<(Kind, String), ApiError> {
        match (self.user, self.group) {
            (Some(user), None) => Ok((Kind::User, user)),
            (None, Some(group)) => Ok((Kind::Group, group)),
            _ => Err(ApiError::Query(
                "send either ?user= or ?group=, and not both".into(),
            )),
        }
    }
}

/// Why a user or group has its entity, or has none
///
/// Explains every row of the current snapshot that has the name or pk, also a row that did not get
/// the name because another row has it: the row's fields, the rules that applied, and the entity or
/// the reason why there is none.
#[utoipa::path(
    get,
    path = "/explain",
    tag = "entities",
    params(ExplainQuery),
    responses(
        (status = OK, description = "All rows that match", body = Explanations,
            headers(("Cache-Control" = String, description = "`no-store`"))),
        (status = BAD_REQUEST, description = "Neither or both parameters are set, or a parameter is unknown",
            body = Problem, content_type = "application/problem+json"),
        (status = NOT_FOUND, description = "No row matches", body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "No snapshot yet", body = Problem,
            content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait"))),
    )
)]
pub async fn read_explanation(
    State(state): State<AppState>,
    Query(query): Query<ExplainQuery>,
) -> Result<impl IntoResponse, ApiError> {
    let (kind, text) = query.kind_and_text()?;
    let snapshot = state.snapshot()?;
    let permit = PERMIT.acquire().await;
    let explanations = spawn_blocking(move || {
        // Released when the work ends, even if the client has disconnected.
        let _permit = permit;
        Explanations::of(
            &snapshot.directory,
            &snapshot.policy,
            &snapshot.names,
            kind,
            text,
        )
    });
    let explanations = explanations.await.map_err(|_| ApiError::Internal)?;
    if explanations.matches.is_empty() {
        return Err(ApiError::UnknownRow(
            explanations.to_string(),
            explanations.proposal(),
        ));
    }
    Ok((
        [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "no-store"),
        ],
        to_json(&explanations),
    ))
}
