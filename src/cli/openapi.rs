//! `openapi`: the description of the HTTP side.

use clap::Args;

use super::output::Destination;
use crate::http::endpoints::openapi;

/// Print the OpenAPI description of what the service answers
#[derive(Debug, Args)]
pub(super) struct Openapi {
    #[command(flatten)]
    destination: Destination,
}

impl Openapi {
    /// Prints it as it is served.
    pub(super) fn run(self) -> anyhow::Result<()> {
        self.destination.write(openapi::text())
    }
}
