//! `healthcheck`: requests the readiness of the running service, for a container without a shell.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::Args;
use reqwest::redirect::Policy;
use reqwest::{Client, Response};
use serde_json::Value;

use super::ConfigFiles;
use super::output::print;
use super::service::{ServiceClient, cause};
use crate::config::{Config, ProcessEnvironment};

/// The time limit of the request; shorter than the default of container engines.
const TIMEOUT: Duration = Duration::from_secs(3);

/// Test whether the running service is ready; exits with 0 if it is
#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// The URL of the service, with or without `/health/ready`; by default the listen address of the
    /// configuration
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    config: ConfigFiles,
}

impl HealthcheckArgs {
    /// Sends one request.
    pub(super) async fn run(self, before: ConfigFiles) -> anyhow::Result<()> {
        let is_own = self.url.is_none();
        let base = match self.url {
            Some(url) => url,
            None => configured(&before.then(self.config))?,
        };
        let address = ServiceClient::address_of(&base, "/health/ready")?;
        let url = ServiceClient::shown(address.as_str());
        let answer = client(is_own)?.get(address).send().await.map_err(cause);
        let answer = answer.with_context(|| format!("not ready: {url} does not answer"))?;
        if answer.status().is_success() {
            return print(format!("ready: {url}\n"));
        }
        bail!("not ready: {url} answers {}", describe(answer).await)
    }
}

/// Returns the URL of a service with the same configuration.
fn configured(files: &[PathBuf]) -> anyhow::Result<String> {
    let service = Config::load_service(files, &ProcessEnvironment)?;
    Ok(ServiceClient::url_of(&service))
}

/// Returns a client that uses no proxy and follows no redirect. For the configured address it accepts any
/// certificate: the certificate names another host, the request has no secret, and only the status matters.
fn client(is_own: bool) -> anyhow::Result<Client> {
    // An error means that a provider is already installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Ok(Client::builder()
        .no_proxy()
        .redirect(Policy::none())
        .timeout(TIMEOUT)
        .tls_danger_accept_invalid_certs(is_own)
        .build()?)
}

/// Returns the status, and the detail of a problem document.
async fn describe(answer: Response) -> String {
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
