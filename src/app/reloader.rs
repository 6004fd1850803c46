//! Applies a changed configuration to the running service.

use std::fmt::Display;
use std::sync::Arc;

use anyhow::bail;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

use super::{cycle, push_settings, timetable};
use crate::backstage::push::PushSettings;
use crate::base_url::BaseUrl;
use crate::clock::Clock;
use crate::cluster::Replica;
use crate::config::{Config, ServiceConfig};
use crate::http::auth::Authorizer;
use crate::http::state::AppState;
use crate::instruments::UpstreamInstruments;
use crate::snapshot::run::Failure;
use crate::sync::cycle::Cycle;
use crate::sync::{Reload, SyncSettings};
use crate::telemetry;

/// Changes the configuration of the running service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reloader {
    sender: mpsc::Sender<Reload>,
    backstage: Arc<watch::Sender<Option<PushSettings>>>,
    clock: Clock,
    zone: TimeZone,
    authorizer: Arc<Authorizer>,
    upstream: UpstreamInstruments,
    initial: ServiceConfig,
    replica: Option<Arc<Replica>>,
    base_url: BaseUrl,
}

impl Reloader {
    /// Returns the handle of a service that started with `initial`.
    pub(super) fn new(
        state: &AppState,
        initial: Config,
        zone: TimeZone,
        sender: mpsc::Sender<Reload>,
        backstage: watch::Sender<Option<PushSettings>>,
        replica: Option<Arc<Replica>>,
    ) -> Self {
        Self {
            sender,
            backstage: Arc::new(backstage),
            clock: state.clock.clone(),
            zone,
            authorizer: Arc::clone(&state.authorizer),
            upstream: state.instruments.upstream.clone(),
            initial: initial.service,
            replica,
            base_url: initial.authentik.base_url,
        }
    }

    /// Applies a configuration, except for the keys that need a restart.
    pub async fn reload(&self, config: Config) {
        for key in self.initial.restart_needed_for(&config.service) {
            tracing::warn!("`{key}` has changed and takes effect after a restart");
        }
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let (auth, log_format) = (config.service.auth.clone(), config.service.log_format);
        let backstage = push_settings(&config.service);
        let shared_settings = config.shared_settings.clone();
        match self
            .settings(&config)
            .and_then(|settings| Ok((settings, backstage?)))
        {
            Ok((settings, backstage)) => {
                telemetry::set_format(log_format);
                self.authorizer.replace(&auth, self.initial.listen);
                self.backstage.send_replace(backstage);
                if let Some(replica) = &self.replica {
                    replica.set_settings(shared_settings).await;
                }
                self.send(Reload::Settings(Box::new(settings))).await;
            }
            Err(error) => self.report_invalid(&error).await,
        }
    }

    /// Reports an invalid configuration; the current one stays in effect.
    pub async fn report_invalid(&self, error: &(impl Display + ?Sized)) {
        let message = format!(
            "the configuration has changed and is invalid, the previous one stays in effect: {error:#}"
        );
        self.send(Reload::Invalid(Failure::new("configuration", message)))
            .await;
    }

    /// Returns the settings of the sync.
    ///
    /// # Errors
    /// If the configuration would allow access without authentication on the public address that the
    /// service listens on since its start, or names another server than the other replicas.
    fn settings(&self, config: &Config) -> anyhow::Result<SyncSettings> {
        config.service.auth.check(self.initial.listen)?;
        if self.replica.is_some() && config.authentik.base_url != self.base_url {
            bail!(
                "`catalog.providers.authentik.baseUrl` cannot change while replicas share \
                 `entityProvider.database`; restart this replica"
            );
        }
        let Cycle {
            client,
            policy,
            pace,
            limits,
            acceptance,
            ..
        } = cycle(config, &self.clock, self.zone.clone(), &self.upstream)?;
        Ok(SyncSettings {
            client,
            policy,
            pace,
            limits,
            acceptance,
            state_dir: config.state_folder(),
            timetable: timetable(config, self.zone.clone()),
        })
    }

    /// Sends a change to the scheduler. Ignored during the shutdown.
    async fn send(&self, reload: Reload) {
        let _ = self.sender.send(reload).await;
    }
}
