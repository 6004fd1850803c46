//! Who may do what: decides for every route before its handler, by the tokens of `entityProvider.auth`.
//!
//! A token leaves the request here: no handler sees it, and no answer or log line repeats it.

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

/// What a route needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Requirement {
    /// Nothing: it shows nobody's data.
    Open,
    /// A read token: it shows people.
    Read,
    /// A token of either kind: it shows how runs went, and nobody's data.
    Runs,
    /// A sync token.
    Sync,
    /// What `entityProvider.auth.metrics` says: they show the same as runs do.
    Metrics,
    /// What `entityProvider.auth.docs` says.
    Docs,
    /// Nothing, unless the description is off: files that are the same everywhere.
    DocsFiles,
}

/// Decides who may come in; its rules may be replaced while it runs.
#[derive(Debug)]
pub struct Authorizer {
    rules: ArcSwap<Rules>,
}

impl Authorizer {
    /// A authorizer of a service that listens on an address.
    #[must_use]
    pub fn new(auth: &AuthConfig, listen: SocketAddr) -> Self {
        Self {
            rules: ArcSwap::from_pointee(Rules::new(auth, listen)),
        }
    }

    /// Lets other tokens count from the next request on.
    pub fn replace(&self, auth: &AuthConfig, listen: SocketAddr) {
        self.rules.store(Arc::new(Rules::new(auth, listen)));
    }

    /// Takes the token out of a request and decides.
    fn decide(&self, access: Requirement, request: &mut Request) -> Result<(), ApiError> {
        let presented = Presented::take(request)?;
        self.rules.load().decide(access, presented.token())?;
        if let Some(token) = presented.into_query_token() {
            request.extensions_mut().insert(token);
        }
        Ok(())
    }
}

/// Puts methods of a path behind a authorizer; other methods are refused without one.
pub(super) fn authorized<S: Clone + Send + Sync + 'static>(
    authorizer: &Arc<Authorizer>,
    access: Requirement,
    methods: MethodRouter<S>,
) -> MethodRouter<S> {
    methods.route_layer(from_fn_with_state((Arc::clone(authorizer), access), admit))
}

/// The same for methods with a description, which then says what they need.
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

/// Lets a request in, or answers in place of its handler.
async fn admit(
    State((authorizer, access)): State<(Arc<Authorizer>, Requirement)>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    authorizer.decide(access, &mut request)?;
    Ok(next.run(request).await)
}
