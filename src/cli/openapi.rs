//! `openapi`: the description of the HTTP side.

use clap::Args;

use super::print;
use crate::http::endpoints::openapi;

/// Print the OpenAPI description of what the service answers
#[derive(Debug, Args)]
pub(super) struct Openapi {}

impl Openapi {
    /// Prints it as it is served.
    #[expect(clippy::unused_self, reason = "every command is called alike")]
    pub(super) fn run(self) -> anyhow::Result<()> {
        print(openapi::text().as_bytes())
    }
}
