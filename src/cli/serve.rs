//! `serve`: the service itself.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use clap::Args;

use super::{ConfigFiles, bind, shutdown};
use crate::app::{App, unusable};
use crate::clock::Clock;
use crate::config::{Config, Examined, ProcessEnvironment, parse_listen, time_zone};
use crate::reload;

/// The variable that the flag stands in for.
const LISTEN: &str = "ENTITY_PROVIDER_LISTEN";

/// Sync from Authentik on a schedule and serve the entities
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen, whatever files and `ENTITY_PROVIDER_LISTEN` say
    #[arg(long, value_name = "ADDR", value_parser = parse_listen)]
    listen: Option<SocketAddr>,
    #[command(flatten)]
    pub(super) config: ConfigFiles,
}

impl Serve {
    /// Serves until a signal; the files before the command come first.
    pub(super) async fn run(self, before: ConfigFiles) -> anyhow::Result<()> {
        let files = before.then(self.config);
        let flags = self
            .listen
            .map(|listen| (LISTEN.to_owned(), listen.to_string()));
        let env = (BTreeMap::from_iter(flags), ProcessEnvironment);
        let zone = time_zone();
        let config = Examined::load(&files, &env).into_startable(|service, config| {
            let zone = zone.as_ref().err().map(ToString::to_string);
            zone.into_iter().chain(unusable(service, config)).collect()
        })?;
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let shutdown = shutdown()?;
        let app = App::build(config.clone(), Clock::system(), zone?, shutdown)?;
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
        let load = move || Config::load(&files, &env);
        let watching = reload::watch(load, config, app.reloader());
        tokio::select! {
            ended = app.run(listener) => ended,
            failed = watching => failed,
        }
    }
}
