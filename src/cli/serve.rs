//! `serve`: the service itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use clap::Args;

use super::{ConfigFiles, LogArgs, bind, shutdown, systemd};
use crate::app::{App, start_errors};
use crate::clock::Clock;
use crate::config::{Config, LogFormat, ParsedConfig, ProcessEnvironment, parse_listen, time_zone};
use crate::{reload, telemetry};

/// The variable that `--listen` overrides.
const LISTEN: &str = "ENTITY_PROVIDER_LISTEN";

/// Sync from Authentik on a schedule and serve the entities
#[derive(Debug, Args)]
pub(super) struct ServeArgs {
    /// The address to listen on; overrides files and `ENTITY_PROVIDER_LISTEN`
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(super) log: LogArgs,
    #[command(flatten)]
    pub(super) config: ConfigFiles,
}

impl ServeArgs {
    /// Returns the flags that override variables, by variable.
    fn flags(&self) -> BTreeMap<String, String> {
        let listen = self.listen.map(|listen| listen.to_string());
        let format = self.log.log_format.map(|format| format.to_string());
        let flags = [(LISTEN, listen), (LogFormat::VARIABLE, format)];
        let given = flags
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value?)));
        given.collect()
    }

    /// Serves until a signal; the files before the command come first.
    pub(super) async fn run(self, before: ConfigFiles) -> anyhow::Result<()> {
        let env = (self.flags(), ProcessEnvironment);
        let files = before.then(self.config);
        let zone = time_zone();
        let config = ParsedConfig::load(&files, &env).into_startable(|service, config| {
            let zone = zone.as_ref().err().map(ToString::to_string);
            zone.into_iter()
                .chain(start_errors(service, config))
                .collect()
        })?;
        telemetry::set_format(config.service.log_format);
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let shutdown = shutdown()?;
        let app = App::build(config.clone(), Clock::system(), zone?, shutdown.clone())?;
        let listener = bind(config.service.listen).await?;
        let address = listener.local_addr()?;
        let service = &config.service;
        let own = || format!("{}://{address}", service.scheme());
        let public = service.public_url.clone().unwrap_or_else(own);
        let state_dir = config.service.state_dir.folder();
        let state_dir = state_dir.map_or("off".to_owned(), |folder| folder.display().to_string());
        tracing::info!(
            %address, %state_dir, authentik = %config.authentik.base_url, target = %format!("{public}/entities"),
            version = env!("CARGO_PKG_VERSION"), "listening"
        );
        tokio::spawn(systemd::report(shutdown));
        let load = move || Config::load(&files, &env);
        let watching = reload::watch(load, config, app.reloader());
        tokio::select! {
            ended = app.run(listener) => ended,
            failed = watching => failed,
        }
    }
}
