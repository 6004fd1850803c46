//! Every error that a client sees, as a problem document (RFC 9457).

use std::any::Any;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::endpoints::run_view::RunProgressView;
use super::json::Json;

/// Why a request is not answered as it was meant.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is no snapshot yet; an empty list would delete everybody from a catalog.
    #[error("no snapshot has been read from Authentik yet; {}", outlook(.0.as_ref()))]
    NoSnapshot(Option<RunProgressView>),
    /// The service is shutting down.
    #[error("the service is shutting down")]
    Draining,
    /// The snapshot is older than the operator allows.
    #[error(
        "the snapshot is older than `entityProvider.maxAge`; /health says why, /entities still serves it"
    )]
    Stale,
    /// Too much is asked for at once.
    #[error("too much is asked of the service at once; ask again in a moment")]
    Overloaded,
    /// The answer takes too long to make.
    #[error(
        "the answer took too long to make; ask again later, or for less with ?kind= or ?shard="
    )]
    TooSlow,
    /// A body where none is wanted.
    #[error("no request to this service needs a body, and this one announces a large one")]
    BodyTooLarge,
    /// A query parameter is unknown or has a value that cannot be used.
    #[error("{0}")]
    Query(String),
    /// What says under which URL the service was asked cannot stand in a URL; the value is not
    /// repeated, since it may be anything.
    #[error(
        "the header {0} cannot be used in a URL; set `entityProvider.publicUrl` or correct the request"
    )]
    Host(&'static str),
    /// None of the formats is acceptable.
    #[error("none of {0} is acceptable; send another Accept header or use ?format=")]
    NotAcceptable(String),
    /// No such entity.
    #[error("no entity has this kind, namespace and name; GET /entities has those that there are")]
    UnknownEntity,
    /// No such run, or it ended too long ago.
    #[error("no run has the id {0}; GET /sync lists the runs that are known")]
    UnknownRun(String),
    /// No row of the snapshot has this name or pk; the end of the message proposes others.
    #[error(
        "no {0} is in the snapshot, neither by name nor by pk; spell it as Authentik or the catalog does{1}"
    )]
    UnknownRow(String, String),
    /// No token where one is needed.
    #[error(
        "a token is needed: send it as `Authorization: Bearer …`, or to read also as `?token=…`"
    )]
    TokenMissing,
    /// No such token.
    #[error("the token is none of those that this service knows; it may have been replaced")]
    TokenInvalid,
    /// A token for something else.
    #[error(
        "the token is for something else: a read token reads, and a sync token asks for runs with POST /sync \
         and follows them with GET /sync and GET /sync/{{id}}/events"
    )]
    TokenKind,
    /// Several tokens.
    #[error(
        "the request carries more than one token; send one, in the Authorization header or as ?token="
    )]
    TokenTwice,
    /// A token in the URL of a request that changes something; proxies write URLs to their logs.
    #[error(
        "send the token in the Authorization header here; a token in a URL ends up in logs, so replace it"
    )]
    TokenInQuery,
    /// Nobody may ask for runs.
    #[error(
        "nobody may ask for runs here, since no `entityProvider.auth.syncTokens` are set; \
         set one, or `allowAnonymous: true` beside it"
    )]
    SyncClosed,
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
    /// How far the run is that is under way or queued, before the first snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub run: Option<RunProgressView>,
}

impl ApiError {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoSnapshot(_)
            | Self::Draining
            | Self::Stale
            | Self::Overloaded
            | Self::TooSlow => StatusCode::SERVICE_UNAVAILABLE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Query(_) | Self::Host(_) | Self::TokenTwice | Self::TokenInQuery => {
                StatusCode::BAD_REQUEST
            }
            Self::TokenMissing | Self::TokenInvalid => StatusCode::UNAUTHORIZED,
            Self::TokenKind | Self::SyncClosed => StatusCode::FORBIDDEN,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::UnknownEntity
            | Self::UnknownRun(_)
            | Self::UnknownRow(..)
            | Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::UnknownMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// What kind of problem it is, stable over versions.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSnapshot(_) => "no-snapshot",
            Self::Draining => "draining",
            Self::Stale => "stale",
            Self::Overloaded => "overloaded",
            Self::TooSlow => "too-slow",
            Self::BodyTooLarge => "body-too-large",
            Self::Query(_) => "bad-query",
            Self::Host(_) => "bad-host",
            Self::NotAcceptable(_) => "not-acceptable",
            Self::UnknownEntity => "unknown-entity",
            Self::UnknownRun(_) => "unknown-run",
            Self::UnknownRow(..) => "unknown-row",
            Self::TokenMissing => "token-missing",
            Self::TokenInvalid => "token-invalid",
            Self::TokenKind => "token-kind",
            Self::TokenTwice => "token-twice",
            Self::TokenInQuery => "token-in-query",
            Self::SyncClosed => "sync-closed",
            Self::UnknownPath => "unknown-path",
            Self::UnknownMethod => "unknown-method",
            Self::Internal => "internal",
        }
    }

    /// How many seconds to wait before asking again.
    fn retry_after(&self) -> Option<&'static str> {
        match self {
            Self::Overloaded => Some("1"),
            Self::NoSnapshot(_) | Self::Draining | Self::TooSlow => Some("5"),
            _ => None,
        }
    }

    /// How far the run is that the client waits for.
    fn run(&self) -> Option<&RunProgressView> {
        match self {
            Self::NoSnapshot(run) => run.as_ref(),
            _ => None,
        }
    }

    /// What a client must do about its token (RFC 6750, section 3).
    fn challenge(&self) -> Option<&'static str> {
        match self {
            Self::TokenMissing => Some(r#"Bearer realm="authentik-entity-provider""#),
            Self::TokenInvalid => {
                Some(r#"Bearer realm="authentik-entity-provider", error="invalid_token""#)
            }
            Self::TokenKind => {
                Some(r#"Bearer realm="authentik-entity-provider", error="insufficient_scope""#)
            }
            Self::TokenTwice | Self::TokenInQuery => {
                Some(r#"Bearer realm="authentik-entity-provider", error="invalid_request""#)
            }
            _ => None,
        }
    }
}

/// What a client can expect before the first snapshot.
fn outlook(run: Option<&RunProgressView>) -> String {
    run.map_or_else(
        || "/health says how the last run went and when the next one is due".to_owned(),
        ToString::to_string,
    )
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
            run: self.run().cloned(),
        };
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        let optional = [
            (RETRY_AFTER, self.retry_after()),
            (WWW_AUTHENTICATE, self.challenge()),
        ];
        for (name, value) in optional {
            headers.extend(value.map(|value| (name, HeaderValue::from_static(value))));
        }
        response
    }
}

/// The answer to a request whose handler panicked; the panic hook has logged why.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response<Body> {
    ApiError::Internal.into_response()
}
