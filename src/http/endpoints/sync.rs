//! `/sync`: asks for runs and tells of them.

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
use crate::snapshot::run::{Run, RunId, RunOptions, Trigger};

/// The longest wait for the end of a run.
const LONGEST_WAIT: Duration = Duration::from_mins(10);
/// RFC 7240.
const PREFER: HeaderName = HeaderName::from_static("prefer");
/// RFC 7240.
const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
/// Runs change from one moment to the next.
pub(super) const NO_STORE: [(HeaderName, HeaderValue); 1] =
    [(CACHE_CONTROL, HeaderValue::from_static("no-store"))];

/// The runs that are known.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct RunsView {
    /// When the next scheduled run is due, never in the past; missing while a run is under way and without a
    /// schedule.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime, nullable = false)]
    next_run_at: Option<Timestamp>,
    /// What came of telling Backstage which locations changed; missing before the first time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    push: Option<PushView>,
    /// The runs, the latest first.
    runs: Vec<RunView>,
}

/// How long to wait for the end, what to accept, and how much to read.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RunQuery {
    /// How long to wait for the end of the run: seconds, or a duration such as `30s`, `2 minutes`
    /// or `PT30S`; at most 10 minutes. Goes before the `Prefer` header.
    #[param(
        example = "30s",
        pattern = "^([0-9]{1,4}|[0-9]{1,4} ?(ms|s|m|seconds?|minutes?)|PT[0-9]{1,4}[SM])$"
    )]
    wait: Option<String>,
    /// `shrink` lets this one run publish what the shrink guard would hold; look at the held run first.
    #[param(inline)]
    accept: Option<Accept>,
    /// `true` lets the run read everything and not only what changed.
    #[serde(default)]
    #[param(inline, nullable = false)]
    full: bool,
}

/// Recent runs
///
/// The queued and the running one, and the last 100 that ended.
#[utoipa::path(
    get,
    path = "/sync",
    tag = "sync",
    responses((status = OK, description = "The runs, the latest first", body = RunsView))
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

/// One run, with its findings and what it changed
///
/// `GET /sync/{id}/events` follows a run that is under way.
#[utoipa::path(
    get,
    path = "/sync/{id}",
    tag = "sync",
    params(("id" = String, Path, description = "The run's id, as `POST /sync` and `GET /sync` name it")),
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

/// Asks for a run
///
/// A post always leads to a run that begins after it; posts during a run share the next one. With
/// `accept=shrink` the run publishes also what the shrink guard would hold; the next run is guarded again
/// and compared with what was accepted. With `full=true` it reads everything.
#[utoipa::path(
    post,
    path = "/sync",
    tag = "sync",
    params(
        RunQuery,
        ("Prefer" = Option<String>, Header, nullable = false, example = "wait=30",
            description = "Waits so many seconds (RFC 7240) unless `wait` is given; what cannot be read is ignored"),
    ),
    responses(
        (status = OK, description = "The run ended while the client waited: it succeeded, was held or failed", body = RunView,
            headers(
                ("Location" = String, description = "Where the run can be asked for, relative to this service"),
                ("Preference-Applied" = String, description = "The preference, if it decided the wait"),
            )),
        (status = ACCEPTED, description = "The run is queued or under way", body = RunView,
            headers(
                ("Location" = String, description = "Where the run can be asked for at once, relative to this service"),
                ("Preference-Applied" = String, description = "The preference, if it decided the wait"),
            )),
        (status = BAD_REQUEST, description = "An unknown parameter or value", body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "Shutting down: no run begins any more",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait"))),
    )
)]
pub async fn request_run(
    State(state): State<AppState>,
    Query(query): Query<RunQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = query.wait.as_deref().map(parse_wait).transpose()?;
    let preferred = preferred_wait(&headers);
    if state.draining.is_cancelled() {
        // No run begins any more, so none is promised.
        return Err(ApiError::Draining);
    }
    let options = RunOptions {
        accepts_shrink: query.accept == Some(Accept::Shrink),
        full: query.full,
    };
    let id = state
        .ledger
        .request_with(Trigger::Request, options)
        .ok_or(ApiError::Draining)?;
    let wait = asked.or(preferred).unwrap_or_default().min(LONGEST_WAIT);
    // A shutdown ends every run, so that it is not waited for here. Too late is no error: the run is
    // shown as it is.
    let ended = timeout(wait, state.ledger.ended(id)).await;
    let run = ended.unwrap_or_else(|_| state.ledger.find(id));
    let run = run.ok_or_else(|| ApiError::UnknownRun(id.to_string()))?;
    // Without a wait the answer is 202, however fast the run ends.
    let status = if run.end.is_some() && !wait.is_zero() {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    let location = [(LOCATION, format!("/sync/{id}"))];
    let mut response = (status, NO_STORE, location, Json(RunView::from(&run))).into_response();
    if let (None, Some(wait)) = (asked, preferred) {
        let applied = format!("wait={}", wait.min(LONGEST_WAIT).as_secs());
        let value = HeaderValue::from_str(&applied).map_err(|_| ApiError::Internal)?;
        response.headers_mut().insert(PREFERENCE_APPLIED, value);
    }
    Ok(response)
}

/// The run that a path names. Only a text that is not UTF-8 is rejected, and no id is such a text.
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

/// A duration in a query: as in the configuration, or a plain number of seconds.
fn parse_wait(text: &str) -> Result<Duration, ApiError> {
    if let Ok(seconds) = text.parse() {
        return Ok(Duration::from_secs(seconds));
    }
    parse_duration(text).map_err(|error| ApiError::Query(format!("`wait`: {error}")))
}

/// The `wait` preference in seconds; what cannot be read is ignored, as RFC 7240 says.
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
    fn the_wait_preference_is_read_from_any_list() {
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
