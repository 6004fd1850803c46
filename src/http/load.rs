//! Sheds load: decides for every route that shows or asks for something how many requests it has at once.
//!
//! `/health` is outside, so that orchestrators see a busy service as alive, and so is `/metrics`, which is
//! wanted most when the service is busy. Both cost little. Whoever has no valid token is
//! refused before and takes nobody's place.

mod described;

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::{Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use utoipa_axum::router::UtoipaMethodRouter;

use super::auth::Access;
use super::error::ApiError;

/// The largest body that a request may announce. Nobody reads it, but webhooks may send one to `/sync`.
const MAX_BODY: u64 = 64 << 10;

/// What a connection's requests carry that was accepted although there are too many.
#[derive(Clone, Copy, Debug)]
pub struct Reserve;

/// How much is done at once.
#[derive(Clone, Copy, Debug)]
pub struct Capacity {
    /// Requests that read; a rendition is shared by all that wait for it.
    pub reading: usize,
    /// Requests that follow a run, which wait long and cost little.
    pub following: usize,
    /// How long a reading request may take until its answer begins: a rendition of 300,000 users takes
    /// seconds.
    pub patience: Duration,
}

impl Default for Capacity {
    fn default() -> Self {
        Self {
            reading: 64,
            following: 256,
            patience: Duration::from_mins(1),
        }
    }
}

/// The places for requests; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Load {
    reading: Arc<Semaphore>,
    following: Arc<Semaphore>,
    patience: Duration,
}

impl Load {
    /// Free places for so many.
    pub(super) fn new(capacity: Capacity) -> Self {
        let places = |number| Arc::new(Semaphore::new(number));
        let Capacity {
            reading,
            following,
            patience,
        } = capacity;
        Self {
            reading: places(reading),
            following: places(following),
            patience,
        }
    }

    /// Answers a reading request in time; who is slow to take the answer holds no place.
    async fn read(self, request: Request, next: Next) -> Result<Response, ApiError> {
        let _place = place(self.reading, &request)?;
        let answer = tokio::time::timeout(self.patience, next.run(request)).await;
        answer.map_err(|_| ApiError::TooSlow)
    }

    /// Answers a request that may last, whose place is taken until its answer has been sent.
    async fn follow(self, request: Request, next: Next) -> Result<Response, ApiError> {
        let place = place(self.following, &request)?;
        Ok(next.run(request).await.map(|body| holding(body, place)))
    }
}

/// Lets a route do only so much at once, and describes it.
pub(super) fn limited_and_described<S: Clone + Send + Sync + 'static>(
    load: &Load,
    access: Access,
    (schemas, paths, methods): UtoipaMethodRouter<S>,
) -> UtoipaMethodRouter<S> {
    let load = load.clone();
    match access {
        Access::Open | Access::Metrics => (schemas, paths, methods),
        Access::Sync | Access::Runs => {
            let follow = |State(load): State<Load>, request, next| load.follow(request, next);
            let methods = methods.route_layer(from_fn_with_state(load, follow));
            (schemas, described::with_refusals(paths), methods)
        }
        Access::Read | Access::Docs | Access::DocsFiles => {
            let read = |State(load): State<Load>, request, next| load.read(request, next);
            let methods = methods.route_layer(from_fn_with_state(load, read));
            (schemas, described::with_refusals(paths), methods)
        }
    }
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

/// A free place, unless the connection itself is one too many.
fn place(places: Arc<Semaphore>, request: &Request) -> Result<OwnedSemaphorePermit, ApiError> {
    if request.extensions().get::<Reserve>().is_some() {
        return Err(ApiError::Overloaded);
    }
    places.try_acquire_owned().map_err(|_| ApiError::Overloaded)
}

/// The same body, which holds something, such as a place, as long as it exists.
pub fn holding(body: Body, held: impl Send + 'static) -> Body {
    Body::new(body.map_err(move |error| {
        let _ = &held;
        error
    }))
}
