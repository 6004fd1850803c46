//! The service's own block, `entityProvider`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::auth::AuthConfig;
use super::backstage::BackstageConfig;
use super::database::DatabaseConfig;
use super::duration::{duration, positive_duration};
use super::full_sync::FullSync;
use super::keys::{self, SERVICE, ValueKind};
use super::log_format::{LogFormat, log_format};
use super::network::{location_prefix, networks};
use super::scalar::{self, choice, file, integer};
use super::section::{Section, all_or_none, defaults, from_environment, nested, section};
use super::setting::{InvalidValue, Setting};
use super::shape::{GroupsConfig, UsersConfig};
use super::shape_values::namespace;
use super::shrink_guard::ShrinkGuard;
use super::state_dir::{StateDir, state_dir};
use super::tls::TlsConfig;
use crate::catalog::location::LocationPrefix;
use crate::catalog::policy::NamePolicy;
use crate::catalog::shape::{Membership, Namespace, Shape};
use crate::outbound::proxy::Proxies;

section! {
    /// The block `entityProvider`.
    pub struct ServiceConfig {
        /// The listen address: an IP address (or `localhost`) and a port.
        listen: SocketAddr = listen().default("127.0.0.1:8080").after_restart(),
        /// The format of the log: `auto` writes text on a terminal and JSON otherwise. `--log-format` overrides it.
        log_format: LogFormat = log_format().default("auto"),
        /// The certificate of the listener; without one it speaks plain HTTP.
        tls: Option<TlsConfig> = all_or_none("set both, or none to speak no TLS"),
        /// The URL at which Backstage reaches the service; the targets of `/locations` start with it.
        public_url: Option<String> = public_url().optional().after_restart(),
        /// IP networks of the proxies whose `X-Forwarded-Host`, `-Prefix` and `-Proto` are used.
        trusted_proxies: Vec<IpNet> = networks().default("[]").after_restart(),
        /// The prefix of the names of the locations in `/locations`.
        location_prefix: LocationPrefix = location_prefix().default("authentik").after_restart(),
        /// The tokens of this service, and access without a token.
        auth: AuthConfig = nested(),
        /// How names are made: exactly as by the npm module (`npm-module`), with a repair of names that
        /// Backstage would reject (`backstage`), or also with one `-` for each run of them (`slug`).
        names: NamePolicy = names().default("npm-module"),
        /// `metadata.namespace` of all entities.
        namespace: Namespace = namespace().default("default"),
        /// The shape of users.
        users: UsersConfig = nested(),
        /// The shape of groups.
        groups: GroupsConfig = nested(),
        /// Which groups a user belongs to: those that list the user (`direct`), or also every group above them
        /// (`transitive`).
        membership: Membership = choice(&[
            ("direct", Membership::Direct), ("transitive", Membership::Transitive),
        ]).default("direct"),
        /// The maximum number of concurrent requests to Authentik.
        concurrency: usize = integer(1, 32).default("4"),
        /// The number of rows in one request to Authentik.
        page_size: u32 = integer(1, 100).default("100"),
        /// The time limit of one request to Authentik; longer than zero.
        request_timeout: Duration = positive_duration().default("{seconds: 30}"),
        /// A PEM file with additional certificates to trust for Authentik; read at the start, with each
        /// changed configuration and on SIGHUP.
        ca_file: Option<PathBuf> = file().optional(),
        /// The proxies of the environment.
        proxies: Proxies = from_environment(),
        /// When a full sync runs.
        full_sync: FullSync = nested(),
        /// How far before the last known change an incremental sync starts: longer than the sum of Authentik's
        /// longest transaction, twice the difference of its servers' clocks, and the lag of its database
        /// replicas.
        incremental_overlap: Duration = positive_duration().default("{minutes: 10}"),
        /// The limits for what one run may remove.
        shrink_guard: ShrinkGuard = nested(),
        /// How long the service still answers at shutdown after it reports not ready.
        drain_delay: Duration = duration().default("{seconds: 0}").after_restart(),
        /// How long requests in progress may take at shutdown.
        drain_timeout: Duration = duration().default("{seconds: 10}").after_restart(),
        /// The Backstage that is notified of changes.
        backstage: Option<BackstageConfig> =
            all_or_none("set all three, or none to leave Backstage to its polling"),
        /// The database that several replicas share.
        database: Option<DatabaseConfig> = all_or_none("set it, or leave the section out"),
        /// The directory of the last snapshot, which a restart loads. Default: `$STATE_DIRECTORY`, or
        /// `authentik-entity-provider` in `$XDG_STATE_HOME`, or in `~/.local/state`. Not used with a database.
        state_dir: StateDir = state_dir().absent(StateDir::default),
        /// The age of the snapshot at which the service reports not ready; longer than zero.
        max_age: Option<Duration> = positive_duration().optional().after_restart(),
    }
}

impl Default for ServiceConfig {
    fn default() -> Self {
        defaults()
    }
}

impl ServiceConfig {
    /// Returns the scheme of the service's URLs.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Returns the shape of all entities.
    pub(super) fn shape(&self) -> Shape {
        Shape {
            namespace: self.namespace.clone(),
            users: self.users.shape(),
            groups: self.groups.shape(),
            membership: self.membership,
        }
    }

    /// Returns the paths of changed keys that take effect after a restart only.
    #[must_use]
    pub fn restart_needed_for(&self, new: &Self) -> Vec<String> {
        let mut changed = self.changed(new, SERVICE);
        changed.retain(|path| keys::needs_restart(path));
        changed
    }
}

fn listen() -> Setting<SocketAddr> {
    Setting::new(ValueKind::Address, |value| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        address(&text).ok_or_else(|| InvalidValue::new(address_error(&scalar::found(value), &text)))
    })
}

/// Parses a listen address.
///
/// # Errors
/// If it is not an IP address (or `localhost`) and a port; the message has a valid example.
pub fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    address(text).ok_or_else(|| address_error(&format!("`{text}`"), text))
}

/// Parses an IP address or `localhost`, and a port.
fn address(text: &str) -> Option<SocketAddr> {
    let text = text.trim();
    let local = text
        .strip_prefix("localhost:")
        .map(|port| format!("{}:{port}", Ipv4Addr::LOCALHOST));
    local.as_deref().unwrap_or(text).parse().ok()
}

/// Returns the error for an invalid address.
fn address_error(found: &str, text: &str) -> String {
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

fn public_url() -> Setting<String> {
    Setting::new(ValueKind::Url, |value| {
        let text = scalar::text(value)?;
        match Url::parse(text.trim()) {
            // Backstage treats a `*` in a target as a pattern.
            Ok(url) if scalar::is_plain(&url) && !url.path().contains('*') => {
                Ok(url.as_str().trim_end_matches('/').to_owned())
            }
            // The error does not contain the text, which may contain a password.
            _ => Err(InvalidValue::new(
                "expected an http or https URL without user, query, fragment and `*`, \
                 such as `https://entities.example.com`",
            )),
        }
    })
}

fn names() -> Setting<NamePolicy> {
    choice(&[
        ("npm-module", NamePolicy::NpmModule),
        ("backstage", NamePolicy::Backstage),
        ("slug", NamePolicy::Slug),
    ])
}
