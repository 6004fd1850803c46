//! `/entities/by-name/…`: one entity, as Backstage's catalog API has it.

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

/// The parts of an entity ref; compared without regard to case.
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
    /// The entity, if there is one; the names of a document are in lower case.
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
/// The path is that of Backstage's catalog API. As in entity refs, case does not matter. The
/// namespace is that of the configuration.
#[utoipa::path(
    get,
    path = "/entities/by-name/{kind}/{namespace}/{name}",
    tag = "entities",
    params(
        EntityPath,
        ("If-None-Match" = Option<String>, Header, nullable = false, example = "\"0123456789abcdef\"",
            description = "The tags of what the client has; compared weakly, whatever `Cache-Control` says"),
    ),
    responses(
        (status = OK, description = "The entity", body = Object, content_type = "application/json",
            headers(
                ("ETag" = String, description = "Strong; made from the content, so the same after a restart"),
                ("Vary" = String, description = "`Accept, Accept-Encoding`, as `/entities` has it"),
                ("Cache-Control" = String, description = "`private, no-cache`: may be kept, must be asked again"),
                ("Snapshot-Read-At" = String, description = "When the reading of Authentik began (RFC 3339); no part of the tag"),
            )),
        (status = NOT_MODIFIED, description = "The client has it already",
            headers(
                ("ETag" = String, description = "The tag of what the client has"),
                ("Vary" = String, description = "`Accept, Accept-Encoding`"),
                ("Cache-Control" = String, description = "`private, no-cache`"),
                ("Snapshot-Read-At" = String, description = "When the reading of Authentik began (RFC 3339); no part of the tag"),
            )),
        (status = NOT_FOUND, description = "No such entity", body = Problem, content_type = "application/problem+json"),
        (status = SERVICE_UNAVAILABLE, description = "No snapshot yet, so that nobody knows what there is",
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
    // Only a text that is not UTF-8 is rejected, and no name is such a text.
    let found = path.ok().and_then(|Path(path)| path.find(&snapshot));
    let entity = found.ok_or(ApiError::UnknownEntity)?;
    dated(
        answer(&entity, is_not_modified(&headers, &entity.etag), &method)?,
        snapshot.read_at,
    )
}
