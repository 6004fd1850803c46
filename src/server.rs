//! Accepts connections and lets no client take more than its share: limits, and TLS if there is a
//! certificate.

mod connection;
mod expiry;
pub mod limits;
mod patience;
pub mod tls;

use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use connection::Connection;
use limits::Limits;
use tls::Tls;

/// How often it is logged at most that there are too many connections.
const PAUSE: Duration = Duration::from_mins(1);

/// Serves a router on a listener.
#[derive(Debug)]
pub struct Server {
    /// What answers.
    pub router: Router,
    /// What one client may take.
    pub limits: Limits,
    /// Speaks TLS on every connection.
    pub tls: Option<Tls>,
}

impl Server {
    /// Serves until `close`, and then until the requests in flight have ended. Dropped, it ends at once.
    pub async fn run(self, mut listener: TcpListener, close: impl Future<Output = ()>) {
        let closing = CancellationToken::new();
        let mut places = Places::new(self.limits);
        let mut connections = JoinSet::new();
        {
            let mut close = pin!(close);
            let mut watching = pin!(watch(self.tls.as_ref()));
            loop {
                let (stream, peer) = tokio::select! {
                    accepted = Listener::accept(&mut listener) => accepted,
                    Some(_) = connections.join_next() => continue,
                    () = &mut watching => continue,
                    () = &mut close => break,
                };
                let Some(place) = places.take() else { continue };
                let tls = self.tls.as_ref().map(Tls::acceptor);
                let router = self.router.clone();
                let connection = Connection {
                    router,
                    peer,
                    place,
                    closing: closing.clone(),
                };
                connections.spawn(connection.run(stream, tls));
            }
        }
        drop(listener);
        closing.cancel();
        while connections.join_next().await.is_some() {}
    }
}

/// Where a connection stands, until it is dropped.
#[derive(Debug)]
struct Place {
    limits: Limits,
    is_reserve: bool,
    _taken: OwnedSemaphorePermit,
}

/// The places for connections.
struct Places {
    limits: Limits,
    usual: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    told: Option<Instant>,
}

impl Places {
    fn new(limits: Limits) -> Self {
        let places = |number| Arc::new(Semaphore::new(number));
        Self {
            limits,
            usual: places(limits.connections),
            reserve: places(limits.reserve),
            told: None,
        }
    }

    /// Takes a place, of the reserve if need be; without any the connection is to be dropped.
    fn take(&mut self) -> Option<Place> {
        if let Ok(taken) = Arc::clone(&self.usual).try_acquire_owned() {
            return Some(Place {
                limits: self.limits,
                is_reserve: false,
                _taken: taken,
            });
        }
        if self.told.is_none_or(|told| told.elapsed() > PAUSE) {
            self.told = Some(Instant::now());
            tracing::warn!(
                open = self.limits.connections,
                "too many connections; only probes are answered"
            );
        }
        let taken = Arc::clone(&self.reserve).try_acquire_owned().ok()?;
        Some(Place {
            limits: self.limits.of_reserve(),
            is_reserve: true,
            _taken: taken,
        })
    }
}

/// Keeps a certificate up to date; never ends.
async fn watch(tls: Option<&Tls>) {
    match tls {
        Some(tls) => tls.watch().await,
        None => pending().await,
    }
}
