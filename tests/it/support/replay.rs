//! A server that answers the client's requests from recordings, byte for byte, and has no other
//! logic.
//!
//! It does not use the fake Authentik, so that a misread detail of the API cannot appear in both.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::response::Response;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::fixture;

const USERS: &str = "/api/v3/core/users/?page=1&page_size=100&ordering=pk&include_groups=false";
const GROUPS: &str = concat!(
    "/api/v3/core/groups/?page=1&page_size=100&ordering=pk",
    "&include_users=false&include_children=true&include_parents=true",
);
const VERSION: &str = "/api/v3/admin/version/";

/// A token with access to all users and groups.
pub const FULL: &str = "full";
/// A token with access to three users and one group.
pub const OBJECT_LEVEL: &str = "objperm";
/// The token of an internal service account without permission.
pub const EMPTY: &str = "empty-user-list";

/// A running replay; it stops on drop. The name of an `error-*` recording is also a token.
pub struct Replay {
    /// The base URL, without a trailing slash.
    pub base: String,
    server: JoinHandle<std::io::Result<()>>,
}

impl Replay {
    /// Serves the recordings of a release, such as `2026.5`.
    pub async fn spawn(release: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(release);
        Self {
            base,
            server: tokio::spawn(async move { axum::serve(listener, router).await }),
        }
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Answers from the recordings of the token; any other request is an error of the client.
async fn answer(State(release): State<&'static str>, request: Request) -> Response {
    let requested = request.uri().path_and_query().unwrap().as_str();
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let token = header
        .and_then(|header| header.strip_prefix("Bearer "))
        .unwrap_or_default();
    let file = match (requested, token) {
        (VERSION, token) if is_about_credentials(token) => token,
        (VERSION, _) => "version",
        (USERS, OBJECT_LEVEL) => "users-cheapest-objperm",
        (GROUPS, OBJECT_LEVEL) => "groups-cheapest-objperm",
        (USERS | GROUPS, EMPTY) => "users-internalsa-empty",
        (USERS, error) if error.starts_with("error-") && !error.ends_with("-groups") => error,
        (GROUPS, error) if error.ends_with("-groups") || is_about_credentials(error) => error,
        (USERS, _) => "users-cheapest-page-1",
        (GROUPS, _) => "groups-cheapest-page-1",
        _ => {
            return Response::builder()
                .status(StatusCode::IM_A_TEAPOT)
                .body(Body::empty())
                .unwrap();
        }
    };
    let text = fixture(&format!("{release}/{file}.json"));
    if file.starts_with("error-") {
        wrapped(&text)
    } else {
        whole(text)
    }
}

/// Returns true if a recorded error is about the token and not about the request.
fn is_about_credentials(error: &str) -> bool {
    let about_requests = ["noperm", "viewuser", "page", "filter", "unknown"];
    error.starts_with("error-") && !about_requests.iter().any(|part| error.contains(part))
}

/// Returns a recorded body.
fn whole(body: String) -> Response {
    Response::builder()
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(body))
        .unwrap()
}

/// Returns a recorded error: status, headers and body from one file.
fn wrapped(recording: &str) -> Response {
    let recording: Value = serde_json::from_str(recording).unwrap();
    let status = u16::try_from(recording["status"].as_u64().unwrap()).unwrap();
    let mut response = Response::builder().status(status);
    for (name, value) in recording["headers"].as_object().unwrap() {
        response = response.header(name, value.as_str().unwrap());
    }
    let body = match &recording["body"] {
        Value::String(page) => page.clone(),
        json => json.to_string(),
    };
    response.body(Body::from(body)).unwrap()
}
