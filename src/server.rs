//! Accepts connections, limits what one client can use, and speaks TLS if there is a certificate.

mod admission;
mod expiry;
pub mod limits;
pub mod tls;

use std::convert::Infallible;
use std::future::{Future, pending};
use std::io;
use std::net::SocketAddr;
use std::pin::pin;

use axum::Router;
use axum_server::Handle;
use tokio::net::TcpListener;

use admission::Admission;
use limits::{Limits, MAX_HEAD, MAX_HEADERS, MAX_STREAMS, WINDOW};
use tls::Tls;

/// Serves a router on a listener.
#[derive(Debug)]
pub struct Server {
    /// The HTTP service.
    pub router: Router,
    /// The limits for clients.
    pub limits: Limits,
    /// The certificate; without one, the listener speaks plain HTTP.
    pub tls: Option<Tls>,
}

impl Server {
    /// Serves until `close`, and then until the requests in progress have ended. When the future is
    /// dropped, all connections are closed at once.
    ///
    /// # Errors
    /// If connections can no longer be accepted.
    pub async fn run(
        self,
        listener: TcpListener,
        close: impl Future<Output = ()>,
    ) -> io::Result<()> {
        let handle = Handle::new();
        let _shutdown = ShutdownOnDrop(handle.clone());
        let mut serving = pin!(self.serve(listener, handle.clone()));
        tokio::select! {
            ended = &mut serving => return ended,
            never = watch(self.tls.as_ref()) => match never {},
            () = close => handle.graceful_shutdown(None),
        }
        serving.await
    }

    /// Serves until the handle is shut down.
    async fn serve(&self, listener: TcpListener, handle: Handle<SocketAddr>) -> io::Result<()> {
        let server = configured(listener, self.limits).handle(handle);
        let admission = Admission::new(self.limits);
        let router = self.router.clone();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        match &self.tls {
            None => server.acceptor(admission).serve(service).await,
            Some(tls) => {
                let tls = tls.acceptor(self.limits.first_request);
                server
                    .acceptor(tls.acceptor(admission))
                    .serve(service)
                    .await
            }
        }
    }
}

/// Closes all connections when it is dropped.
struct ShutdownOnDrop(Handle<SocketAddr>);

impl Drop for ShutdownOnDrop {
    fn drop(&mut self) {
        self.0.shutdown();
    }
}

/// Returns a server with limits for slow clients and large requests.
fn configured(listener: TcpListener, limits: Limits) -> axum_server::Server<SocketAddr> {
    let mut server = axum_server::Server::<SocketAddr>::from_listener(listener)
        .first_request_timeout(limits.first_request)
        .accept_error_handler(|peer, error| {
            tracing::debug!(?peer, %error, "a connection was not accepted");
        });
    let http = server.http_builder();
    http.http1()
        .header_read_timeout(limits.next_request)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS);
    http.http2()
        .keep_alive_interval(limits.stall)
        .keep_alive_timeout(limits.stall)
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW);
    server
}

/// Reloads the certificate when it changes; never ends.
async fn watch(tls: Option<&Tls>) -> Infallible {
    match tls {
        Some(tls) => tls.watch().await,
        None => pending().await,
    }
}
