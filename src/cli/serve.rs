//! `serve`: the service itself.

use std::net::SocketAddr;
use std::path::Path;

use clap::Args;

use super::{bind, run, shutdown};
use crate::config::{Config, ProcessEnvironment, parse_listen};

/// An address; none where the variable is set to nothing.
type Given = Option<SocketAddr>;

/// Sync from Authentik on a schedule and serve the entities
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Where to listen, whatever the configuration says
    #[arg(long, value_name = "ADDR", env = "ENTITY_PROVIDER_LISTEN", value_parser = parse_given)]
    listen: Option<Given>,
}

impl Serve {
    /// Serves until a signal.
    pub(super) async fn run(self, file: Option<&Path>) -> anyhow::Result<()> {
        let mut config = Config::load(file, &ProcessEnvironment)?;
        config.service.listen = self.listen.flatten().unwrap_or(config.service.listen);
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

/// Reads an address to listen on; an empty variable counts as unset, as everywhere.
fn parse_given(text: &str) -> Result<Given, String> {
    (!text.is_empty()).then(|| parse_listen(text)).transpose()
}
