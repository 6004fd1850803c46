//! `/docs`: the description as a page for people, with everything it needs built in.
//!
//! It is not part of the description: it is for people. Every address in it is relative, so that it
//! also works behind a path prefix.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa_swagger_ui::{Config, serve};

use crate::http::error::ApiError;
use crate::http::state::AppState;

/// Lets a browser load nothing from elsewhere, whatever the page's scripts want.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The page's settings; "none" turns off the badge of an online validator.
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::new(["../openapi.json"]).validator_url("none").query_config_enabled(false);
    Arc::new(config.try_it_out_enabled(true).display_request_duration(true))
});

/// The page and its assets.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/docs", get(async || (StatusCode::SEE_OTHER, [(LOCATION, "docs/")])))
        .route("/docs/", get(async || asset("index.html")))
        .route("/docs/{file}", get(read_asset))
}

/// One file of the page.
async fn read_asset(file: Result<Path<String>, PathRejection>) -> Result<Response, ApiError> {
    let Path(file) = file.map_err(|_| ApiError::UnknownPath)?;
    asset(&file)
}

/// The answer with a file.
fn asset(file: &str) -> Result<Response, ApiError> {
    let served = serve(file, Arc::clone(&CONFIG)).map_err(|error| {
        tracing::error!(%error, file, "a file of the API page cannot be made");
        ApiError::Internal
    })?;
    let served = served.ok_or(ApiError::UnknownPath)?;
    let headers: [(HeaderName, &str); 3] = [
        (CONTENT_TYPE, &served.content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, served.bytes.into_owned()).into_response())
}
