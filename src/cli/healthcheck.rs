//! `healthcheck`: asks the running service whether it is ready, for a container without a shell.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::Value;

use super::ConfigFiles;
use super::output::print;
use super::service::{Service, cause};
use crate::config::{Config, ProcessEnvironment};

/// Shorter than what container engines wait by default.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Ask the running service whether it is ready; exits with 0 if it is
#[derive(Debug, Args)]
pub(super) struct Healthcheck {
    /// Where the service answers, with or without `/health/ready`; by default where the configuration lets
    /// it listen
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    config: ConfigFiles,
}

impl Healthcheck {
    /// Asks once.
    pub(super) async fn run(self, before: ConfigFiles) -> anyhow::Result<()> {
        let is_own = self.url.is_none();
        let base = match self.url {
            Some(url) => url,
            None => configured(&before.then(self.config))?,
        };
        let address = Service::address_of(&base, "/health/ready")?;
        let url = Service::shown(address.as_str());
        let answer = client(is_own)?.get(address).send().await.map_err(cause);
        let answer = answer.with_context(|| format!("not ready: {url} does not answer"))?;
        if answer.status().is_success() {
            return print(format!("ready: {url}\n"));
        }
        bail!("not ready: {url} answers {}", told(answer).await)
    }
}

/// Where the service answers that was started with the same configuration.
fn configured(files: &[PathBuf]) -> anyhow::Result<String> {
    let service = Config::load_service(files, &ProcessEnvironment)?;
    Ok(Service::url_of(&service))
}

/// A client that uses no proxy and follows no redirect. Of the configured address it takes any certificate:
/// it names another host, nothing is told to whoever answers, and the answer is one bit.
fn client(is_own: bool) -> anyhow::Result<Client> {
    // A second call finds the provider installed, which is just as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .tls_danger_accept_invalid_certs(is_own)
        .build()?)
}

/// The status, and what a problem document says.
async fn told(answer: Response) -> String {
    let status = answer.status();
    let body = answer.bytes().await.unwrap_or_default();
    let problem: Value = serde_json::from_slice(&body).unwrap_or_default();
    let detail = problem["detail"]
        .as_str()
        .map(|detail| detail.replace(char::is_control, " "));
    detail.map_or_else(
        || status.to_string(),
        |detail| format!("{status}: {detail}"),
    )
}
