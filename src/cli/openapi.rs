//! `openapi`: the description of the HTTP API.

use clap::Args;

use super::output::Destination;
use crate::http::endpoints::openapi;

/// Print the OpenAPI description of the HTTP API
#[derive(Debug, Args)]
pub(super) struct OpenapiArgs {
    #[command(flatten)]
    destination: Destination,
}

impl OpenapiArgs {
    /// Prints the same bytes as `GET /openapi.json`.
    pub(super) fn run(self) -> anyhow::Result<()> {
        self.destination.write(openapi::text())
    }
}
