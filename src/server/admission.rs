//! What the server library lacks: a limit on connections, and an end for a client that reads nothing.

use std::future::{Ready, ready};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::http::Request;
use axum_server::ConnectionShutdown;
use axum_server::accept::Accept;
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_io_timeout::TimeoutWriter;
use tower::Service;

use super::limits::Limits;
use crate::http::load::ExcessConnection;

/// How often it is logged at most that there are too many connections.
const PAUSE: Duration = Duration::from_mins(1);

/// Admits connections while there are places; cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Admission(Arc<Places>);

/// The places for connections.
#[derive(Debug)]
struct Places {
    limits: Limits,
    usual: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    logged: Mutex<Option<Instant>>,
}

/// The place of a connection, until it ends.
#[derive(Debug)]
struct Place {
    is_reserve: bool,
    _permit: OwnedSemaphorePermit,
}

/// What answers on a connection.
#[derive(Clone, Debug)]
pub(super) struct Placed<S> {
    service: S,
    place: Arc<Place>,
}

impl Admission {
    pub(super) fn new(limits: Limits) -> Self {
        Self(Arc::new(Places {
            limits,
            usual: Arc::new(Semaphore::new(limits.connections)),
            reserve: Arc::new(Semaphore::new(limits.reserve)),
            logged: Mutex::default(),
        }))
    }
}

impl Places {
    /// Takes a place, one of the reserve if there is no other.
    fn take(&self) -> Option<Place> {
        let permit = |places: &Arc<Semaphore>| Arc::clone(places).try_acquire_owned().ok();
        if let Some(permit) = permit(&self.usual) {
            return Some(Place {
                is_reserve: false,
                _permit: permit,
            });
        }
        self.log();
        permit(&self.reserve).map(|permit| Place {
            is_reserve: true,
            _permit: permit,
        })
    }

    /// Logs that there are too many connections, unless it was logged a moment ago.
    fn log(&self) {
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        if logged.is_none_or(|logged| logged.elapsed() > PAUSE) {
            *logged = Some(Instant::now());
            let open = self.limits.connections;
            tracing::warn!(open, "too many connections; only probes are answered");
        }
    }
}

impl<S> Accept<TcpStream, S> for Admission {
    type Stream = Pin<Box<TimeoutWriter<TcpStream>>>;
    type Service = Placed<S>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Some(place) = self.0.take() else {
            return ready(Err(io::Error::other("too many connections")));
        };
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(self.0.limits.stall));
        let place = Arc::new(place);
        ready(Ok((Box::pin(stream), Placed { service, place })))
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for Placed<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    /// Marks a request on a place of the reserve, and lets the connection end after it.
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if self.place.is_reserve {
            request.extensions_mut().insert(ExcessConnection);
            if let Some(connection) = request.extensions().get::<ConnectionShutdown>() {
                connection.graceful_shutdown();
            }
        }
        self.service.call(request)
    }
}
