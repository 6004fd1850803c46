//! Authorization: checks every request against `entityProvider.auth` before its handler runs.
//!
//! This module removes the token from the request: no handler sees it, and no response or log line
//! contains it.

mod openapi;
mod rules;
mod token;

use std::net::SocketAddr;
use std::sync::Arc;

use arc_swap::ArcSwap;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use axum::routing::MethodRouter;
use utoipa_axum::router::UtoipaMethodRouter;

pub(super) use openapi::Schemes;
pub use token::QueryToken;

use super::error::ApiError;
use crate::config::AuthConfig;
use rules::Rules;
use token::Presented;

/// The requirement of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// No token: the route shows no data of a person.
    Open,
    /// A read token: the route shows data of people.
    Read,
    /// A read or sync token: the route shows runs, but no data of a person.
    Runs,
    /// A sync token.
    Sync,
    /// A webhook token, also in the URL: Authentik before 2025.4 cannot send a header.
    Webhook,
    /// As `entityProvider.auth.metrics` says; metrics show no data of a person.
    Metrics,
    /// As `entityProvider.auth.docs` says.
    Docs,
    /// No token, unless `entityProvider.auth.docs` is `off`: the page `/` and the files of `/docs`, which
    /// contain no data.
    PageFiles,
}

/// Authorizes requests; a reload replaces its rules.
#[derive(Debug)]
pub struct Authorizer {
    rules: ArcSwap<Rules>,
}

impl Authorizer {
    /// Returns the authorizer of a service that listens on `listen`.
    #[must_use]
    pub fn new(auth: &AuthConfig, listen: SocketAddr) -> Self {
        Self {
            rules: ArcSwap::from_pointee(Rules::new(auth, listen)),
        }
    }

    /// Replaces the rules; they apply from the next request on.
    pub fn replace(&self, auth: &AuthConfig, listen: SocketAddr) {
        self.rules.store(Arc::new(Rules::new(auth, listen)));
    }

    /// Whether the pages for people are shown.
    #[must_use]
    pub fn has_pages(&self) -> bool {
        self.rules
            .load()
            .decide(Requirement::PageFiles, None)
            .is_ok()
    }

    /// Removes the token from a request and decides whether the request is allowed.
    fn decide(&self, access: Requirement, request: &mut Request) -> Result<(), ApiError> {
        let presented = Presented::take(request, access)?;
        self.rules.load().decide(access, presented.token())?;
        if let Some(token) = presented.into_query_token() {
            request.extensions_mut().insert(token);
        }
        Ok(())
    }
}

/// Adds the authorizer to the methods of a path. For other methods the router responds 405 without
/// it.
pub(super) fn authorized<S: Clone + Send + Sync + 'static>(
    authorizer: &Arc<Authorizer>,
    access: Requirement,
    methods: MethodRouter<S>,
) -> MethodRouter<S> {
    methods.route_layer(from_fn_with_state((Arc::clone(authorizer), access), admit))
}

/// Like [`authorized`], and adds the requirement to the description of the methods.
pub(super) fn authorized_operation<S: Clone + Send + Sync + 'static>(
    authorizer: &Arc<Authorizer>,
    access: Requirement,
    (schemas, paths, methods): UtoipaMethodRouter<S>,
) -> UtoipaMethodRouter<S> {
    (
        schemas,
        openapi::with_responses(paths, access),
        authorized(authorizer, access, methods),
    )
}

/// Calls the handler, or responds with an error if the request is not allowed.
async fn admit(
    State((authorizer, access)): State<(Arc<Authorizer>, Requirement)>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    authorizer.decide(access, &mut request)?;
    Ok(next.run(request).await)
}
