//! The composition root: puts the parts together and supervises them.

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::authentik::client::Client;
use crate::clock::Clock;
use crate::config::{Config, ServiceConfig};
use crate::http;
use crate::http::state::AppState;
use crate::jitter::Jitter;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::renditions::Renditions;
use crate::snapshot::run::Failure;
use crate::sync::cycle::Cycle;
use crate::sync::timetable::Timetable;
use crate::sync::{Reload, Scheduler, Settings};

/// How many bytes of renditions other than the default body are kept.
const KEPT_RENDITIONS: u64 = 128 << 20;

/// The service, ready to run.
#[derive(Debug)]
pub struct App {
    router: Router,
    scheduler: Scheduler,
    reloader: Reloader,
    shutdown: CancellationToken,
    drain_delay: Duration,
    drain_timeout: Duration,
}

impl App {
    /// Puts the service together; nothing is sent or bound yet. `shutdown` ends it.
    ///
    /// # Errors
    /// When the token cannot be sent, or the system's certificates cannot be read.
    pub fn build(
        config: Config,
        clock: Clock,
        zone: TimeZone,
        shutdown: CancellationToken,
    ) -> anyhow::Result<Self> {
        let cycle = cycle(&config, &clock)?;
        let ledger = Arc::new(Ledger::new(clock.clone()));
        let state = AppState {
            store: Arc::clone(&cycle.store),
            renditions: Arc::new(Renditions::new(KEPT_RENDITIONS)),
            ledger: Arc::clone(&ledger),
            clock: clock.clone(),
            draining: shutdown.clone(),
        };
        let (sender, reloads) = mpsc::channel(1);
        let (drain_delay, drain_timeout) = (config.service.drain_delay, config.service.drain_timeout);
        let reloader =
            Reloader { sender, clock: clock.clone(), zone: zone.clone(), begun_with: config.service.clone() };
        let timetable = Timetable { schedule: config.authentik.schedule, zone };
        let scheduler = Scheduler { cycle, timetable, ledger, clock, jitter: Jitter::random(), reloads };
        Ok(Self { router: http::router(state), scheduler, reloader, shutdown, drain_delay, drain_timeout })
    }

    /// Lets chance come from elsewhere.
    #[must_use]
    pub fn with_jitter(mut self, jitter: Jitter) -> Self {
        self.scheduler.jitter = jitter;
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
        let Self { router, scheduler, shutdown, drain_delay, drain_timeout, .. } = self;
        let _stop_the_rest = shutdown.clone().drop_guard();
        let scheduler = tokio::spawn(scheduler.run(shutdown.clone()));
        let close = after(shutdown.clone(), drain_delay);
        let server = axum::serve(listener, router).with_graceful_shutdown(close);
        tokio::select! {
            outcome = async { server.await } => outcome.context("the HTTP server ended")?,
            ended = unexpected(scheduler, &shutdown) => ended?,
            () = after(shutdown.clone(), drain_delay + drain_timeout) => {
                tracing::warn!("requests were cut off at the end of `entityProvider.drainTimeout`");
            }
        }
        if !shutdown.is_cancelled() {
            bail!("the HTTP server ended although nobody asked for it");
        }
        Ok(())
    }
}

/// Gives the running service another configuration; cheap to clone.
#[derive(Clone, Debug)]
pub struct Reloader {
    sender: mpsc::Sender<Reload>,
    clock: Clock,
    zone: TimeZone,
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
        match settings(config, &self.clock, self.zone.clone()) {
            Ok(settings) => self.send(Reload::Settings(Box::new(settings))).await,
            Err(error) => self.refuse(&error).await,
        }
    }

    /// Reports a configuration that is invalid; the present one stays.
    pub async fn refuse(&self, error: &(impl Display + ?Sized)) {
        let message = format!("the configuration has changed and is invalid, the old one stays: {error:#}");
        self.send(Reload::Refused(Failure { code: "configuration", message })).await;
    }

    /// The keys that have changed since the start and cannot count before the next one.
    fn fixed(&self, service: &ServiceConfig) -> impl Iterator<Item = &'static str> {
        let old = &self.begun_with;
        let keys = [
            ("listen", old.listen == service.listen),
            ("publicUrl", old.public_url == service.public_url),
            ("drainDelay", old.drain_delay == service.drain_delay),
            ("drainTimeout", old.drain_timeout == service.drain_timeout),
        ];
        keys.into_iter().filter(|(_, same)| !same).map(|(key, _)| key)
    }

    /// Tells the scheduler, unless the service is ending.
    async fn send(&self, reload: Reload) {
        let _ = self.sender.send(reload).await;
    }
}

/// What the sync needs of a configuration.
fn settings(config: Config, clock: &Clock, zone: TimeZone) -> anyhow::Result<Settings> {
    let Cycle { client, policy, timeout, limits, .. } = cycle(&config, clock)?;
    Ok(Settings {
        client,
        policy,
        timeout,
        limits,
        timetable: Timetable { schedule: config.authentik.schedule, zone },
    })
}

/// What reads Authentik as a configuration says; nothing is sent yet.
///
/// # Errors
/// When the token cannot be sent, or the system's certificates cannot be read.
pub fn cycle(config: &Config, clock: &Clock) -> anyhow::Result<Cycle> {
    Ok(Cycle {
        client: Client::new(config.client_settings(), clock.clone())?,
        policy: Arc::new(config.policy()),
        timeout: config.authentik.schedule.timeout,
        limits: config.service.shrink_guard,
        store: Arc::default(),
        clock: clock.clone(),
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
