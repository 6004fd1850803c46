//! The composition root: puts the parts together and supervises them.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use crate::authentik::client::Client;
use crate::backstage;
use crate::backstage::push::{self, Pusher};
use crate::clock::Clock;
use crate::config::{Config, ServiceConfig};
use crate::http;
use crate::http::auth::Doorkeeper;
use crate::http::load::Capacity;
use crate::http::origin::Origins;
use crate::http::state::AppState;
use crate::jitter::Jitter;
use crate::server::Server;
use crate::server::limits::Limits;
use crate::server::tls::Tls;
use crate::snapshot::kept::Keeping;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::renditions::Renditions;
use crate::snapshot::run::Failure;
use crate::sync::cycle::Cycle;
use crate::sync::keeper::Keeper;
use crate::sync::reading::Pace;
use crate::sync::timetable::Timetable;
use crate::sync::{REST, Reload, Scheduler, Settings};

/// How many bytes of renditions other than the default body are kept.
const KEPT_RENDITIONS: u64 = 128 << 20;

/// How many bytes of lists of locations are kept: the largest has a third of a megabyte.
const KEPT_LOCATIONS: u64 = 8 << 20;

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
    keeping: Arc<Keeping>,
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
        let ServiceConfig { auth, listen, .. } = &config.service;
        let tls = startable(&config.service)?;
        let origins = Arc::new(origins(&config.service));
        let doorkeeper = Arc::new(Doorkeeper::new(auth, *listen, Arc::clone(&origins)));
        let cycle = cycle(&config, &clock, zone.clone())?;
        let ledger = Arc::new(Ledger::new(clock.clone()));
        let keeping = Arc::<Keeping>::default();
        let state_dir = config.service.state_dir.folder();
        let keeper = Keeper::new(state_dir, Arc::clone(&keeping), clock.clone());
        let state = AppState {
            store: Arc::clone(&cycle.store),
            renditions: Arc::new(Renditions::new(KEPT_RENDITIONS)),
            locations: Arc::new(Renditions::new(KEPT_LOCATIONS)),
            location_prefix: config.service.location_prefix.clone(),
            origins,
            ledger: Arc::clone(&ledger),
            keeping: Arc::clone(&keeping),
            max_age: config.service.max_age,
            clock: clock.clone(),
            doorkeeper: Arc::clone(&doorkeeper),
            draining: shutdown.clone(),
        };
        let (sender, reloads) = mpsc::channel(1);
        let (backstage, settings) = watch::channel(push_settings(&config)?);
        let pusher = Pusher {
            store: Arc::clone(&cycle.store),
            ledger: Arc::clone(&ledger),
            clock: clock.clone(),
            settings,
        };
        let (drain_delay, drain_timeout) =
            (config.service.drain_delay, config.service.drain_timeout);
        let reloader = Reloader {
            sender,
            backstage: Arc::new(backstage),
            clock: clock.clone(),
            zone: zone.clone(),
            doorkeeper,
            begun_with: config.service.clone(),
        };
        let timetable = Timetable {
            schedule: config.authentik.schedule,
            zone,
        };
        let jitter = Jitter::random();
        let scheduler = Scheduler {
            cycle,
            timetable,
            ledger,
            clock,
            jitter,
            reloads,
            keeper,
            rest: REST,
        };
        Ok(Self {
            state,
            capacity: Capacity::default(),
            limits: Limits::default(),
            tls,
            scheduler,
            pusher,
            reloader,
            keeping,
            shutdown,
            drain_delay,
            drain_timeout,
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
    pub fn with_rest(mut self, rest: Duration) -> Self {
        self.scheduler.rest = rest;
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
    /// When the server or the scheduler ends although nobody asked for it.
    pub async fn run(self, listener: TcpListener) -> anyhow::Result<()> {
        let server = Server {
            router: http::router(self.state, self.capacity),
            limits: self.limits,
            tls: self.tls,
        };
        let Self {
            scheduler,
            pusher,
            keeping,
            shutdown,
            drain_delay,
            drain_timeout,
            ..
        } = self;
        let _stop_the_rest = shutdown.clone().drop_guard();
        let scheduler = tokio::spawn(scheduler.run(shutdown.clone()));
        tokio::spawn(pusher.run(shutdown.clone()));
        let close = after(shutdown.clone(), drain_delay);
        tokio::select! {
            () = async { server.run(listener, close).await; keeping.settled().await } => {}
            ended = unexpected(scheduler, &shutdown) => ended?,
            () = after(shutdown.clone(), drain_delay + drain_timeout) => {
                tracing::warn!(
                    is_snapshot_kept = keeping.is_settled(),
                    "requests or the writing of the snapshot were cut off at the end of `entityProvider.drainTimeout`"
                );
            }
        }
        if !shutdown.is_cancelled() {
            bail!("the HTTP server ended although nobody asked for it");
        }
        Ok(())
    }
}

/// What lets a service start, or not: nothing is open by mistake, and its certificates can be read.
///
/// # Errors
/// Says what to set or to correct.
pub fn startable(service: &ServiceConfig) -> anyhow::Result<Option<Tls>> {
    service.auth.check(service.listen)?;
    Ok(service.tls.as_ref().map(Tls::load).transpose()?)
}

/// Gives the running service another configuration; cheap to clone.
#[derive(Clone, Debug)]
pub struct Reloader {
    sender: mpsc::Sender<Reload>,
    backstage: Arc<watch::Sender<Option<push::Settings>>>,
    clock: Clock,
    zone: TimeZone,
    doorkeeper: Arc<Doorkeeper>,
    begun_with: ServiceConfig,
}

impl Reloader {
    /// Lets a configuration count from now on, as far as it can without a restart.
    pub async fn reload(&self, config: Config) {
        for key in self.fixed(&config.service) {
            tracing::warn!("`entityProvider.{key}` has changed and counts after a restart");
        }
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let auth = config.service.auth.clone();
        let backstage = push_settings(&config);
        match self
            .settings(config)
            .and_then(|settings| Ok((settings, backstage?)))
        {
            Ok((settings, backstage)) => {
                self.doorkeeper.replace(&auth, self.begun_with.listen);
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
    fn settings(&self, config: Config) -> anyhow::Result<Settings> {
        config.service.auth.check(self.begun_with.listen)?;
        settings(config, &self.clock, self.zone.clone())
    }

    /// The keys that have changed since the start and cannot count before the next one.
    fn fixed(&self, service: &ServiceConfig) -> impl Iterator<Item = &'static str> {
        let old = &self.begun_with;
        let keys = [
            ("listen", old.listen == service.listen),
            ("tls", old.tls == service.tls),
            ("publicUrl", old.public_url == service.public_url),
            (
                "trustedProxies",
                old.trusted_proxies == service.trusted_proxies,
            ),
            (
                "locationPrefix",
                old.location_prefix == service.location_prefix,
            ),
            ("drainDelay", old.drain_delay == service.drain_delay),
            ("drainTimeout", old.drain_timeout == service.drain_timeout),
            ("maxAge", old.max_age == service.max_age),
        ];
        keys.into_iter()
            .filter(|(_, same)| !same)
            .map(|(key, _)| key)
    }

    /// Tells the scheduler, unless the service is ending.
    async fn send(&self, reload: Reload) {
        let _ = self.sender.send(reload).await;
    }
}

/// What the operator says of the ways to this service.
fn origins(service: &ServiceConfig) -> Origins {
    let (public_url, trusted_proxies) =
        (service.public_url.clone(), service.trusted_proxies.clone());
    Origins {
        public_url,
        trusted_proxies,
        is_tls: service.tls.is_some(),
    }
}

/// What the sync needs of a configuration.
fn settings(config: Config, clock: &Clock, zone: TimeZone) -> anyhow::Result<Settings> {
    let Cycle {
        client,
        policy,
        pace,
        limits,
        acceptance,
        ..
    } = cycle(&config, clock, zone.clone())?;
    Ok(Settings {
        client,
        policy,
        pace,
        limits,
        acceptance,
        timetable: Timetable {
            schedule: config.authentik.schedule,
            zone,
        },
        state_dir: config.service.state_dir.folder(),
    })
}

/// Whom to tell of changes, as a configuration says.
fn push_settings(config: &Config) -> anyhow::Result<Option<push::Settings>> {
    let Some(backstage) = &config.service.backstage else {
        return Ok(None);
    };
    Ok(Some(push::Settings {
        client: backstage::client::Client::new(&backstage.base_url, &backstage.token)?,
        locations: backstage.locations.clone(),
        prefix: config.service.location_prefix.clone(),
    }))
}

/// What reads Authentik as a configuration says; nothing is sent yet.
///
/// # Errors
/// When the token cannot be sent, or the system's certificates cannot be read.
pub fn cycle(config: &Config, clock: &Clock, zone: TimeZone) -> anyhow::Result<Cycle> {
    Ok(Cycle {
        client: Client::new(config.client_settings(), clock.clone())?,
        policy: Arc::new(config.policy()),
        pace: Pace::of(config, zone),
        limits: config.service.shrink_guard,
        acceptance: config.service.auth.syncing(config.service.listen).into(),
        store: Arc::default(),
        clock: clock.clone(),
        doubt: None,
        late: 0,
    })
}

/// Waits for the shutdown and then some time more.
async fn after(shutdown: CancellationToken, delay: Duration) {
    shutdown.cancelled().await;
    tokio::time::sleep(delay).await;
}

/// Ends only if the scheduler ended before the shutdown.
async fn unexpected(
    scheduler: tokio::task::JoinHandle<()>,
    shutdown: &CancellationToken,
) -> anyhow::Result<()> {
    let ended = scheduler.await;
    if shutdown.is_cancelled() {
        std::future::pending::<()>().await;
    }
    ended.context("the scheduler ended")?;
    bail!("the scheduler ended although nobody asked for it")
}
