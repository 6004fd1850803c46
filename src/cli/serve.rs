//! `serve`: the service itself.

use std::net::SocketAddr;

use clap::Args;

use super::{ConfigFiles, bind, run, shutdown};
use crate::config::{Config, ProcessEnvironment, parse_listen};

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
        let mut config = Config::load(&before.then(self.config), &ProcessEnvironment)?;
        config.service.listen = self.listen.unwrap_or(config.service.listen);
        for warning in &config.warnings {
            tracing::warn!("{warning}");
        }
        let shutdown = shutdown()?;
        let listener = bind(config.service.listen).await?;
        let address = listener.local_addr()?;
        let public = config.service.public_url.clone().unwrap_or_else(|| format!("http://{address}"));
        tracing::info!(
            %address, authentik = %config.authentik.base_url, target = %format!("{public}/entities"),
            version = env!("CARGO_PKG_VERSION"), "listening"
        );
        run(config, listener, shutdown).await
    }
}
