//! The service's own block: where it listens and how it treats Authentik.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use ipnet::IpNet;
use url::Url;

use super::auth::AuthConfig;
use super::backstage::BackstageConfig;
use super::duration::{duration, positive_duration};
use super::full_sync::FullSync;
use super::keys::{self, Kind, SERVICE};
use super::log_format::{LogFormat, log_format};
use super::network::{location_prefix, networks};
use super::scalar::{self, choice, file, integer};
use super::section::{Section, defaults, from_environment, nested, section, together};
use super::setting::{Refusal, Setting};
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
        /// Where the service listens: an IP address (or `localhost`) and a port.
        listen: SocketAddr = listen().default("127.0.0.1:8080").after_restart(),
        /// The form of the log: `auto` writes text on a terminal and JSON elsewhere. `--log-format` overrides it.
        log_format: LogFormat = log_format().default("auto"),
        /// The certificate with which it speaks TLS; without one it speaks plain HTTP.
        tls: Option<TlsConfig> = together("set both, or none to speak no TLS"),
        /// The URL under which Backstage reaches the service; the targets of `/locations` begin with it.
        public_url: Option<String> = public_url().optional().after_restart(),
        /// IP networks of the proxies whose `X-Forwarded-Host`, `-Prefix` and `-Proto` count.
        trusted_proxies: Vec<IpNet> = networks().default("[]").after_restart(),
        /// What the names of the locations in `/locations` begin with.
        location_prefix: LocationPrefix = location_prefix().default("authentik").after_restart(),
        /// The tokens of this service, and what is open without one.
        auth: AuthConfig = nested(),
        /// How names are made: exactly as the npm module made them (`npm-module`), with every name repaired
        /// that Backstage would refuse (`backstage`), or in addition with one `-` for each run of them (`slug`).
        names: NamePolicy = names().default("npm-module"),
        /// `metadata.namespace` of all entities.
        namespace: Namespace = namespace().default("default"),
        /// What becomes of users.
        users: UsersConfig = nested(),
        /// What becomes of groups.
        groups: GroupsConfig = nested(),
        /// Which groups a user belongs to: those that list the user (`direct`), or also every group above them
        /// (`transitive`).
        membership: Membership = choice(&[
            ("direct", Membership::Direct), ("transitive", Membership::Transitive),
        ]).default("direct"),
        /// How many requests to Authentik are in flight at once.
        concurrency: usize = integer(1, 32).default("4"),
        /// How many rows one request to Authentik asks for.
        page_size: u32 = integer(1, 100).default("100"),
        /// How long one request to Authentik may take; longer than zero.
        request_timeout: Duration = positive_duration().default("{seconds: 30}"),
        /// A PEM file with certificates to trust for Authentik beside the system's; read at the start and
        /// with each changed configuration or SIGHUP.
        ca_file: Option<PathBuf> = file().optional(),
        /// The proxies that the environment names, as every program reads them.
        proxies: Proxies = from_environment(),
        /// When everything is read by a full sync.
        full_sync: FullSync = nested(),
        /// How far before the last change that was seen an incremental sync begins: longer than Authentik's
        /// longest transaction, twice the difference of its servers' clocks, and how far a replica of its
        /// database may be behind, together.
        incremental_overlap: Duration = positive_duration().default("{minutes: 10}"),
        /// What one run may remove.
        shrink_guard: ShrinkGuard = nested(),
        /// How long the service still answers at shutdown after it calls itself not ready.
        drain_delay: Duration = duration().default("{seconds: 0}").after_restart(),
        /// How long requests in flight may take at shutdown.
        drain_timeout: Duration = duration().default("{seconds: 10}").after_restart(),
        /// Which Backstage to tell of changes.
        backstage: Option<BackstageConfig> =
            together("set all three, or none to leave Backstage to its polling"),
        /// Where the last snapshot is kept for the next start; without the key in `$STATE_DIRECTORY`,
        /// else in `authentik-entity-provider` below `$XDG_STATE_HOME`, else below `~/.local/state`.
        state_dir: StateDir = state_dir().absent(StateDir::default),
        /// How old the snapshot may be before the service calls itself not ready; longer than zero.
        max_age: Option<Duration> = positive_duration().optional().after_restart(),
    }
}

impl Default for ServiceConfig {
    fn default() -> Self {
        defaults()
    }
}

impl ServiceConfig {
    /// What URLs of this service begin with.
    #[must_use]
    pub fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// The shape of all entities.
    pub(super) fn shape(&self) -> Shape {
        Shape {
            namespace: self.namespace.clone(),
            users: self.users.shape(),
            groups: self.groups.shape(),
            membership: self.membership,
        }
    }

    /// The paths of the keys that differ and take effect after a restart only.
    #[must_use]
    pub fn restart_needed_for(&self, new: &Self) -> Vec<String> {
        let mut changed = self.changed(new, SERVICE);
        changed.retain(|path| keys::needs_restart(path));
        changed
    }
}

fn listen() -> Setting<SocketAddr> {
    Setting::new(Kind::Address, |value| {
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        address(&text).ok_or_else(|| Refusal::new(no_address(&scalar::found(value), &text)))
    })
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

fn public_url() -> Setting<String> {
    Setting::new(Kind::Url, |value| {
        let text = scalar::text(value)?;
        match Url::parse(text.trim()) {
            // Backstage reads a `*` in a target as a pattern of names.
            Ok(url) if scalar::is_plain(&url) && !url.path().contains('*') => {
                Ok(url.as_str().trim_end_matches('/').to_owned())
            }
            // The text is not repeated: it may hold a password.
            _ => Err(Refusal::new(
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
