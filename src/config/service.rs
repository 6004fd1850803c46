//! The service's own block: where it listens and how it treats Authentik.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use serde::Deserialize;
use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, Error};
use serde_json::Value;
use url::Url;

use super::auth::AuthConfig;
use super::backstage::{self, BackstageConfig};
use super::full_sync::FullSync;
use super::log_format::{self, LogFormat};
use super::shrink_guard::ShrinkGuard;
use super::state_dir::{self, StateDir};
use super::tls::{self, TlsConfig};
use super::{duration, network, scalar};
use crate::catalog::location::LocationPrefix;
use crate::catalog::policy::NamePolicy;

/// The block `entityProvider`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceConfig {
    /// Where the service listens.
    #[serde(deserialize_with = "listen")]
    pub listen: SocketAddr,
    /// In which form the log is written.
    #[serde(deserialize_with = "log_format::read")]
    pub log_format: LogFormat,
    /// The certificate with which it speaks TLS; without one it speaks plain HTTP.
    #[serde(deserialize_with = "tls::section")]
    pub tls: Option<TlsConfig>,
    /// The URL under which Backstage reaches the service, without a trailing slash.
    #[serde(deserialize_with = "public_url")]
    pub public_url: Option<String>,
    /// Peers whose word counts for how a request reached them.
    #[serde(deserialize_with = "network::networks")]
    pub trusted_proxies: Vec<IpNet>,
    /// What the names of shards' locations begin with.
    #[serde(deserialize_with = "network::prefix")]
    pub location_prefix: LocationPrefix,
    /// The tokens of this service, and what is open without one.
    pub auth: AuthConfig,
    /// How names are made.
    #[serde(deserialize_with = "names")]
    pub names: NamePolicy,
    /// Requests in flight to Authentik, 1 to 32.
    #[serde(deserialize_with = "concurrency")]
    pub concurrency: usize,
    /// Rows that one request to Authentik asks for, 1 to 100.
    #[serde(deserialize_with = "page_size")]
    pub page_size: u32,
    /// How long one request to Authentik may take; never zero.
    #[serde(deserialize_with = "duration::positive")]
    pub request_timeout: Duration,
    /// A PEM file with certificates to trust beside the system's.
    #[serde(deserialize_with = "tls::file")]
    pub ca_file: Option<PathBuf>,
    /// When everything is read anew.
    pub full_sync: FullSync,
    /// How far before the last change that was seen changes are asked for; never zero.
    #[serde(deserialize_with = "duration::positive")]
    pub delta_overlap: Duration,
    /// What one run may remove.
    pub shrink_guard: ShrinkGuard,
    /// Time between ready turning 503 and the listener closing.
    #[serde(deserialize_with = "duration::any")]
    pub drain_delay: Duration,
    /// How long requests in flight may take at shutdown.
    #[serde(deserialize_with = "duration::any")]
    pub drain_timeout: Duration,
    /// Which Backstage to tell of changes.
    #[serde(deserialize_with = "backstage::section")]
    pub backstage: Option<BackstageConfig>,
    /// Where the last snapshot is kept for the next start.
    #[serde(deserialize_with = "state_dir::read")]
    pub state_dir: StateDir,
    /// The age at which a snapshot counts as stale and the service as not ready; never zero.
    #[serde(deserialize_with = "max_age")]
    pub max_age: Option<Duration>,
}

impl ServiceConfig {
    /// What URLs of this service begin with.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }
}

impl Default for ServiceConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            log_format: LogFormat::default(),
            tls: None,
            public_url: None,
            trusted_proxies: Vec::new(),
            location_prefix: LocationPrefix::default(),
            auth: AuthConfig::default(),
            names: NamePolicy::default(),
            concurrency: 4,
            page_size: 100,
            request_timeout: Duration::from_secs(30),
            ca_file: None,
            full_sync: FullSync::default(),
            delta_overlap: Duration::from_mins(10),
            shrink_guard: ShrinkGuard::default(),
            drain_delay: Duration::ZERO,
            drain_timeout: Duration::from_secs(10),
            backstage: None,
            state_dir: StateDir::default(),
            max_age: None,
        }
    }
}

fn listen<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    let value = Value::deserialize(deserializer)?;
    let text = value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned);
    address(&text).ok_or_else(|| D::Error::custom(no_address(&scalar::found(&value), &text)))
}

/// Reads an address to listen on, as the key `listen` takes it.
///
/// # Errors
/// Says what was expected instead, with an address that would do.
pub fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    address(text).ok_or_else(|| no_address(&format!("`{text}`"), text))
}

/// An IP address or `localhost`, and a port.
fn address(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    let local = text
        .strip_prefix("localhost:")
        .map(|port| format!("{}:{port}", Ipv4Addr::LOCALHOST));
    local.as_deref().unwrap_or(text).parse().ok()
}

/// What is wrong with a text that is no address, and what would be right.
fn no_address(found: &str, text: &str) -> String {
    let port: u16 = text
        .rsplit(':')
        .next()
        .and_then(|port| port.trim().parse().ok())
        .unwrap_or(8080);
    format!(
        "{found} is not an address to listen on; expected an IP address and a port, \
         such as `127.0.0.1:{port}` or `0.0.0.0:{port}`"
    )
}

fn public_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let text = scalar::text(deserializer)?;
    match Url::parse(text.trim()) {
        // Backstage reads a `*` in a target as a pattern of names.
        Ok(url) if scalar::is_plain(&url) && !url.path().contains('*') => {
            Ok(Some(url.as_str().trim_end_matches('/').to_owned()))
        }
        // The text is not repeated: it may hold a password.
        _ => Err(D::Error::custom(
            "expected an http or https URL without user, query, fragment and `*`, \
             such as `https://entities.example.com`",
        )),
    }
}

fn names<'de, D: Deserializer<'de>>(deserializer: D) -> Result<NamePolicy, D::Error> {
    let text = scalar::text(deserializer)?;
    NamePolicy::deserialize(StrDeserializer::<D::Error>::new(text.trim()))
        .map_err(|_| D::Error::custom(format!("expected `seed` or `backstage`, found `{text}`")))
}

fn concurrency<'de, D: Deserializer<'de>>(deserializer: D) -> Result<usize, D::Error> {
    let requests = scalar::integer(deserializer, 1..=32)?;
    usize::try_from(requests).map_err(D::Error::custom)
}

fn max_age<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    duration::positive(deserializer).map(Some)
}

fn page_size<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    scalar::integer(deserializer, 1..=100)
}
