//! The composition root: builds the parts of the service and supervises them.

mod parts;
mod reloader;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::authentik::client::Client;
use crate::authentik::cost::ServerCost;
use crate::backstage;
use crate::backstage::push::{self, Pusher};
use crate::clock::Clock;
use crate::cluster::clock::DatabaseClock;
use crate::cluster::{Cluster, Replica};
use crate::config::{Config, ServiceConfig};
use crate::http;
use crate::http::load::Capacity;
use crate::http::state::AppState;
use crate::instruments::{Instruments, UpstreamInstruments};
use crate::jitter::Jitter;
use crate::server::Server;
use crate::server::limits::Limits;
use crate::server::tls::Tls;
use crate::sync::Scheduler;
use crate::sync::cycle::Cycle;
use crate::sync::read::SyncPace;
use crate::sync::timetable::Timetable;

pub use reloader::Reloader;

/// The service, ready to run.
#[derive(Debug)]
pub struct App {
    state: AppState,
    capacity: Capacity,
    limits: Limits,
    tls: Option<Tls>,
    scheduler: Scheduler,
    replica: Option<Arc<Replica>>,
    pusher: Pusher,
    reloader: Reloader,
    shutdown: CancellationToken,
    drain_delay: Duration,
    drain_timeout: Duration,
}

impl App {
    /// Builds the service without sending a request or opening a port. `shutdown` ends it.
    ///
    /// # Errors
    /// If it would listen on a public address without authentication, the token is not a valid header, or
    /// certificates cannot be read.
    pub fn build(
        config: Config,
        clock: Clock,
        zone: TimeZone,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Self> {
        let tls = check_startable(&config.service, &clock)?;
        let instruments = Instruments::default();
        let shared_clock = DatabaseClock::new(clock);
        let clock = shared_clock.clock();
        let mut cycle = cycle(&config, &clock, zone.clone(), &instruments.upstream)?;
        let (backstage, settings) = watch::channel(push_settings(&config.service)?);
        let (sender, reloads) = mpsc::channel(1);
        let service = config.service.clone();
        let store = Arc::clone(&cycle.store);
        let mut state = AppState {
            instruments,
            certificate_end: tls.as_ref().map(Tls::end).unwrap_or_default(),
            ..AppState::new(&service, store, clock, shutdown.clone())
        };
        let replica = parts::replica(&config, &mut state, &mut cycle, shared_clock)?;
        Ok(Self {
            capacity: Capacity::default(),
            limits: Limits::default(),
            tls,
            scheduler: parts::scheduler(&state, &config, zone.clone(), cycle, reloads),
            pusher: parts::pusher(&state, replica.as_ref(), settings),
            drain_delay: service.drain_delay,
            drain_timeout: service.drain_timeout,
            reloader: Reloader::new(&state, config, zone, sender, backstage, replica.clone()),
            replica,
            state,
            shutdown,
        })
    }

    /// Sets the source of random pauses.
    #[must_use]
    pub fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.scheduler.jitter = jitter;
        self
    }

    /// Sets the minimum time between two runs.
    #[must_use]
    pub fn with_cooldown(mut self, cooldown: Duration) -> Self {
        self.scheduler.cooldown = cooldown;
        self
    }

    /// Sets the estimated load of a sync, which decides between full and incremental.
    #[must_use]
    pub fn with_server_cost(mut self, cost: ServerCost) -> Self {
        self.scheduler.cycle.cost = cost;
        self
    }

    /// Sets the limits for clients.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits, capacity: Capacity) -> Self {
        (self.limits, self.capacity) = (limits, capacity);
        self
    }

    /// Returns the handle that changes the configuration of the running service.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Serves and syncs until shutdown, then waits for requests in progress until a deadline.
    ///
    /// # Errors
    /// If the server or the scheduler ends before the shutdown.
    pub async fn run(self, listener: TcpListener) -> anyhow::Result<()> {
        let persistence = Arc::clone(&self.state.persistence);
        let server = Server {
            router: http::router(self.state, self.capacity),
            limits: self.limits,
            tls: self.tls,
        };
        let Self {
            scheduler,
            replica,
            pusher,
            shutdown,
            drain_delay,
            drain_timeout,
            ..
        } = self;
        let _cancel_all = shutdown.clone().drop_guard();
        tokio::spawn(pusher.run(shutdown.clone()));
        let work = async {
            tokio::try_join!(
                serving(server, listener, &shutdown, drain_delay),
                syncing(scheduler, replica, &shutdown)
            )?;
            persistence.settled().await;
            anyhow::Ok(())
        };
        tokio::select! {
            ended = work => ended?,
            () = after(shutdown.clone(), drain_delay + drain_timeout) => {
                tracing::warn!(
                    is_snapshot_saved = persistence.is_settled(),
                    "requests in progress or the write of the state file did not end within `entityProvider.drainTimeout`"
                );
            }
        }
        Ok(())
    }
}

/// Checks what a service needs at its start, and loads its certificates.
///
/// # Errors
/// If it would listen on a public address without authentication, or a certificate cannot be used.
pub fn check_startable(service: &ServiceConfig, clock: &Clock) -> anyhow::Result<Option<Tls>> {
    service.auth.check(service.listen)?;
    let files = service.tls.as_ref();
    let tls = files.map(|files| Tls::load(files, clock.clone()));
    Ok(tls.transpose()?)
}

/// Returns the errors that prevent a start although each key is valid: unreadable certificates, and secrets
/// that are not valid headers.
#[must_use]
pub fn start_errors(service: &ServiceConfig, config: Option<&Config>) -> Vec<String> {
    let files = service.tls.as_ref();
    let certificate = files.and_then(|files| Tls::load(files, Clock::system()).err());
    let client = config.map(|config| Client::new(config.client_settings(), Clock::system()));
    let client = client.transpose().err();
    let push = push_settings(service).err();
    let errors = [
        certificate.map(|error| error.to_string()),
        client.map(|error| error.explained()),
        push.map(|error| format!("{error:#}")),
    ];
    errors.into_iter().flatten().collect()
}

/// Returns when runs are due.
fn timetable(config: &Config, zone: TimeZone) -> Timetable {
    Timetable {
        schedule: config.authentik.schedule.clone(),
        zone,
    }
}

/// Returns the settings of the push to Backstage, if it is configured.
fn push_settings(service: &ServiceConfig) -> anyhow::Result<Option<push::PushSettings>> {
    let Some(backstage) = &service.backstage else {
        return Ok(None);
    };
    Ok(Some(push::PushSettings {
        client: backstage::client::BackstageClient::new(
            &backstage.base_url,
            &backstage.token,
            &service.proxies,
        )?,
        locations: backstage.locations.clone(),
        prefix: service.location_prefix.clone(),
    }))
}

/// Builds a cycle without sending a request. Its requests count in `upstream`.
///
/// # Errors
/// If the token is not a valid header, or the system's certificates cannot be read.
pub fn cycle(
    config: &Config,
    clock: &Clock,
    zone: TimeZone,
    upstream: &UpstreamInstruments,
) -> anyhow::Result<Cycle> {
    let client = Client::new(config.client_settings(), clock.clone());
    let client = client.map_err(|error| anyhow::anyhow!(error.explained()))?;
    Ok(Cycle {
        client: client.with_instruments(upstream.clone()),
        policy: Arc::new(config.policy()),
        pace: SyncPace::of(config, zone),
        cost: ServerCost::default(),
        limits: config.service.shrink_guard,
        acceptance: config.service.auth.syncing(config.service.listen).into(),
        store: Arc::default(),
        cluster: Cluster::default(),
        clock: clock.clone(),
        full_reason: None,
        timeouts: 0,
        persisted: None,
    })
}

/// Waits for the shutdown, and then for `delay`.
async fn after(shutdown: CancellationToken, delay: Duration) {
    shutdown.cancelled().await;
    tokio::time::sleep(delay).await;
}

/// Serves until the shutdown, and then until the drain delay is over and open requests have ended.
async fn serving(
    server: Server,
    listener: TcpListener,
    shutdown: &CancellationToken,
    drain_delay: Duration,
) -> anyhow::Result<()> {
    let served = server
        .run(listener, after(shutdown.clone(), drain_delay))
        .await;
    served.context("cannot accept connections")?;
    expected(shutdown, "the HTTP server")
}

/// Syncs until the shutdown. Returns after the log line of a cancelled run is written, and the other replicas
/// can take over.
async fn syncing(
    scheduler: Scheduler,
    replica: Option<Arc<Replica>>,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let leave = CancellationToken::new();
    let taking_part = replica.map(|replica| tokio::spawn(replica.run(leave.clone())));
    let ended = tokio::spawn(scheduler.run(shutdown.clone())).await;
    leave.cancel();
    if let Some(taking_part) = taking_part {
        taking_part
            .await
            .context("the exchange with the database ended")?;
    }
    ended.context("the scheduler ended")?;
    expected(shutdown, "the scheduler")
}

/// Returns an error if a part ended before the shutdown.
fn expected(shutdown: &CancellationToken, part: &str) -> anyhow::Result<()> {
    if !shutdown.is_cancelled() {
        bail!("{part} ended before the shutdown");
    }
    Ok(())
}
