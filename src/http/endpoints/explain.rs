//! `/explain`: what became of a row, and why.

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

/// An explanation decides everything anew, so one at a time is made: a person asks, not a machine.
static TURN: Semaphore = Semaphore::const_new(1);

/// Whom or what to explain; exactly one of both.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ExplainQuery {
    /// A user's name in the catalog, username or pk. Excludes `group`; one of both is needed.
    #[param(nullable = false)]
    user: Option<String>,
    /// A group's name in the catalog, name in Authentik or pk. Excludes `user`; one of both is needed.
    #[param(nullable = false)]
    group: Option<String>,
}

impl ExplainQuery {
    /// What is asked for.
    fn asked(self) -> Result<(Kind, String), ApiError> {
        match (self.user, self.group) {
            (Some(user), None) => Ok((Kind::User, user)),
            (None, Some(group)) => Ok((Kind::Group, group)),
            _ => Err(ApiError::Query(
                "give either ?user= or ?group=, and not both".into(),
            )),
        }
    }
}

/// Why a user or group is in the catalog as it is, or is not
///
/// Explains every row of the current snapshot that has the name or pk, and every row that wanted the
/// name and did not get it: the row's fields, the rules that applied, and the entity or the reason
/// that there is none.
#[utoipa::path(
    get,
    path = "/explain",
    tag = "entities",
    params(ExplainQuery),
    responses(
        (status = OK, description = "All rows that match", body = Explanations,
            headers(("Cache-Control" = String, description = "`no-store`"))),
        (status = BAD_REQUEST, description = "Neither or both are given, or an unknown parameter",
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
    let (kind, asked) = query.asked()?;
    let snapshot = state.snapshot()?;
    let turn = TURN.acquire().await;
    let explained = spawn_blocking(move || {
        // Kept until the work is done, even if nobody waits for it any more.
        let _turn = turn;
        Explanations::of(
            &snapshot.directory,
            &snapshot.policy,
            &snapshot.names,
            kind,
            asked,
        )
    });
    let explained = explained.await.map_err(|_| ApiError::Internal)?;
    if explained.matches.is_empty() {
        return Err(ApiError::UnknownRow(
            explained.to_string(),
            explained.proposal(),
        ));
    }
    Ok((
        [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "no-store"),
        ],
        to_json(&explained),
    ))
}
