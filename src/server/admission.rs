//! What the server library lacks: a limit on connections, and a write timeout.

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

/// The minimum time between two log lines about too many connections.
const PAUSE: Duration = Duration::from_mins(1);

/// Limits the number of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Admission(Arc<ConnectionLimits>);

/// The limits and the permits of open connections.
#[derive(Debug)]
struct ConnectionLimits {
    limits: Limits,
    usual: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    logged: Mutex<Option<Instant>>,
}

/// The permit of a connection, held until it ends.
#[derive(Debug)]
struct ConnectionPermit {
    is_reserve: bool,
    _permit: OwnedSemaphorePermit,
}

/// The service of one connection.
#[derive(Clone, Debug)]
pub(super) struct ConnectionService<S> {
    service: S,
    permit: Arc<ConnectionPermit>,
}

impl Admission {
    pub(super) fn new(limits: Limits) -> Self {
        Self(Arc::new(ConnectionLimits {
            limits,
            usual: Arc::new(Semaphore::new(limits.connections)),
            reserve: Arc::new(Semaphore::new(limits.reserve)),
            logged: Mutex::default(),
        }))
    }
}

impl ConnectionLimits {
    /// Returns a permit, one of the reserve if there is no other.
    fn acquire(&self) -> Option<ConnectionPermit> {
        let try_acquire = |permits: &Arc<Semaphore>| Arc::clone(permits).try_acquire_owned().ok();
        if let Some(permit) = try_acquire(&self.usual) {
            return Some(ConnectionPermit {
                is_reserve: false,
                _permit: permit,
            });
        }
        self.log();
        try_acquire(&self.reserve).map(|permit| ConnectionPermit {
            is_reserve: true,
            _permit: permit,
        })
    }

    /// Logs that there are too many connections, at most once per [`PAUSE`].
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
    type Service = ConnectionService<S>;
    type Future = Ready<io::Result<(Self::Stream, Self::Service)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let Some(permit) = self.0.acquire() else {
            return ready(Err(io::Error::other("too many connections")));
        };
        let mut stream = TimeoutWriter::new(stream);
        stream.set_timeout(Some(self.0.limits.stall));
        let permit = Arc::new(permit);
        ready(Ok((
            Box::pin(stream),
            ConnectionService { service, permit },
        )))
    }
}

impl<S: Service<Request<B>>, B> Service<Request<B>> for ConnectionService<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = S::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.service.poll_ready(context)
    }

    /// Marks a request on a connection of the reserve, and closes the connection after it.
    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if self.permit.is_reserve {
            request.extensions_mut().insert(ExcessConnection);
            if let Some(connection) = request.extensions().get::<ConnectionShutdown>() {
                connection.graceful_shutdown();
            }
        }
        self.service.call(request)
    }
}
