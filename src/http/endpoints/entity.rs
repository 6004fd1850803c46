//! `/entities/by-name/…`: one entity, as in Backstage's catalog API.

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, Method};
use axum::response::Response;
use serde::Deserialize;
use utoipa::IntoParams;

use super::entities::{answer, dated};
use crate::catalog::entity::Kind;
use crate::http::conditional::is_not_modified;
use crate::http::error::{ApiError, Problem};
use crate::http::state::AppState;
use crate::snapshot::rendition::Rendition;

/// The parts of an entity ref, compared without letter case.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub struct EntityPath {
    /// `user` or `group`.
    #[param(example = "user")]
    kind: String,
    /// The namespace that the configuration sets, `default` without it.
    #[param(example = "default")]
    namespace: String,
    /// The name, `metadata.name`.
    #[param(example = "alice.smith")]
    name: String,
}

impl EntityPath {
    /// Returns the entity, if there is one. Names in a document are in lower case.
    fn find(&self, snapshot: &crate::snapshot::Snapshot) -> Option<Rendition> {
        let [kind, namespace, name] =
            [&self.kind, &self.namespace, &self.name].map(|part| part.to_lowercase());
        let kind = Kind::ALL.into_iter().find(|known| known.lower() == kind)?;
        let document = &snapshot.document;
        (namespace == document.namespace().as_str())
            .then(|| Rendition::of_entity(document, kind, &name))?
    }
}

/// One entity of the current snapshot
///
/// The path has the form of Backstage's catalog API. Letter case does not matter, as in entity
/// refs. The namespace is that of the configuration.
#[utoipa::path(
    get,
    path = "/entities/by-name/{kind}/{namespace}/{name}",
    tag = "entities",
    params(
        EntityPath,
        ("If-None-Match" = Option<String>, Header, nullable = false, example = "\"0123456789abcdef\"",
            description = "The tags that the client has; compared weakly, regardless of `Cache-Control`"),
    ),
    responses(
        (status = OK, description = "The entity", body = Object, content_type = "application/json",
            headers(
                ("ETag" = String, description = "Strong; a hash of the content, so a restart does not change it"),
                ("Vary" = String, description = "`Accept, Accept-Encoding`, as for `/entities`"),
                ("Cache-Control" = String, description = "`private, no-cache`: may be stored, must be revalidated"),
                ("Snapshot-Read-At" = String, description = "The time at which the sync started to read Authentik (RFC 3339); not part of the tag"),
            )),
        (status = NOT_MODIFIED, description = "The client already has the entity",
            headers(
                ("ETag" = String, description = "The tag of the body that the client has"),
                ("Vary" = String, description = "`Accept, Accept-Encoding`"),
                ("Cache-Control" = String, description = "`private, no-cache`"),
                ("Snapshot-Read-At" = String, description = "The time at which the sync started to read Authentik (RFC 3339); not part of the tag"),
            )),
        (status = NOT_FOUND, description = "No such entity", body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "No snapshot yet, so the entity may exist",
            body = Problem, content_type = "application/problem+json",
            headers(("Retry-After" = u32, description = "Seconds to wait"))),
    )
)]
pub async fn read_entity(
    State(state): State<AppState>,
    path: Result<Path<EntityPath>, PathRejection>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let snapshot = state.snapshot()?;
    // The extractor rejects only a text that is not UTF-8, and no name is such a text.
    let found = path.ok().and_then(|Path(path)| path.find(&snapshot));
    let entity = found.ok_or(ApiError::UnknownEntity)?;
    dated(
        answer(&entity, is_not_modified(&headers, &entity.etag), &method)?,
        snapshot.read_at,
    )
}
