//! Sheds load: limits for every route how many requests it answers at once.
//!
//! `/health` is outside, so that orchestrators see a busy service as alive, and so is `/metrics`, which is
//! wanted most when the service is busy. Both cost little. A request without a valid token is refused
//! before and takes no place.

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

/// The largest body that a request may announce. Nobody reads it, but webhooks may send one to `/sync`.
const MAX_BODY: u64 = 64 << 10;

/// What a connection's requests carry that was accepted although there are too many.
#[derive(Clone, Copy, Debug)]
pub struct ExcessConnection;

/// How much is done at once.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Requests that read; a rendition is shared by all that wait for it.
    pub reading: usize,
    /// Requests that follow a run, which wait long and cost little.
    pub following: usize,
    /// How long a reading request may take until its answer begins: a rendition of 300,000 users takes
    /// seconds.
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

/// The places for requests; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Load {
    reading: GlobalConcurrencyLimitLayer,
    following: Arc<Semaphore>,
    read_timeout: Duration,
}

impl Load {
    /// Free places for so many.
    pub(super) fn new(capacity: Capacity) -> Self {
        Self {
            reading: GlobalConcurrencyLimitLayer::new(capacity.reading),
            following: Arc::new(Semaphore::new(capacity.following)),
            read_timeout: capacity.read_timeout,
        }
    }
}

/// Limits how much a route does at once, and describes it.
pub(super) fn limited_operation<S: Clone + Send + Sync + 'static>(
    load: &Load,
    access: Requirement,
    (schemas, paths, methods): UtoipaMethodRouter<S>,
) -> UtoipaMethodRouter<S> {
    let methods = match access {
        Requirement::Open | Requirement::Metrics => return (schemas, paths, methods),
        Requirement::Sync | Requirement::Runs => {
            methods.route_layer(from_fn_with_state(Arc::clone(&load.following), follow))
        }
        // A place is free again when the answer begins: a slow reader holds none.
        Requirement::Read | Requirement::Docs | Requirement::DocsFiles => methods.route_layer(
            ServiceBuilder::new()
                .layer(HandleErrorLayer::new(refused))
                .load_shed()
                .layer(load.reading.clone())
                .timeout(load.read_timeout),
        ),
    };
    let methods = methods.route_layer(from_fn(refuse_excess));
    (schemas, openapi::with_responses(paths), methods)
}

/// Answers a request that may last, whose place is taken until its answer has been sent.
async fn follow(
    State(places): State<Arc<Semaphore>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let place = places.try_acquire_owned();
    let place = place.map_err(|_| ApiError::Overloaded)?;
    Ok(next.run(request).await.map(|body| holding(body, place)))
}

/// The answer to a request that found no place, or took too long.
async fn refused(error: BoxError) -> ApiError {
    if error.is::<Overloaded>() {
        ApiError::Overloaded
    } else if error.is::<Elapsed>() {
        ApiError::TooSlow
    } else {
        ApiError::Internal
    }
}

/// Refuses a request on a connection that is one too many.
async fn refuse_excess(request: Request, next: Next) -> Result<Response, ApiError> {
    if request.extensions().get::<ExcessConnection>().is_some() {
        return Err(ApiError::Overloaded);
    }
    Ok(next.run(request).await)
}

/// Refuses a request that announces a large body; of one that announces nothing, nothing is read.
pub(super) async fn refuse_body(request: Request, next: Next) -> Response {
    let announced = request
        .headers()
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse().ok());
    let announced: u64 = announced.unwrap_or(request.body().size_hint().lower());
    if announced > MAX_BODY {
        ApiError::BodyTooLarge.into_response()
    } else {
        next.run(request).await
    }
}

/// The same body, which holds something, such as a place, as long as it exists.
fn holding(body: Body, held: impl Send + 'static) -> Body {
    Body::new(body.map_err(move |error| {
        let _ = &held;
        error
    }))
}
