//! The composition root: puts the parts together and supervises them.

mod parts;

use std::fmt::Display;
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
use crate::config::{Config, ServiceConfig};
use crate::http;
use crate::http::auth::Authorizer;
use crate::http::load::Capacity;
use crate::http::state::AppState;
use crate::jitter::Jitter;
use crate::server::Server;
use crate::server::limits::Limits;
use crate::server::tls::Tls;
use crate::snapshot::run::Failure;
use crate::sync::cycle::Cycle;
use crate::sync::read::SyncPace;
use crate::sync::timetable::Timetable;
use crate::sync::{Reload, Scheduler, SyncSettings};
use crate::telemetry;

/// The service, ready to run.
#[derive(Debug)]
pub struct App {
    state: AppState,
    capacity: Capacity,
    limits: Limits,
    tls: Option<Tls>,
    scheduler: Scheduler,
    pusher: Pusher,
    reloader: Reloader,
    shutdown: CancellationToken,
    drain_delay: Duration,
    drain_timeout: Duration,
}

impl App {
    /// Puts the service together; nothing is sent or bound yet. `shutdown` ends it.
    ///
    /// # Errors
    /// When it would be open by mistake, the token cannot be sent, or certificates cannot be read.
    pub fn build(
        config: Config,
        clock: Clock,
        zone: TimeZone,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Self> {
        let tls = startable(&config.service, &clock)?;
        let cycle = cycle(&config, &clock, zone.clone())?;
        let (backstage, settings) = watch::channel(push_settings(&config.service)?);
        let (sender, reloads) = mpsc::channel(1);
        let service = config.service.clone();
        let store = Arc::clone(&cycle.store);
        let state = AppState::new(&service, store, clock, shutdown.clone());
        Ok(Self {
            capacity: Capacity::default(),
            limits: Limits::default(),
            tls,
            scheduler: parts::scheduler(&state, config, zone.clone(), cycle, reloads),
            pusher: parts::pusher(&state, settings),
            drain_delay: service.drain_delay,
            drain_timeout: service.drain_timeout,
            reloader: parts::reloader(&state, service, zone, sender, backstage),
            state,
            shutdown,
        })
    }

    /// Lets chance come from elsewhere.
    #[must_use]
    pub fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.scheduler.jitter = jitter;
        self
    }

    /// Lets Authentik be left alone for another time after each run.
    #[must_use]
    pub fn with_cooldown(mut self, rest: Duration) -> Self {
        self.scheduler.cooldown = rest;
        self
    }

    /// Lets full or incremental syncs be chosen by other costs.
    #[must_use]
    pub fn with_server_cost(mut self, cost: ServerCost) -> Self {
        self.scheduler.cycle.cost = cost;
        self
    }

    /// Lets clients take more or less.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits, capacity: Capacity) -> Self {
        (self.limits, self.capacity) = (limits, capacity);
        self
    }

    /// What gives the running service another configuration.
    #[must_use]
    pub fn reloader(&self) -> Reloader {
        self.reloader.clone()
    }

    /// Serves and syncs until shutdown, then lets requests in flight end under a deadline.
    ///
    /// # Errors
    /// When the server or the scheduler ends before the shutdown.
    pub async fn run(self, listener: TcpListener) -> anyhow::Result<()> {
        let keeping = Arc::clone(&self.state.persistence);
        let server = Server {
            router: http::router(self.state, self.capacity),
            limits: self.limits,
            tls: self.tls,
        };
        let Self {
            scheduler,
            pusher,
            shutdown,
            drain_delay,
            drain_timeout,
            ..
        } = self;
        let _stop_the_rest = shutdown.clone().drop_guard();
        tokio::spawn(pusher.run(shutdown.clone()));
        let work = async {
            tokio::try_join!(
                serving(server, listener, &shutdown, drain_delay),
                syncing(scheduler, &shutdown)
            )?;
            keeping.settled().await;
            anyhow::Ok(())
        };
        tokio::select! {
            ended = work => ended?,
            () = after(shutdown.clone(), drain_delay + drain_timeout) => {
                tracing::warn!(
                    is_snapshot_kept = keeping.is_settled(),
                    "requests or the writing of the snapshot were cut off at the end of `entityProvider.drainTimeout`"
                );
            }
        }
        Ok(())
    }
}

/// What lets a service start, or not: nothing is open by mistake, and its certificates can be read.
///
/// # Errors
/// Says what to set or to correct.
pub fn startable(service: &ServiceConfig, clock: &Clock) -> anyhow::Result<Option<Tls>> {
    service.auth.check(service.listen)?;
    let files = service.tls.as_ref();
    let tls = files.map(|files| Tls::load(files, clock.clone()));
    Ok(tls.transpose()?)
}

/// What keeps a service from starting although each of its keys is right: certificates that cannot be
/// read, secrets that cannot be sent.
#[must_use]
pub fn unusable(service: &ServiceConfig, config: Option<&Config>) -> Vec<String> {
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

/// Gives the running service another configuration; cheap to clone.
#[derive(Clone, Debug)]
pub struct Reloader {
    sender: mpsc::Sender<Reload>,
    backstage: Arc<watch::Sender<Option<push::PushSettings>>>,
    clock: Clock,
    zone: TimeZone,
    authorizer: Arc<Authorizer>,
    begun_with: ServiceConfig,
}

impl Reloader {
    /// Lets a configuration count from now on, as far as it can without a restart.
    pub async fn reload(&self, config: Config) {
        for key in self.begun_with.restart_needed_for(&config.service) {
            tracing::warn!("`{key}` has changed and counts after a restart");
        }
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let (auth, log_format) = (config.service.auth.clone(), config.service.log_format);
        let backstage = push_settings(&config.service);
        match self
            .settings(config)
            .and_then(|settings| Ok((settings, backstage?)))
        {
            Ok((settings, backstage)) => {
                telemetry::set_format(log_format);
                self.authorizer.replace(&auth, self.begun_with.listen);
                self.backstage.send_replace(backstage);
                self.send(Reload::Settings(Box::new(settings))).await;
            }
            Err(error) => self.refuse(&error).await,
        }
    }

    /// Reports a configuration that is invalid; the present one stays.
    pub async fn refuse(&self, error: &(impl Display + ?Sized)) {
        let message =
            format!("the configuration has changed and is invalid, the old one stays: {error:#}");
        self.send(Reload::Refused(Failure::new("configuration", message)))
            .await;
    }

    /// What the sync needs, unless the configuration would open the service by mistake: where it listens
    /// was decided at the start.
    fn settings(&self, config: Config) -> anyhow::Result<SyncSettings> {
        config.service.auth.check(self.begun_with.listen)?;
        settings(config, &self.clock, self.zone.clone())
    }

    /// Tells the scheduler, unless the service is ending.
    async fn send(&self, reload: Reload) {
        let _ = self.sender.send(reload).await;
    }
}

/// What the sync needs of a configuration.
fn settings(config: Config, clock: &Clock, zone: TimeZone) -> anyhow::Result<SyncSettings> {
    let Cycle {
        client,
        policy,
        pace,
        limits,
        acceptance,
        ..
    } = cycle(&config, clock, zone.clone())?;
    Ok(SyncSettings {
        client,
        policy,
        pace,
        limits,
        acceptance,
        state_dir: config.service.state_dir.folder(),
        timetable: timetable(config, zone),
    })
}

/// When runs are due, as a configuration says.
fn timetable(config: Config, zone: TimeZone) -> Timetable {
    Timetable {
        schedule: config.authentik.schedule,
        zone,
    }
}

/// Whom to tell of changes, as a configuration says.
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

/// What reads Authentik as a configuration says; nothing is sent yet.
///
/// # Errors
/// When the token cannot be sent, or the system's certificates cannot be read.
pub fn cycle(config: &Config, clock: &Clock, zone: TimeZone) -> anyhow::Result<Cycle> {
    Ok(Cycle {
        client: Client::new(config.client_settings(), clock.clone())
            .map_err(|error| anyhow::anyhow!(error.explained()))?,
        policy: Arc::new(config.policy()),
        pace: SyncPace::of(config, zone),
        cost: ServerCost::default(),
        limits: config.service.shrink_guard,
        acceptance: config.service.auth.syncing(config.service.listen).into(),
        store: Arc::default(),
        clock: clock.clone(),
        doubt: None,
        late: 0,
        persisted: None,
    })
}

/// Waits for the shutdown and then some time more.
async fn after(shutdown: CancellationToken, delay: Duration) {
    shutdown.cancelled().await;
    tokio::time::sleep(delay).await;
}

/// Serves until the shutdown, and for as long after it as the drain delay and open requests take.
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

/// Syncs until the shutdown; ends after the log line of a cancelled run is written.
async fn syncing(scheduler: Scheduler, shutdown: &CancellationToken) -> anyhow::Result<()> {
    let ended = tokio::spawn(scheduler.run(shutdown.clone())).await;
    ended.context("the scheduler ended")?;
    expected(shutdown, "the scheduler")
}

/// Checks that a part ended because of the shutdown.
fn expected(shutdown: &CancellationToken, part: &str) -> anyhow::Result<()> {
    if !shutdown.is_cancelled() {
        bail!("{part} ended before the shutdown");
    }
    Ok(())
}
