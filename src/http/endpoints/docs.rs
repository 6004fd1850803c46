//! `/docs`: the OpenAPI description as a page for people. All its files are built into the binary.
//!
//! The page is not part of the description. Every URL in it is relative, so that it also works
//! behind a path prefix. The page passes a token from its query to the description and nowhere
//! else.

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::extract::Path;
use axum::extract::rejection::PathRejection;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
};
use axum::http::{HeaderName, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use utoipa_swagger_ui::{Config, serve};

use crate::http::auth::{Authorizer, Requirement, authorized};
use crate::http::error::ApiError;
use crate::http::state::AppState;

/// The URL of the description, relative to the page.
const DESCRIPTION: &str = "../openapi.json";
/// The name of the file with the page's settings.
const SETTINGS: &str = "swagger-initializer.js";
/// Forbids the browser to load anything from another origin.
const POLICY: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
    object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// The page's settings. "none" disables the badge of an online validator.
static CONFIG: LazyLock<Arc<Config<'static>>> = LazyLock::new(|| {
    let config = Config::new([DESCRIPTION])
        .validator_url("none")
        .query_config_enabled(false);
    Arc::new(
        config
            .try_it_out_enabled(true)
            .display_request_duration(true),
    )
});

/// Returns the routes of the page and its files.
pub(crate) fn router(authorizer: &Arc<Authorizer>) -> Router<AppState> {
    let needs = |access, methods| authorized(authorizer, access, methods);
    Router::new()
        .route(
            "/docs",
            needs(
                Requirement::PageFiles,
                get(async || (StatusCode::SEE_OTHER, [(LOCATION, "docs/")])),
            ),
        )
        .route(
            "/docs/",
            needs(Requirement::Docs, get(async || asset("index.html"))),
        )
        .route(
            "/docs/{file}",
            needs(Requirement::PageFiles, get(read_asset)),
        )
}

/// Serves one file of the page.
async fn read_asset(file: Result<Path<String>, PathRejection>) -> Result<Response, ApiError> {
    let Path(file) = file.map_err(|_| ApiError::UnknownPath)?;
    asset(&file)
}

/// Returns the response with a file.
fn asset(file: &str) -> Result<Response, ApiError> {
    let served = serve(file, Arc::clone(&CONFIG)).map_err(|error| {
        tracing::error!(%error, file, "cannot build a file of the page /docs");
        ApiError::Internal
    })?;
    let served = served.ok_or(ApiError::UnknownPath)?;
    let bytes = if file == SETTINGS {
        with_query(&served.bytes)
    } else {
        served.bytes.into_owned()
    };
    let headers: [(HeaderName, &str); 4] = [
        (CONTENT_TYPE, &served.content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        // The page's own URL may contain a token.
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    Ok((headers, bytes).into_response())
}

/// Changes the settings so that the page requests the description with the page's own query.
fn with_query(settings: &[u8]) -> Vec<u8> {
    let address = format!("\"{DESCRIPTION}\"");
    String::from_utf8_lossy(settings)
        .replace(&address, &format!("{address} + location.search"))
        .into_bytes()
}
