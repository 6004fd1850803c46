//! `/entities`: the entities that a Backstage `url` location reads.

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, VARY,
};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use jiff::Timestamp;
use serde::Deserialize;
use utoipa::IntoParams;

use crate::catalog::entity::Kind;
use crate::http::conditional::is_not_modified;
use crate::http::error::{ApiError, Problem};
use crate::http::negotiate;
use crate::http::query::Query;
use crate::http::state::AppState;
use crate::snapshot::rendition::{Format, Rendition, Variant};
use crate::snapshot::shard::Shard;

/// The header with the time at which the sync started to read Authentik. `Last-Modified` has
/// another meaning: many syncs may give the same body.
const READ_AT: HeaderName = HeaderName::from_static("snapshot-read-at");
/// The header with the number of entities in a body, by which a client detects a truncated one.
const COUNT: HeaderName = HeaderName::from_static("entity-count");

/// The selection of entities, and the format.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EntitiesQuery {
    /// Only entities of this kind.
    #[param(inline)]
    kind: Option<Kind>,
    /// Only entities of this shard, `i/K`: those whose hash modulo K is i. The hash is the first four
    /// bytes of the SHA-256 of the entity's ref in lower case, as a number. K is a power of two up to
    /// 1024.
    #[param(value_type = Option<String>, nullable = false, pattern = "^[0-9]{1,4}/[0-9]{1,4}$", example = "0/64")]
    shard: Option<Shard>,
    /// The format; overrides the `Accept` header.
    #[param(inline)]
    format: Option<Format>,
}

/// The groups and users of the current snapshot
///
/// Groups, then users, each sorted by name. The default format is JSON documents, each after a
/// `---` line: the only JSON that Backstage's URL location reads. It refuses a JSON array.
#[utoipa::path(
    get,
    path = "/entities",
    tag = "entities",
    params(
        EntitiesQuery,
        ("If-None-Match" = Option<String>, Header, nullable = false, example = "\"0123456789abcdef\"",
            description = "The tags that the client has; compared weakly, regardless of `Cache-Control`"),
    ),
    responses(
        (status = OK, description = "The entities, compressed if the client accepts zstd, br or gzip",
            content(
                (String = "application/yaml"), (Vec<Object> = "application/json"), (String = "application/x-ndjson"),
            ),
            headers(
                ("ETag" = String, description = "Strong; a hash of the content, so a restart does not change it"),
                ("Vary" = String, description = "`Accept, Accept-Encoding`"),
                ("Cache-Control" = String, description = "`private, no-cache`: may be stored, must be revalidated"),
                ("Snapshot-Read-At" = String, description = "The time at which the sync started to read Authentik (RFC 3339); not part of the tag"),
                ("Entity-Count" = u32, description = "The number of entities in the body"),
                ("Content-Encoding" = String, description = "`zstd`, `br` or `gzip`: the one with the highest quality value, then the first in this order; absent without compression"),
            )),
        (status = SEE_OTHER, description = "The client prefers `text/html` and sets no `format`: the page for people",
            headers(
                ("Location" = String, description = "The URL of the page, relative to this one"),
                ("Vary" = String, description = "`Accept, Accept-Encoding`"),
            )),
        (status = NOT_MODIFIED, description = "The client already has the entities",
            headers(
                ("ETag" = String, description = "The tag of the body that the client has"),
                ("Vary" = String, description = "`Accept, Accept-Encoding`"),
                ("Cache-Control" = String, description = "`private, no-cache`"),
                ("Snapshot-Read-At" = String, description = "The time at which the sync started to read Authentik (RFC 3339); not part of the tag"),
            )),
        (status = BAD_REQUEST, description = "An unknown parameter or value", body = Problem, content_type = "application/problem+json"),
        (status = NOT_ACCEPTABLE, description = "No format is acceptable", body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "No snapshot yet. An empty list would delete all entities from the catalog",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait"))),
    )
)]
pub async fn read_entities(
    State(state): State<AppState>,
    Query(query): Query<EntitiesQuery>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let format = format(query.format, &headers)?;
    // The only shard has the content of all entities, so it needs no rendition of its own.
    let shard = query.shard.filter(|shard| !shard.is_whole());
    let variant = Variant {
        format,
        kind: query.kind,
        shard,
    };
    let (snapshot, rendition) = state.rendition(variant, &headers).await?;
    let mut answered = answer(
        &rendition,
        is_not_modified(&headers, &rendition.etag),
        &method,
    )?;
    if answered.status() == StatusCode::OK {
        let count = snapshot.document.count_in(shard, query.kind);
        answered.headers_mut().insert(COUNT, count.into());
    }
    dated(answered, snapshot.read_at)
}

/// Returns the format of the query, or the one that `Accept` prefers.
pub(super) fn format(named: Option<Format>, headers: &HeaderMap) -> Result<Format, ApiError> {
    let format = named.or_else(|| negotiate::format(headers));
    format.ok_or_else(|| ApiError::NotAcceptable(Format::ALL.map(Format::media_type).join(", ")))
}

/// Returns the response with a rendition, or with its headers only.
pub(super) fn answer(
    rendition: &Rendition,
    not_modified: bool,
    method: &Method,
) -> Result<Response, ApiError> {
    let mut response = Response::builder()
        .header(ETAG, &rendition.etag)
        .header(VARY, HeaderValue::from_static("Accept, Accept-Encoding"))
        .header(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if not_modified {
        if method == Method::HEAD {
            // Without this the length would be that of the empty body, which RFC 9110, section 8.6,
            // forbids on a 304.
            response = response.header(CONTENT_LENGTH, rendition.bytes.len());
        }
        return response
            .status(StatusCode::NOT_MODIFIED)
            .body(Body::empty())
            .map_err(|_| ApiError::Internal);
    }
    if let Some(coding) = rendition.encoding.name() {
        response = response.header(CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    response
        .header(
            CONTENT_TYPE,
            HeaderValue::from_static(rendition.format.media_type()),
        )
        .header(CONTENT_LENGTH, rendition.bytes.len())
        .body(Body::from(rendition.bytes.clone()))
        .map_err(|_| ApiError::Internal)
}

/// Adds the header with the snapshot's read time to a response.
pub(super) fn dated(mut response: Response, read_at: Timestamp) -> Result<Response, ApiError> {
    let read_at = HeaderValue::from_str(&read_at.to_string()).map_err(|_| ApiError::Internal)?;
    response.headers_mut().insert(READ_AT, read_at);
    Ok(response)
}
