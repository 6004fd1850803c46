//! The routes of the fake API and their handlers.

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::header::{ALLOW, CONTENT_TYPE, VARY};
use axum::http::{HeaderMap, StatusCode};
use axum::middleware::from_fn_with_state;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

use super::access::{Access, Credentials, Visible};
use super::page::{ListKind, Pagination};
use super::query::{Includes, Order, Paging, Parameters, UserQuery};
use super::refusal::Rejection;
use super::release::Release;
use super::render::{GroupRow, Lens, UserRow};
use super::select::{self, Selector};
use super::stage::{self, Rows};
use super::state::{FakeState, ServerState};

/// Path of the list of users.
pub(super) const USERS: &str = "/api/v3/core/users/";
/// Path of the list of groups.
pub(super) const GROUPS: &str = "/api/v3/core/groups/";
/// Path of the version endpoint.
pub(super) const VERSION: &str = "/api/v3/admin/version/";

const ALLOW_LIST: &str = "GET, POST, HEAD, OPTIONS";
const ALLOW_DETAIL: &str = "GET, PUT, PATCH, DELETE, HEAD, OPTIONS";
const ALLOW_VERSION: &str = "GET, HEAD, OPTIONS";
const VARY_ON: &str = "Accept-Language, Cookie";
const NOT_FOUND_PAGE: &str =
    "<!DOCTYPE html>\n<html>\n<head><title>Not Found</title></head>\n</html>\n";

/// Builds the router; the script applies to every route, including unknown ones.
pub(super) fn router(served: ServerState) -> Router {
    Router::new()
        .route(USERS, get(list_users))
        .route(&format!("{USERS}{{pk}}/"), get(show_user))
        .route(GROUPS, get(list_groups))
        .route(&format!("{GROUPS}{{pk}}/"), get(show_group))
        .route(VERSION, get(show_version))
        .fallback(async || {
            (
                StatusCode::NOT_FOUND,
                [(VARY, VARY_ON)],
                Html(NOT_FOUND_PAGE),
            )
        })
        .layer(from_fn_with_state(served.clone(), stage::play))
        .with_state(served)
}

/// An authenticated request and the state it reads.
struct Call<'a> {
    held: &'a mut FakeState,
    release: Release,
    token: &'a str,
    access: Access,
    parameters: Parameters,
}

/// A body and the number of rows it returns.
type FakeAnswer = Result<(Vec<u8>, Rows), Rejection>;

async fn list_users(
    State(served): State<ServerState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    respond(&served, query, &headers, ALLOW_LIST, |call| {
        let visible = call.access.users().ok_or(Rejection::Forbidden)?;
        let filter = UserQuery::read(&call.parameters, call.release)?;
        let order = Order::of_users(&call.parameters, call.release);
        let FakeState {
            directory,
            selections,
            ..
        } = &mut *call.held;
        let chosen = selections.of(Selector::Users(order, filter.clone()), call.token, || {
            select::users(directory, visible, order, &filter)
        });
        let pagination = call.pagination(chosen.len())?;
        let lens = call.lens();
        let row = |at: &usize| UserRow(&call.held.directory.users()[*at], lens);
        let rows: Vec<_> = chosen[pagination.range()].iter().map(row).collect();
        let body = ListKind::Users.body(call.release, &pagination, &rows)?;
        Ok((
            body,
            Rows {
                users: rows.len(),
                groups: 0,
            },
        ))
    })
}

async fn list_groups(
    State(served): State<ServerState>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    respond(&served, query, &headers, ALLOW_LIST, |call| {
        let visible = call.access.groups().ok_or(Rejection::Forbidden)?;
        let order = Order::of_groups(&call.parameters);
        let FakeState {
            directory,
            selections,
            ..
        } = &mut *call.held;
        let chosen = selections.of(Selector::Groups(order), call.token, || {
            select::groups(directory, visible, order)
        });
        let pagination = call.pagination(chosen.len())?;
        let lens = call.lens();
        let row = |at: &usize| GroupRow(&call.held.directory.groups()[*at], lens);
        let rows: Vec<_> = chosen[pagination.range()].iter().map(row).collect();
        let body = ListKind::Groups.body(call.release, &pagination, &rows)?;
        Ok((
            body,
            Rows {
                users: 0,
                groups: rows.len(),
            },
        ))
    })
}

async fn show_user(
    State(served): State<ServerState>,
    Path(pk): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    respond(&served, query, &headers, ALLOW_DETAIL, |call| {
        let visible = call.access.users().ok_or(Rejection::Forbidden)?;
        let pk = shown(&pk, &visible).ok_or(Rejection::NoMatch("User"))?;
        let user = call
            .held
            .directory
            .user(pk)
            .ok_or(Rejection::NoMatch("User"))?;
        Ok((
            serde_json::to_vec(&UserRow(user, call.lens()))?,
            Rows::default(),
        ))
    })
}

async fn show_group(
    State(served): State<ServerState>,
    Path(pk): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    respond(&served, query, &headers, ALLOW_DETAIL, |call| {
        let visible = call.access.groups().ok_or(Rejection::Forbidden)?;
        let pk = shown(&pk, &visible).ok_or(Rejection::NoMatch("Group"))?;
        let group = call
            .held
            .directory
            .group(pk)
            .ok_or(Rejection::NoMatch("Group"))?;
        Ok((
            serde_json::to_vec(&GroupRow(group, call.lens()))?,
            Rows::default(),
        ))
    })
}

async fn show_version(State(served): State<ServerState>, headers: HeaderMap) -> Response {
    respond(&served, None, &headers, ALLOW_VERSION, |call| {
        let version = call.release.version();
        let newer = |field: &'static str| if call.release.has_flags() { field } else { "" };
        let valid = newer(r#","version_latest_valid":true"#);
        let outposts = newer(r#","outpost_outdated":false"#);
        let body = format!(
            r#"{{"version_current":"{version}","version_latest":"{version}"{valid},"build_hash":"","outdated":false{outposts}}}"#
        );
        Ok((body.into_bytes(), Rows::default()))
    })
}

impl Call<'_> {
    fn pagination(&self, count: usize) -> Result<Pagination, Rejection> {
        let paging = Paging::read(&self.parameters, self.release, self.held.page_cap);
        Pagination::new(paging, count).ok_or(Rejection::NoSuchPage)
    }

    fn lens(&self) -> Lens<'_> {
        let includes = Includes::read(&self.parameters, self.release);
        Lens {
            directory: &self.held.directory,
            release: self.release,
            includes,
        }
    }
}

/// Parses a key; returns `None` if the row is hidden.
fn shown<K: Ord + std::str::FromStr>(text: &str, visible: &Visible<'_, K>) -> Option<K> {
    text.parse().ok().filter(|pk| visible.contains(pk))
}

/// Checks the token, builds the answer under the lock and adds the release's headers.
fn respond(
    served: &ServerState,
    query: Option<String>,
    headers: &HeaderMap,
    allow: &'static str,
    make: impl FnOnce(&mut Call<'_>) -> FakeAnswer,
) -> Response {
    let release = served.fake.release();
    let parameters = Parameters::parse(&query.unwrap_or_default());
    let answer = token(headers, release).and_then(|token| {
        let mut held = served.fake.held();
        let access = held.tokens.get(token).cloned().ok_or(Rejection::BadToken)?;
        make(&mut Call {
            held: &mut held,
            release,
            token,
            access,
            parameters,
        })
    });
    let dress = [
        (CONTENT_TYPE, release.content_type()),
        (ALLOW, allow),
        (VARY, VARY_ON),
    ];
    match answer {
        Ok((body, rows)) => (dress, axum::Extension(rows), body).into_response(),
        Err(refusal) => (refusal.status(), dress, refusal.body(headers)).into_response(),
    }
}

fn token(headers: &HeaderMap, release: Release) -> Result<&str, Rejection> {
    match Credentials::read(headers, release) {
        Credentials::Token(token) => Ok(token),
        Credentials::Missing => Err(Rejection::MissingCredentials),
        Credentials::Unsupported => Err(Rejection::UnsupportedScheme),
    }
}
