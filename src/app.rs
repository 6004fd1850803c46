//! The composition root: puts the parts together and supervises them.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use axum::Router;
use jiff::tz::TimeZone;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::authentik::client::Client;
use crate::clock::Clock;
use crate::config::Config;
use crate::http;
use crate::http::state::AppState;
use crate::snapshot::Store;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::renditions::Renditions;
use crate::sync::Scheduler;
use crate::sync::cycle::Cycle;

/// How many bytes of renditions other than the default body are kept.
const KEPT_RENDITIONS: u64 = 256 << 20;

/// The service, ready to run.
#[derive(Debug)]
pub struct App {
    router: Router,
    scheduler: Scheduler,
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
        let (settings, policy) = (config.client_settings(), config.policy());
        let Config { authentik, service, .. } = config;
        let store = Arc::new(Store::default());
        let ledger = Arc::new(Ledger::new(clock.clone()));
        let cycle = Cycle {
            client: Client::new(settings, clock.clone())?,
            policy: Arc::new(policy),
            timeout: authentik.schedule.timeout,
            store: Arc::clone(&store),
            clock: clock.clone(),
        };
        let state = AppState {
            store,
            renditions: Arc::new(Renditions::new(KEPT_RENDITIONS)),
            ledger: Arc::clone(&ledger),
            clock: clock.clone(),
            draining: shutdown.clone(),
        };
        Ok(Self {
            router: http::router(state),
            scheduler: Scheduler { cycle, schedule: authentik.schedule, ledger, clock, zone },
            shutdown,
            drain_delay: service.drain_delay,
            drain_timeout: service.drain_timeout,
        })
    }

    /// Serves and syncs until shutdown, then lets requests in flight end under a deadline.
    ///
    /// # Errors
    /// When the server or the scheduler ends although nobody asked for it.
    pub async fn run(self, listener: TcpListener) -> anyhow::Result<()> {
        let Self { router, scheduler, shutdown, drain_delay, drain_timeout } = self;
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
