//! `serve`: the service itself.

use std::net::SocketAddr;

use clap::Args;
use jiff::tz::TimeZone;

use super::{ConfigFiles, LogArgs, bind, shutdown};
use crate::app::App;
use crate::clock::Clock;
use crate::config::{Config, ProcessEnvironment, parse_listen};
use crate::{reload, telemetry};

/// Sync from Authentik on a schedule and serve the entities
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen, whatever files and `ENTITY_PROVIDER_LISTEN` say
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(super) log: LogArgs,
    #[command(flatten)]
    pub(super) config: ConfigFiles,
}

impl Serve {
    /// Serves until a signal; the files before the command come first.
    pub(super) async fn run(self, before: ConfigFiles) -> anyhow::Result<()> {
        let (files, listen) = (before.then(self.config), self.listen);
        let log_format = self.log.log_format;
        let load = move || {
            let mut config = Config::load(&files, &ProcessEnvironment)?;
            let service = &mut config.service;
            service.listen = listen.unwrap_or(service.listen);
            service.log_format = log_format.unwrap_or(service.log_format);
            Ok(config)
        };
        let config = load()?;
        telemetry::set_format(config.service.log_format);
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let shutdown = shutdown()?;
        let app = App::build(
            config.clone(),
            Clock::system(),
            TimeZone::system(),
            shutdown,
        )?;
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
        let watching = reload::watch(load, config, app.reloader());
        tokio::select! {
            ended = app.run(listener) => ended,
            failed = watching => failed,
        }
    }
}
