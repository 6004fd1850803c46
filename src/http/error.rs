//! Every error that a client sees, as a problem document (RFC 9457).

use std::any::Any;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// Why a request is not answered as it was meant.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is no snapshot yet; an empty list would delete everybody from a catalog.
    #[error("no snapshot has been read from Authentik yet; /health says how far the first run is")]
    NoSnapshot,
    /// The service is shutting down.
    #[error("the service is shutting down")]
    Draining,
    /// The snapshot is older than the operator allows.
    #[error(
        "the snapshot is older than `entityProvider.maxAge`; /health says why, /entities still serves it"
    )]
    Stale,
    /// A query parameter is unknown or has a value that cannot be used.
    #[error("{0}")]
    Query(String),
    /// None of the formats is acceptable.
    #[error("none of {0} is acceptable; send another Accept header or use ?format=")]
    NotAcceptable(String),
    /// No such entity.
    #[error("no entity has this kind, namespace and name; GET /entities has those that there are")]
    UnknownEntity,
    /// No such run, or it ended too long ago.
    #[error("no run has the id {0}; GET /sync lists the runs that are known")]
    UnknownRun(String),
    /// No row of the snapshot has this name or pk.
    #[error(
        "no {0} is in the snapshot, neither by name nor by pk; spell it as Authentik or the catalog does"
    )]
    UnknownRow(String),
    /// No such path.
    #[error("there is nothing at this path; GET /openapi.json describes the service")]
    UnknownPath,
    /// The path exists and the method does not.
    #[error("this path does not answer this method; the Allow header names those that it does")]
    UnknownMethod,
    /// A bug.
    #[error("an internal error occurred; the log has the reason")]
    Internal,
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status says what kind of problem it is.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub problem_type: &'static str,
    /// The status in words.
    #[schema(example = "Service Unavailable")]
    pub title: &'static str,
    /// The status.
    #[schema(example = 503)]
    pub status: u16,
    /// What is the matter and what to do.
    pub detail: String,
    /// What kind of problem it is, stable over versions.
    #[schema(example = "no-snapshot")]
    pub code: &'static str,
}

impl ApiError {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoSnapshot | Self::Draining | Self::Stale => StatusCode::SERVICE_UNAVAILABLE,
            Self::Query(_) => StatusCode::BAD_REQUEST,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::UnknownEntity | Self::UnknownRun(_) | Self::UnknownRow(_) | Self::UnknownPath => {
                StatusCode::NOT_FOUND
            }
            Self::UnknownMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What kind of problem it is, stable over versions.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSnapshot => "no-snapshot",
            Self::Draining => "draining",
            Self::Stale => "stale",
            Self::Query(_) => "bad-query",
            Self::NotAcceptable(_) => "not-acceptable",
            Self::UnknownEntity => "unknown-entity",
            Self::UnknownRun(_) => "unknown-run",
            Self::UnknownRow(_) => "unknown-row",
            Self::UnknownPath => "unknown-path",
            Self::UnknownMethod => "unknown-method",
            Self::Internal => "internal",
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response<Body> {
        let status = self.status();
        let problem = Problem {
            problem_type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.to_string(),
            code: self.code(),
        };
        let mut response = (status, axum::Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<QueryRejection> for ApiError {
    fn from(rejection: QueryRejection) -> Self {
        Self::Query(rejection.body_text())
    }
}

/// The answer to a request whose handler panicked; the panic hook has logged why.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response<Body> {
    ApiError::Internal.into_response()
}
