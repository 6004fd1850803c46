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

/// What an answer depends on whose base was made from the request.
const VARYING: &str =
    "Accept, Accept-Encoding, Host, X-Forwarded-Host, X-Forwarded-Prefix, X-Forwarded-Proto";

/// How many shards, of which entities.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LocationsQuery {
    /// The number of shards, a power of two up to 1024. It stands in every target, so that no entity
    /// moves unless this number is changed.
    #[param(inline, example = 64)]
    shards: ShardCount,
    /// Only entities of this kind, which names and targets then say.
    #[param(inline)]
    kind: Option<Kind>,
    /// The format of this list, whatever the `Accept` header says.
    #[param(inline)]
    format: Option<Format>,
}

/// A location for each shard of the entities
///
/// Backstage reads each target on its own, so that a changed user costs it one shard and not the whole.
/// The targets are absolute: they begin with `publicUrl`, else with the URL that was asked. The list
/// depends on nothing else and is also there before the first snapshot; its targets are not. A token
/// that came as `?token=` stands in each target, where every reader of the catalog sees it; one that came
/// in the header does not.
#[utoipa::path(
    get,
    path = "/locations",
    tag = "entities",
    params(
        LocationsQuery,
        ("If-None-Match" = Option<String>, Header, nullable = false, example = "\"0123456789abcdef\"",
            description = "The tags of what the client has; compared weakly, whatever `Cache-Control` says"),
    ),
    responses(
        (status = OK, description = "The locations, compressed if the client accepts zstd, br or gzip",
            content(
                (String = "application/yaml"), (Vec<Object> = "application/json"), (String = "application/x-ndjson"),
            ),
            headers(
                ("ETag" = String, description = "Strong; made from the content, so the same after a restart"),
                ("Vary" = String, description = "`Accept, Accept-Encoding`; without `publicUrl` also what the targets' base is made from"),
                ("Cache-Control" = String, description = "`private, no-cache`: may be kept, must be asked again"),
                ("Content-Encoding" = String, description = "As `/entities` has it"),
            )),
        (status = NOT_MODIFIED, description = "The client has them already",
            headers(
                ("ETag" = String, description = "The tag of what the client has"),
                ("Vary" = String, description = "As with the list"),
                ("Cache-Control" = String, description = "`private, no-cache`"),
            )),
        (status = BAD_REQUEST, description = "An unknown parameter or value, or a host that cannot stand in a URL",
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
    let (
        format,
        ServiceUrl {
            base,
            is_from_request,
        },
    ) = (format(query.format, &headers)?, url?);
    let kind = query.kind;
    let token = token.map(|Extension(QueryToken(token))| TargetToken(token));
    let locations = Locations {
        of: query.shards,
        kind,
        prefix: state.location_prefix,
        base,
        token,
    };
    let encoding = negotiate::encoding(&headers);
    let rendition = state.locations.locations(locations, format, encoding).await;
    let mut response = answer(
        &rendition,
        is_not_modified(&headers, &rendition.etag),
        &method,
    )?;
    if is_from_request {
        response
            .headers_mut()
            .insert(VARY, HeaderValue::from_static(VARYING));
    }
    Ok(response)
}
