//! All errors that a client sees, as problem documents (RFC 9457).

use std::any::Any;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, Response, StatusCode};
use axum::response::IntoResponse;
use serde::Serialize;
use utoipa::ToSchema;

use super::endpoints::run_view::RunProgressView;
use super::json::Json;
use super::meter::ProblemCode;
use crate::snapshot::requests::RequestError;

/// Why a request failed.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// There is no snapshot yet. An empty list would delete all entities from the catalog.
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
    /// Other replicas serve a newer snapshot.
    #[error("the other replicas serve a newer snapshot than this one; /health says why")]
    Lagging,
    /// The database that replicas share does not accept the request.
    #[error("the database that the replicas share does not accept the request; /health says why")]
    Database,
    /// Too many requests are in progress.
    #[error("the service has too many requests at once; try again in a moment")]
    Overloaded,
    /// The response takes too long.
    #[error("the response took too long; try again later, or request less with ?kind= or ?shard=")]
    TooSlow,
    /// The request has a large body, and no request needs one.
    #[error("no request to this service needs a body, but this one has a large body; remove it")]
    BodyTooLarge,
    /// A query parameter is unknown or has an invalid value.
    #[error("{0}")]
    Query(String),
    /// A header with a part of the requested URL is not valid in a URL. The message omits the
    /// value, since it may be anything.
    #[error(
        "the header {0} cannot be used in a URL; set `entityProvider.publicUrl` or correct the request"
    )]
    Host(&'static str),
    /// The client accepts none of the formats.
    #[error("none of {0} is acceptable; send another Accept header or use ?format=")]
    NotAcceptable(String),
    /// There is no such entity.
    #[error("no entity has this kind, namespace and name; GET /entities lists all entities")]
    UnknownEntity,
    /// There is no such run, or it ended too long ago.
    #[error("no run has the id {0}; GET /sync lists the known runs")]
    UnknownRun(String),
    /// No row of the snapshot has this name or pk. The message ends with similar names.
    #[error(
        "the snapshot has no {0}, neither by name nor by pk; spell it as in Authentik or in the catalog{1}"
    )]
    UnknownRow(String, String),
    /// The request has no token, but needs one.
    #[error(
        "this request needs a token: send it as `Authorization: Bearer …`, or to read also as `?token=…`"
    )]
    TokenMissing,
    /// The token is unknown.
    #[error("this service does not know the token; it may have been replaced")]
    TokenInvalid,
    /// The token is of the wrong kind.
    #[error(
        "the token is of the wrong kind: a read token allows reading, a sync token allows POST /sync and to follow \
         runs with GET /sync and GET /sync/{{id}}/events, and a webhook token allows POST /hooks/authentik"
    )]
    TokenKind,
    /// The request has several tokens.
    #[error(
        "the request has more than one token; send one, in the Authorization header or as ?token="
    )]
    TokenTwice,
    /// A request that changes something has a token in its URL. Proxies write URLs to their logs.
    #[error(
        "this request needs its token in the Authorization header; a token in a URL appears in logs, so replace it"
    )]
    TokenInQuery,
    /// No sync token is configured.
    #[error(
        "no client may request runs, since `entityProvider.auth.syncTokens` is not set; \
         set one, or `allowAnonymous: true` beside it"
    )]
    SyncClosed,
    /// No webhook token is configured.
    #[error(
        "this service takes no webhooks, since `entityProvider.auth.webhookTokens` is not set; \
         set one, or `allowAnonymous: true` beside it"
    )]
    WebhookClosed,
    /// The path is unknown.
    #[error("there is nothing at this path; GET /openapi.json describes the service")]
    UnknownPath,
    /// The path exists, but not with this method.
    #[error("this path does not have this method; the Allow header lists its methods")]
    UnknownMethod,
    /// The service has a bug.
    #[error("an internal error occurred; the log has the reason")]
    Internal,
}

impl From<RequestError> for ApiError {
    fn from(error: RequestError) -> Self {
        match error {
            RequestError::Draining => Self::Draining,
            RequestError::Database(failure) => {
                tracing::warn!(code = &*failure.code, "{}", failure.message);
                Self::Database
            }
        }
    }
}

/// A problem document (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Always `about:blank`: the status determines the kind of problem.
    #[serde(rename = "type")]
    #[schema(example = "about:blank")]
    pub problem_type: &'static str,
    /// The name of the status.
    #[schema(example = "Service Unavailable")]
    pub title: &'static str,
    /// The HTTP status.
    #[schema(example = 503)]
    pub status: u16,
    /// The problem and its remedy.
    pub detail: String,
    /// The kind of problem; stable across versions.
    #[schema(example = "no-snapshot")]
    pub code: &'static str,
    /// The progress of the run that is in progress or queued, before the first snapshot.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub run: Option<RunProgressView>,
}

impl ApiError {
    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NoSnapshot(_)
            | Self::Draining
            | Self::Stale
            | Self::Lagging
            | Self::Database
            | Self::Overloaded
            | Self::TooSlow => StatusCode::SERVICE_UNAVAILABLE,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Query(_) | Self::Host(_) | Self::TokenTwice | Self::TokenInQuery => {
                StatusCode::BAD_REQUEST
            }
            Self::TokenMissing | Self::TokenInvalid => StatusCode::UNAUTHORIZED,
            Self::TokenKind | Self::SyncClosed | Self::WebhookClosed => StatusCode::FORBIDDEN,
            Self::NotAcceptable(_) => StatusCode::NOT_ACCEPTABLE,
            Self::UnknownEntity
            | Self::UnknownRun(_)
            | Self::UnknownRow(..)
            | Self::UnknownPath => StatusCode::NOT_FOUND,
            Self::UnknownMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// Returns the kind of problem; stable across versions.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSnapshot(_) => "no-snapshot",
            Self::Draining => "draining",
            Self::Stale => "stale",
            Self::Lagging => "lagging",
            Self::Database => "database",
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
            Self::WebhookClosed => "webhook-closed",
            Self::UnknownPath => "unknown-path",
            Self::UnknownMethod => "unknown-method",
            Self::Internal => "internal",
        }
    }

    /// Returns the seconds to wait before the next attempt.
    fn retry_after(&self) -> Option<&'static str> {
        match self {
            Self::Overloaded => Some("1"),
            Self::NoSnapshot(_)
            | Self::Draining
            | Self::TooSlow
            | Self::Lagging
            | Self::Database => Some("5"),
            _ => None,
        }
    }

    /// Returns the progress of the run that the client waits for.
    fn run(&self) -> Option<&RunProgressView> {
        match self {
            Self::NoSnapshot(run) => run.as_ref(),
            _ => None,
        }
    }

    /// Returns the challenge about the token (RFC 6750, section 3).
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

/// Returns when to expect the first snapshot, as the end of a message.
fn outlook(run: Option<&RunProgressView>) -> String {
    run.map_or_else(
        || "/health shows the last run and when the next one is due".to_owned(),
        ToString::to_string,
    )
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response<Body> {
        let (status, problem_code) = (self.status(), self.code());
        let problem = Problem {
            problem_type: "about:blank",
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: self.to_string(),
            code: problem_code,
            run: self.run().cloned(),
        };
        let mut response = (status, Json(problem)).into_response();
        response.extensions_mut().insert(ProblemCode(problem_code));
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

/// Returns the response to a request whose handler panicked. The panic hook has logged the panic.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response<Body> {
    ApiError::Internal.into_response()
}
