//! `/sync`: requests runs and shows them.

use std::str::FromStr;
use std::time::Duration;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header::{CACHE_CONTROL, LOCATION};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use utoipa::{IntoParams, ToSchema};

use super::accept::Accept;
use super::push_view::PushView;
use super::run_view::{RunDetailView, RunView};
use crate::config::parse_duration;
use crate::http::error::{ApiError, Problem};
use crate::http::json::Json;
use crate::http::query::Query;
use crate::http::state::AppState;
use crate::snapshot::run::{Run, RunId, RunOptions};

/// The maximum wait for the end of a run.
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// The header with the client's preferences (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// The header with the preferences that the service applied (RFC 7240).
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// Runs change at any time, so a response must not be stored.
pub(super) const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// The known runs.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunsView {
    /// When the next scheduled run is due, never in the past; absent during a run and without a
    /// schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    next_run_at: Option<Timestamp>,
    /// The last push of changed locations to Backstage; absent before the first push.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    push: Option<PushView>,
    /// The runs, newest first.
    runs: Vec<RunView>,
}

/// How long to wait for the end of the run, and its options.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// How long to wait for the end of the run: seconds, or a duration such as `30s`, `2 minutes`
    /// or `PT30S`; at most 10 minutes. Overrides the `Prefer` header.
    #[param(
        example = "30s",
        pattern = "^([0-9]{1,4}|[0-9]{1,4} ?(ms|s|m|seconds?|minutes?)|PT[0-9]{1,4}[SM])$"
    )]
    wait: Option<String>,
    /// `shrink`: this run publishes a removal that the shrink guard would hold. Check the held run first.
    #[param(inline)]
    accept: Option<Accept>,
    /// `true`: the run is a full sync.
    #[serde(default)]
    #[param(inline, nullable = false)]
    full: bool,
}

/// Recent runs
///
/// The queued run, the run in progress, and the last 100 that ended.
#[utoipa::path(
    get,
    path = "/sync",
    tag = "sync",
    responses((status = OK, description = "The runs, newest first", body = RunsView))
)]
pub async fn list_runs(State(state): State<AppState>) -> impl IntoResponse {
    let runs = state.ledger.runs().iter().map(RunView::from).collect();
    let push = state.status.last_push().map(PushView::from);
    (
        NO_STORE,
        Json(RunsView {
            next_run_at: state.next_run_at(),
            push,
            runs,
        }),
    )
}

/// One run, with its findings and changes
///
/// `GET /sync/{id}/events` follows a run in progress.
#[utoipa::path(
    get,
    path = "/sync/{id}",
    tag = "sync",
    params(("id" = String, Path, description = "The id of the run, from `POST /sync` or `GET /sync`")),
    responses(
        (status = OK, description = "The run", body = RunDetailView),
        (status = NOT_FOUND, description = "No such run", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn read_run(
    State(state): State<AppState>,
    id: Result<Path<String>, PathRejection>,
) -> Result<impl IntoResponse, ApiError> {
    let run = known_run(&state, id)?;
    Ok((NO_STORE, Json(RunDetailView::from(&run))))
}

/// Requests a run
///
/// The run starts after the request; all requests during a run share the next one. With
/// `accept=shrink` the run also publishes a removal that the shrink guard would hold; the guard
/// compares the next run with the accepted rows. With `full=true` the run is a full sync.
#[utoipa::path(
    post,
    path = "/sync",
    tag = "sync",
    params(
        RunQuery,
        ("Prefer" = Option<String>, Header, nullable = false, example = "wait=30",
            description = "The seconds to wait (RFC 7240), unless the parameter `wait` is set; an invalid preference is ignored"),
    ),
    responses(
        (status = OK, description = "The run ended during the wait: it succeeded, was held or failed", body = RunView,
            headers(
                ("Location" = String, description = "The URL of the run, relative to this service"),
                ("Preference-Applied" = String, description = "The preference, if it set the wait"),
            )),
        (status = ACCEPTED, description = "The run is queued or in progress", body = RunView,
            headers(
                ("Location" = String, description = "The URL of the run, relative to this service; available at once"),
                ("Preference-Applied" = String, description = "The preference, if it set the wait"),
            )),
        (status = BAD_REQUEST, description = "An unknown parameter or value", body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "The service is shutting down, so no run starts",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait"))),
    )
)]
pub async fn request_run(
    State(state): State<AppState>,
    Query(query): Query<RunQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let requested = query.wait.as_deref().map(parse_wait).transpose()?;
    let preferred = preferred_wait(&headers);
    if state.draining.is_cancelled() {
        // No run starts during a shutdown.
        return Err(ApiError::Draining);
    }
    let options = RunOptions {
        accepts_shrink: query.accept == Some(Accept::Shrink),
        full: query.full,
        postpones_full: false,
    };
    let id = state.requests.request(options).await?;
    let wait = requested
        .or(preferred)
        .unwrap_or_default()
        .min(LONGEST_WAIT);
    // A shutdown ends every run, so the wait needs no further condition. A timeout is no error: the
    // response shows the run as it is.
    let ended = timeout(wait, state.ledger.ended(id)).await;
    let run = ended.unwrap_or_else(|_| state.ledger.find(id));
    let run = run.ok_or_else(|| ApiError::UnknownRun(id.to_string()))?;
    if run.end.is_some() {
        // The next request of this client finds the result, also if another replica has synced.
        state.requests.catch_up().await;
    }
    // Without a wait the status is 202, even if the run has already ended.
    let status = if run.end.is_some() && !wait.is_zero() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let location = [(LOCATION, format!("/sync/{id}"))];
    let mut response = (status, NO_STORE, location, Json(RunView::from(&run))).into_response();
    if let (None, Some(wait)) = (requested, preferred) {
        let applied = format!("wait={}", wait.min(LONGEST_WAIT).as_secs());
        let value = HeaderValue::from_str(&applied).map_err(|_| ApiError::Internal)?;
        response.headers_mut().insert(PREFERENCE_APPLIED, value);
    }
    Ok(response)
}

/// Returns the run of a path. The extractor rejects only a text that is not UTF-8, and no id is
/// such a text.
pub(super) fn known_run(
    state: &AppState,
    id: Result<Path<String>, PathRejection>,
) -> Result<Run, ApiError> {
    let id = id.map_or_else(|_| "given".to_owned(), |Path(id)| id);
    let run = RunId::from_str(&id)
        .ok()
        .and_then(|id| state.ledger.find(id));
    run.ok_or(ApiError::UnknownRun(id))
}

/// Parses a duration in a query: as in the configuration, or a plain number of seconds.
fn parse_wait(text: &str) -> Result<Duration, ApiError> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    parse_duration(text).map_err(|error| ApiError::Query(format!("`wait`: {error}")))
}

/// Returns the `wait` preference in seconds. Ignores an invalid one, as RFC 7240 requires.
fn preferred_wait(headers: &HeaderMap) -> Option<Duration> {
    let values = headers
        .get_all(PREFER)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let mut preferences = values
        .flat_map(|value| value.split(','))
        .filter_map(|text| text.split_once('='));
    let (_, value) = preferences.find(|(name, _)| name.trim().eq_ignore_ascii_case("wait"))?;
    let value = value
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .trim_matches('"');
    value.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wait_preference_is_found_in_every_list() {
        let wait = |value: &'static str| {
            let headers = HeaderMap::from_iter([(PREFER, HeaderValue::from_static(value))]);
            preferred_wait(&headers).map(|wait| wait.as_secs())
        };
        assert_eq!(wait("wait=30"), Some(30));
        assert_eq!(wait("respond-async, Wait=\"5\"; x=1"), Some(5));
        for ignored in ["wait", "wait=soon", "wait=-1", "waits=3"] {
            assert_eq!(wait(ignored), None, "{ignored}");
        }
    }
}
