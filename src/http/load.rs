//! Load shedding: limits the number of concurrent requests.
//!
//! `/health` and `/metrics` have no limit: an orchestrator must see a busy service as alive, and an
//! operator needs the metrics when the service is busy. Both cost little. A request without a valid
//! token is refused earlier and does not count.

mod openapi;

use std::sync::Arc;
use std::time::Duration;

use axum::BoxError;
use axum::body::{Body, HttpBody};
use axum::error_handling::HandleErrorLayer;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;
use tower::load_shed::error::Overloaded;
use tower::timeout::error::Elapsed;
use utoipa_axum::router::UtoipaMethodRouter;

use super::auth::Requirement;
use super::error::ApiError;

/// The maximum size of a request's body, in bytes. No handler reads a body, but a webhook has one.
const MAX_BODY: u64 = 64 << 10;

/// Marks the requests of a connection beyond the limit of connections.
#[derive(Clone, Copy, Debug)]
pub struct ExcessConnection;

/// The limits of concurrent requests.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Maximum number of concurrent requests that read.
    pub reading: usize,
    /// Maximum number of concurrent requests that follow a run. They wait long and cost little.
    pub following: usize,
    /// How long a reading request may take until its response begins. A rendition of 300,000 users
    /// takes seconds.
    pub read_timeout: Duration,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            reading: 64,
            following: 256,
            read_timeout: Duration::from_mins(1),
        }
    }
}

/// The permits for requests; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Load {
    reading: GlobalConcurrencyLimitLayer,
    following: Arc<Semaphore>,
    read_timeout: Duration,
}

impl Load {
    /// Returns the permits of a capacity; all are free.
    pub(super) fn new(capacity: Capacity) -> Self {
        Self {
            reading: GlobalConcurrencyLimitLayer::new(capacity.reading),
            following: Arc::new(Semaphore::new(capacity.following)),
            read_timeout: capacity.read_timeout,
        }
    }
}

/// Limits the concurrent requests of a route, and adds the limits to its description.
pub(super) fn limited_operation<S: Clone + Send + Sync + 'static>(
    load: &Load,
    access: Requirement,
    (schemas, paths, methods): UtoipaMethodRouter<S>,
) -> UtoipaMethodRouter<S> {
    let methods = match access {
        Requirement::Open | Requirement::Metrics => return (schemas, paths, methods),
        Requirement::Sync | Requirement::Runs | Requirement::Webhook => {
            methods.route_layer(from_fn_with_state(Arc::clone(&load.following), follow))
        }
        // The permit is released when the response begins, so a slow client holds none.
        Requirement::Read | Requirement::Docs | Requirement::PageFiles => methods.route_layer(
            ServiceBuilder::new()
                .layer(HandleErrorLayer::new(overload_error))
                .load_shed()
                .layer(load.reading.clone())
                .timeout(load.read_timeout),
        ),
    };
    let methods = methods.route_layer(from_fn(refuse_excess));
    (schemas, openapi::with_responses(paths), methods)
}

/// Handles a request that may take long. It holds its permit until its response is sent.
async fn follow(
    State(permits): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let permit = permits.try_acquire_owned();
    let permit = permit.map_err(|_| ApiError::Overloaded)?;
    Ok(next.run(request).await.map(|body| with_guard(body, permit)))
}

/// Returns the error of a request that got no permit or took too long.
async fn overload_error(error: BoxError) -> ApiError {
    if error.is::<Overloaded>() {
        ApiError::Overloaded
    } else if error.is::<Elapsed>() {
        ApiError::TooSlow
    } else {
        ApiError::Internal
    }
}

/// Refuses a request on a connection beyond the limit.
async fn refuse_excess(request: Request, next: Next) -> Result<Response, ApiError> {
    if request.extensions().get::<ExcessConnection>().is_some() {
        return Err(ApiError::Overloaded);
    }
    Ok(next.run(request).await)
}

/// Refuses a request with a large `Content-Length`. A body without a length is not read.
pub(super) async fn refuse_body(request: Request, next: Next) -> Response {
    let length = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    let length: u64 = length.unwrap_or(request.body().size_hint().lower());
    if length > MAX_BODY {
        ApiError::BodyTooLarge.into_response()
    } else {
        next.run(request).await
    }
}

/// Returns the body with a guard, such as a permit, that is dropped with it.
fn with_guard(body: Body, guard: impl Send + 'static) -> Body {
    Body::new(body.map_err(move |error| {
        let _ = &guard;
        error
    }))
}
