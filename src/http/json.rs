//! JSON responses with escaped control characters, so that a name cannot control a terminal.

use axum::http::HeaderValue;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::catalog::escape::to_json;

/// A value as a JSON response.
#[derive(Debug)]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        let media_type = HeaderValue::from_static("application/json");
        ([(CONTENT_TYPE, media_type)], to_json(&self.0)).into_response()
    }
}
