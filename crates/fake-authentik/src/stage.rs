//! A middleware that applies the script and the simulated cost to every request.

use std::future::ready;
use std::io;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::header::{CONTENT_LENGTH, DATE};
use axum::http::response::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream::{self, StreamExt};
use tokio_util::sync::CancellationToken;

use super::gate::Gate;
use super::journal::SeenRequest;
use super::script::{Action, CannedAnswer, SharedStep, with_action};
use super::state::ServerState;

/// Number of rows in an answer, stored in its extensions.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rows {
    pub(super) users: usize,
    pub(super) groups: usize,
}

/// Applies the script to a request.
pub(super) async fn play(
    State(served): State<ServerState>,
    request: Request,
    next: Next,
) -> Response {
    let seen = SeenRequest::new(request.uri(), request.headers());
    let _in_flight = served.fake.journal().enter(seen.clone());
    let worker = served.fake.worker().enter();
    let mut response = worker.or_recycled(act(&served, &seen, request, next)).await;
    if let Some(date) = served.fake.own_date() {
        response.headers_mut().entry(DATE).or_insert(date);
    }
    response
}

/// Answers as the script says, or for real.
async fn act(served: &ServerState, seen: &SeenRequest, request: Request, next: Next) -> Response {
    let steps = served.fake.script_of(seen);
    for step in &steps {
        prepare(served, step).await;
    }
    let mut response = match steps.iter().find_map(canned) {
        Some(answer) => dress(answer),
        None => perform(served, request, next).await,
    };
    let (breaking, whole): (Vec<_>, Vec<_>) = steps.iter().partition(|step| breaks(step));
    for step in whole.into_iter().chain(breaking) {
        response = conclude(served, step, response).await;
    }
    response
}

/// Returns true if the step breaks the body; no later step can read such a body.
fn breaks(step: &SharedStep) -> bool {
    with_action(step, |action| {
        matches!(
            action,
            Action::Cut(_) | Action::Drop | Action::Stall(_) | Action::Trickle(_)
        )
    })
}

/// How long a request waits.
enum Wait {
    Not,
    For(std::time::Duration),
    Forever,
    At(Gate),
}

async fn prepare(served: &ServerState, step: &SharedStep) {
    let wait = with_action(step, |action| match action {
        Action::Delay(duration) => Wait::For(*duration),
        Action::Hang => Wait::Forever,
        Action::Gate(gate) => Wait::At(gate.clone()),
        Action::Before(edit) => {
            served.fake.edit(edit);
            Wait::Not
        }
        _ => Wait::Not,
    });
    let waiting = async {
        match wait {
            Wait::Not => {}
            Wait::For(duration) => tokio::time::sleep(duration).await,
            Wait::Forever => std::future::pending().await,
            Wait::At(gate) => gate.pass().await,
        }
    };
    served.stopped.run_until_cancelled(waiting).await;
}

fn canned(step: &SharedStep) -> Option<CannedAnswer> {
    with_action(step, |action| match action {
        Action::Answer(answer) => Some(answer.clone()),
        _ => None,
    })
}

fn dress(answer: CannedAnswer) -> Response {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    let made = response.body(Body::from(answer.body));
    made.unwrap_or_else(|error| {
        (
            axum::http::StatusCode::INTERNAL_SERVER_ERROR,
            error.to_string(),
        )
            .into_response()
    })
}

/// Runs the real handler at the configured cost.
async fn perform(served: &ServerState, request: Request, next: Next) -> Response {
    let (cost, workers) = served.fake.price();
    // The semaphore is never closed; without a permit the request does not queue.
    let _worker = match workers {
        Some(workers) => workers.acquire_owned().await.ok(),
        None => None,
    };
    let response = next.run(request).await;
    let rows = response
        .extensions()
        .get::<Rows>()
        .copied()
        .unwrap_or_default();
    served.fake.journal().count_rows(rows.users, rows.groups);
    let time = cost.of(rows.users);
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
    response
}

async fn conclude(served: &ServerState, step: &SharedStep, response: Response) -> Response {
    let (parts, body) = response.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    with_action(step, |action| match action {
        Action::Cut(keep) => broken(parts, &body, *keep),
        Action::Drop => broken(parts, &body, 0),
        Action::Stall(keep) => stalled(parts, &body, *keep, served.stopped.clone()),
        Action::Trickle(pause) => trickled(parts, &body, *pause),
        Action::Rewrite(rewrite) => {
            let rewritten = serde_json::from_slice(&body).map(|value| rewrite(value).to_string());
            Response::from_parts(
                parts,
                rewritten.map_or_else(|_| Body::from(body), Body::from),
            )
        }
        Action::After(edit) => {
            served.fake.edit(edit);
            Response::from_parts(parts, Body::from(body))
        }
        _ => Response::from_parts(parts, Body::from(body)),
    })
}

/// Promises the whole body, sends its beginning and breaks the connection.
///
/// The yield lets the connection send the beginning before the error. Without a beginning, the
/// error comes first and the client does not even receive the head.
fn broken(mut parts: Parts, body: &Bytes, keep: usize) -> Response {
    parts
        .headers
        .insert(CONTENT_LENGTH, body.len().max(keep + 1).into());
    let beginning = body.slice(..keep.min(body.len()));
    let first = stream::iter((keep > 0).then_some(Ok(beginning)));
    let last = stream::once(async move {
        if keep > 0 {
            tokio::task::yield_now().await;
        }
        Err(io::Error::other("the script ends the connection"))
    });
    Response::from_parts(parts, Body::from_stream(first.chain(last)))
}

/// Promises the whole body, sends its beginning, then nothing until the server stops.
fn stalled(mut parts: Parts, body: &Bytes, keep: usize, stopped: CancellationToken) -> Response {
    parts
        .headers
        .insert(CONTENT_LENGTH, body.len().max(keep + 1).into());
    let beginning = stream::once(ready(Ok(body.slice(..keep.min(body.len())))));
    let rest = stream::once(async move {
        stopped.cancelled().await;
        Err(io::Error::other("the server stops"))
    });
    Response::from_parts(parts, Body::from_stream(beginning.chain(rest)))
}

/// Sends the body in ten parts.
fn trickled(parts: Parts, body: &Bytes, pause: Duration) -> Response {
    let length = body.len().div_ceil(10).max(1);
    let parts_of_body: Vec<_> = (0..body.len())
        .step_by(length)
        .map(|at| body.slice(at..(at + length).min(body.len())))
        .collect();
    let sent = stream::iter(parts_of_body).then(move |part| async move {
        tokio::time::sleep(pause).await;
        Ok::<_, io::Error>(part)
    });
    Response::from_parts(parts, Body::from_stream(sent))
}
