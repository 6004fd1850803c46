//! One connection, from its acceptance to its end.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::Place;
use super::limits::{Limits, MAX_HEAD, MAX_HEADERS, MAX_STREAMS, WINDOW};
use super::patience::Patient;
use crate::http::load::{Reserve, holding};

/// What a connection needs.
#[derive(Debug)]
pub(super) struct Connection {
    /// What answers.
    pub(super) router: Router,
    /// The other end.
    pub(super) peer: SocketAddr,
    /// Where it stands.
    pub(super) place: Place,
    /// Cancelled when the listener is closed.
    pub(super) closing: CancellationToken,
}

impl Connection {
    /// Serves the client until either side ends it.
    pub(super) async fn run(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        let deadline = Instant::now() + self.place.limits.first_request;
        let stream = Patient::new(stream, self.place.limits.stall);
        let Some(tls) = tls else {
            return self.speak(stream, deadline).await;
        };
        let shaken = tokio::select! {
            shaken = timeout_at(deadline, tls.accept(stream)) => shaken,
            () = self.closing.cancelled() => return,
        };
        if let Ok(Ok(stream)) = shaken {
            self.speak(stream, deadline).await;
        }
    }

    /// Speaks HTTP.
    async fn speak<S: AsyncRead + AsyncWrite + Unpin + 'static>(
        self,
        stream: S,
        deadline: Instant,
    ) {
        let Self {
            router,
            peer,
            place,
            closing,
        } = self;
        let heard = CancellationToken::new();
        let (activity, mut activities) = watch::channel(Activity {
            open: 0,
            since: Instant::now(),
        });
        let activity = Arc::new(activity);
        let service = service_fn(|mut request| {
            heard.cancel();
            mark(&mut request, peer, &place);
            let open = Open::begin(&activity);
            let answer = answer(&router, request);
            async {
                answer
                    .await
                    .map(|response| response.map(|body| holding(body, open)))
            }
        });
        let builder = builder(&place);
        let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
        let mut unheard = pin!(unheard(&heard, deadline));
        // How a client ends its connection, or breaks the protocol, is nobody's trouble but its own.
        let grace = tokio::select! {
            _ = connection.as_mut() => return,
            () = &mut unheard => return,
            () = closing.cancelled() => place.limits.grace,
            () = sleep(place.limits.age) => place.limits.grace,
            () = idle(&mut activities, place.limits.next_request) => place.limits.first_request,
        };
        connection.as_mut().graceful_shutdown();
        tokio::select! {
            _ = connection => {}
            () = unheard => {}
            () = sleep(grace) => {}
        }
    }
}

/// Ends only if the first request has not come in time.
async fn unheard(heard: &CancellationToken, deadline: Instant) {
    tokio::select! {
        () = heard.cancelled() => pending().await,
        () = sleep_until(deadline) => {}
    }
}

/// What a connection does.
#[derive(Clone, Copy, Debug)]
struct Activity {
    /// Requests that are not answered to the end.
    open: usize,
    /// When the last one began or ended.
    since: Instant,
}

/// A request until its answer has been sent.
struct Open(Arc<watch::Sender<Activity>>);

impl Open {
    fn begin(activity: &Arc<watch::Sender<Activity>>) -> Self {
        activity.send_modify(|activity| {
            *activity = Activity {
                open: activity.open + 1,
                since: Instant::now(),
            }
        });
        Self(Arc::clone(activity))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.send_modify(|activity| {
            *activity = Activity {
                open: activity.open - 1,
                since: Instant::now(),
            }
        });
    }
}

/// Ends when nothing has been asked for a time. Over HTTP/1 the library sees to that; a client of HTTP/2
/// could keep its place with pings alone.
async fn idle(activities: &mut watch::Receiver<Activity>, patience: Duration) {
    loop {
        let Activity { open, since } = *activities.borrow_and_update();
        let over = async {
            if open > 0 {
                pending::<()>().await;
            } else {
                sleep_until(since + patience).await;
            }
        };
        tokio::select! {
            // The sender lives as long as the connection.
            _ = activities.changed() => {}
            () = over => return,
        }
    }
}

/// Writes down where a request came from.
fn mark(request: &mut hyper::Request<Incoming>, peer: SocketAddr, place: &Place) {
    request.extensions_mut().insert(ConnectInfo(peer));
    if place.is_reserve {
        request.extensions_mut().insert(Reserve);
    }
}

/// Lets the router answer.
fn answer(
    router: &Router,
    request: hyper::Request<Incoming>,
) -> impl Future<Output = Result<Response, Infallible>> + use<> {
    TowerToHyperService::new(router.clone()).call(request)
}

/// What speaks HTTP on a connection.
fn builder(place: &Place) -> Builder<TokioExecutor> {
    let Limits {
        next_request,
        stall,
        ..
    } = place.limits;
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(next_request)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_HEADERS)
        .keep_alive(!place.is_reserve);
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(stall)
        .keep_alive_timeout(stall)
        .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX))
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(WINDOW)
        .initial_connection_window_size(WINDOW);
    builder
}
