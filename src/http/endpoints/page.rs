//! `/`: the page for people. Its files are built into the binary and contain no data: a script reads the API
//! with the tokens that the reader of the page enters.
//!
//! Every URL in it is relative, so that it also works behind a path prefix.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, VARY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use url::form_urlencoded;

use crate::http::auth::{Authorizer, Requirement, authorized};
use crate::http::error::ApiError;
use crate::http::negotiate::prefers_html;
use crate::http::state::AppState;

/// Allows the page its own files and this service, and nothing else.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; \
    connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// A file of the page, from the folder `page`.
macro_rules! file {
    ($name:literal, $media_type:expr) => {
        ($name, $media_type, include_str!(concat!("page/", $name)))
    };
}

/// The document.
const INDEX: (&str, &str, &str) = file!("index.html", HTML);

/// The files that the document loads.
const FILES: [(&str, &str, &str); 11] = [
    file!("style.css", CSS),
    file!("main.js", SCRIPT),
    file!("api.js", SCRIPT),
    file!("dom.js", SCRIPT),
    file!("status.js", SCRIPT),
    file!("runs.js", SCRIPT),
    file!("sync.js", SCRIPT),
    file!("findings.js", SCRIPT),
    file!("groups.js", SCRIPT),
    file!("search.js", SCRIPT),
    file!("readers.js", SCRIPT),
];

/// Returns the routes of the page and its files.
pub(crate) fn router(authorizer: &Arc<Authorizer>) -> Router<AppState> {
    let open = |methods| authorized(authorizer, Requirement::PageFiles, methods);
    Router::new()
        .route("/", open(get(async || served(&INDEX))))
        .route("/page/{file}", open(get(read_file)))
}

/// Serves one file of the page.
async fn read_file(file: Option<Path<String>>) -> Result<Response, ApiError> {
    let Path(name) = file.ok_or(ApiError::UnknownPath)?;
    let file = FILES.iter().find(|(known, ..)| *known == name);
    file.map(served).ok_or(ApiError::UnknownPath)
}

/// Returns the response with a file.
fn served((_, media_type, text): &(&str, &'static str, &'static str)) -> Response {
    let headers = [
        (CONTENT_TYPE, *media_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ];
    (headers, *text).into_response()
}

/// Leads a browser from a list to the page, since it would download YAML. A `format` in the query shows the
/// list all the same.
pub(crate) async fn lead_browsers(
    State(authorizer): State<Arc<Authorizer>>,
    request: Request,
    next: Next,
) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let has_format = form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == "format");
    let wants_page = request.method() == Method::GET && prefers_html(request.headers());
    if wants_page && !has_format && authorizer.has_pages() {
        let headers = [
            (LOCATION, "./"),
            (VARY, "Accept, Accept-Encoding"),
            (CACHE_CONTROL, "no-store"),
        ];
        (StatusCode::SEE_OTHER, headers).into_response()
    } else {
        next.run(request).await
    }
}
