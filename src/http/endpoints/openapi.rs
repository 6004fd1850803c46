//! `/openapi.json`: the OpenAPI description of this service.

use std::sync::OnceLock;

use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::IntoResponse;

use crate::http::error::Problem;

/// This description
#[utoipa::path(
    get,
    path = "/openapi.json",
    tag = "description",
    responses(
        (status = OK, description = "The OpenAPI description", body = Object, content_type = "application/json",
            headers(("Cache-Control" = String, description = "`no-cache`: may be stored, must be revalidated"))),
        (status = NOT_FOUND, description = "`entityProvider.auth.docs` is `off`", body = Problem,
            content_type = "application/problem+json"),
    )
)]
pub async fn read_description() -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    (
        [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "no-cache"),
        ],
        TEXT.get_or_init(text).as_str(),
    )
}

/// Returns the description as indented JSON, as in `openapi/openapi.json`.
///
/// # Panics
/// Never: the description is plain data.
#[must_use]
pub fn text() -> String {
    let mut text = crate::http::description()
        .to_pretty_json()
        .expect("the description is plain data");
    text.push('\n');
    text
}
