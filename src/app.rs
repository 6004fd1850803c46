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
use crate::authentik::cost::ServerCost;
use crate::backstage;
use crate::backstage::push::{self, Pusher};
use crate::clock::Clock;
use crate::config::{Config, ServiceConfig};
use crate::http;
use crate::http::auth::Authorizer;
use crate::http::load::Capacity;
use crate::http::public_url::PublicUrls;
use crate::http::state::AppState;
use crate::jitter::Jitter;
use crate::server::Server;
use crate::server::limits::Limits;
use crate::server::tls::Tls;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::persistence::PersistenceStatus;
use crate::snapshot::renditions::Renditions;
use crate::snapshot::run::Failure;
use crate::sync::cycle::Cycle;
use crate::sync::persister::Persister;
use crate::sync::read::SyncPace;
use crate::sync::timetable::Timetable;
use crate::sync::{COOLDOWN, Reload, Scheduler, SyncSettings};

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
    keeping: Arc<PersistenceStatus>,
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
        let tls = startable(&config.service, &clock)?;
        let public_urls = Arc::new(public_urls(&config.service));
        let authorizer = Arc::new(Authorizer::new(auth, *listen));
        let cycle = cycle(&config, &clock, zone.clone())?;
        let ledger = Arc::new(Ledger::new(clock.clone()));
        let keeping = Arc::<PersistenceStatus>::default();
        let state_dir = config.service.state_dir.folder();
        let persister = Persister::new(state_dir, Arc::clone(&keeping), clock.clone());
        let state = AppState {
            store: Arc::clone(&cycle.store),
            renditions: Arc::new(Renditions::new(KEPT_RENDITIONS)),
            locations: Arc::new(Renditions::new(KEPT_LOCATIONS)),
            location_prefix: config.service.location_prefix.clone(),
            public_urls,
            ledger: Arc::clone(&ledger),
            keeping: Arc::clone(&keeping),
            max_age: config.service.max_age,
            clock: clock.clone(),
            authorizer: Arc::clone(&authorizer),
            draining: shutdown.clone(),
        };
        let (sender, reloads) = mpsc::channel(1);
        let (backstage, settings) = watch::channel(push_settings(&config.service)?);
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
            authorizer,
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
            persister,
            cooldown: COOLDOWN,
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
        let serving = async {
            let served = server.run(listener, close).await;
            served.context("cannot accept connections")?;
            keeping.settled().await;
            anyhow::Ok(())
        };
        tokio::select! {
            served = serving => served?,
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
        client.map(|error| format!("{error:#}")),
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
        let auth = config.service.auth.clone();
        let backstage = push_settings(&config.service);
        match self
            .settings(config)
            .and_then(|settings| Ok((settings, backstage?)))
        {
            Ok((settings, backstage)) => {
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

/// What the operator says of the ways to this service.
fn public_urls(service: &ServiceConfig) -> PublicUrls {
    let (public_url, trusted_proxies) =
        (service.public_url.clone(), service.trusted_proxies.clone());
    PublicUrls {
        public_url,
        trusted_proxies,
        is_tls: service.tls.is_some(),
    }
}

/// What the sync needs of a configuration.
fn settings(config: Config, clock: &Clock, zone: TimeZone) -> anyhow::Result<SyncSettings> {
    let Cycle {
        client,
        policy,
        pace,
        limits,
        ..
    } = cycle(&config, clock, zone.clone())?;
    Ok(SyncSettings {
        client,
        policy,
        pace,
        limits,
        timetable: Timetable {
            schedule: config.authentik.schedule,
            zone,
        },
        state_dir: config.service.state_dir.folder(),
    })
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
        client: Client::new(config.client_settings(), clock.clone())?,
        policy: Arc::new(config.policy()),
        pace: SyncPace::of(config, zone),
        cost: ServerCost::default(),
        limits: config.service.shrink_guard,
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
