//! `/locations`: one Backstage location for each shard.

use axum::Extension;
use axum::extract::State;
use axum::http::header::VARY;
use axum::http::{HeaderMap, HeaderValue, Method};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::entities::{answer, format};
use crate::catalog::entity::Kind;
use crate::http::auth::QueryToken;
use crate::http::conditional::is_not_modified;
use crate::http::error::{ApiError, Problem};
use crate::http::negotiate;
use crate::http::public_url::ServiceUrl;
use crate::http::query::Query;
use crate::http::state::AppState;
use crate::snapshot::locations::{Locations, TargetToken};
use crate::snapshot::rendition::Format;
use crate::snapshot::shard::ShardCount;

/// The value of `Vary` if the base URL of the targets depends on the request.
const VARY_BY_BASE: &str =
    "Accept, Accept-Encoding, Host, X-Forwarded-Host, X-Forwarded-Prefix, X-Forwarded-Proto";

/// The number of shards, and the selection of entities.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LocationsQuery {
    /// The number of shards, a power of two up to 1024. It is part of every target: an entity moves
    /// to another location only if this number changes.
    #[param(inline, example = 64)]
    shards: ShardCount,
    /// Only entities of this kind; then the names and targets contain the kind.
    #[param(inline)]
    kind: Option<Kind>,
    /// The format of this list; overrides the `Accept` header.
    #[param(inline)]
    format: Option<Format>,
}

/// A location for each shard of the entities
///
/// Backstage reads each target separately, so for a changed user it reads one shard again and not
/// all entities. The targets are absolute: they begin with `publicUrl`, or with the URL of the
/// request. The list depends on nothing else, so it is available before the first snapshot; its
/// targets are not. A token from `?token=` becomes part of each target, where every reader of the
/// catalog sees it; a token from the header does not.
#[utoipa::path(
    get,
    path = "/locations",
    tag = "entities",
    params(
        LocationsQuery,
        ("If-None-Match" = Option<String>, Header, nullable = false, example = "\"0123456789abcdef\"",
            description = "The tags that the client has; compared weakly, regardless of `Cache-Control`"),
    ),
    responses(
        (status = OK, description = "The locations, compressed if the client accepts zstd, br or gzip",
            content(
                (String = "application/yaml"), (Vec<Object> = "application/json"), (String = "application/x-ndjson"),
            ),
            headers(
                ("ETag" = String, description = "Strong; a hash of the content, so a restart does not change it"),
                ("Vary" = String, description = "`Accept, Accept-Encoding`; without `publicUrl` also the headers that the targets depend on"),
                ("Cache-Control" = String, description = "`private, no-cache`: may be stored, must be revalidated"),
                ("Content-Encoding" = String, description = "As for `/entities`"),
            )),
        (status = NOT_MODIFIED, description = "The client already has the locations",
            headers(
                ("ETag" = String, description = "The tag of the body that the client has"),
                ("Vary" = String, description = "As for status 200"),
                ("Cache-Control" = String, description = "`private, no-cache`"),
            )),
        (status = BAD_REQUEST, description = "An unknown parameter or value, or a host that is not valid in a URL",
            body = Problem, content_type = "application/problem+json"),
        (status = NOT_ACCEPTABLE, description = "No format is acceptable", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn read_locations(
    State(state): State<AppState>,
    Query(query): Query<LocationsQuery>,
    url: Result<ServiceUrl, ApiError>,
    token: Option<Extension<QueryToken>>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (format, url) = (format(query.format, &headers)?, url?);
    let kind = query.kind;
    let token = token.map(|Extension(QueryToken(token))| TargetToken(token));
    let locations = Locations {
        of: query.shards,
        kind,
        prefix: state.location_prefix,
        base: url.base,
        token,
    };
    let encoding = negotiate::encoding(&headers);
    let rendition = state.locations.locations(locations, format, encoding).await;
    let mut response = answer(
        &rendition,
        is_not_modified(&headers, &rendition.etag),
        &method,
    )?;
    if url.is_from_request {
        response
            .headers_mut()
            .insert(VARY, HeaderValue::from_static(VARY_BY_BASE));
    }
    Ok(response)
}
