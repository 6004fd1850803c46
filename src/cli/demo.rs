//! `demo`: the service in front of a fake Authentik, in one process.

use std::collections::BTreeMap;
use std::io::{Write, stdout};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use anyhow::Context;
use clap::Args;
use clap::builder::RangedU64ValueParser;
use tokio::net::TcpListener;

use super::{LogArgs, bind, shutdown};
use crate::app::App;
use crate::base_url::BaseUrl;
use crate::catalog::entity::Kind;
use crate::catalog::shape::Source;
use crate::clock::Clock;
use crate::config::{
    AuthConfig, AuthentikConfig, Config, GroupsConfig, Schedule, ServiceConfig, StateDir,
    parse_listen, time_zone,
};
use crate::counted::counted;
use fake_authentik::{FakeAuthentik, FakeDirectory, Release};

/// Serve generated users and groups of a fake Authentik
#[derive(Debug, Args)]
pub(super) struct DemoArgs {
    /// The number of users to generate
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = RangedU64ValueParser::<usize>::new().range(1..=1_000_000))]
    users: usize,
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080", value_parser = parse_listen)]
    listen: SocketAddr,
    #[command(flatten)]
    pub(super) log: LogArgs,
}

impl DemoArgs {
    /// Serves until a signal.
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let shutdown = shutdown()?;
        let listener = bind(self.listen).await?;
        let authentik = spawn_authentik(self.users).await?;
        introduce(self.users, &authentik, listener.local_addr()?);
        let config = config(&authentik, self.listen);
        App::build(config, Clock::system(), time_zone()?, shutdown)?
            .run(listener)
            .await
    }
}

/// Starts the fake Authentik on loopback. It ends with the process.
async fn spawn_authentik(users: usize) -> anyhow::Result<BaseUrl> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .await
        .context("cannot listen on loopback")?;
    let base_url = BaseUrl::parse(&format!("http://{}", listener.local_addr()?))?;
    let authentik = FakeAuthentik::new(Release::V2026_5, FakeDirectory::generate(users));
    tokio::spawn(async move { authentik.serve(listener, std::future::pending()).await });
    Ok(base_url)
}

/// Returns the configuration that reads the fake Authentik at once.
fn config(authentik: &BaseUrl, listen: SocketAddr) -> Config {
    let mut groups = GroupsConfig::default();
    groups.map.display_name = Source::parse(Kind::Group, "name").into_iter().collect();
    Config {
        authentik: AuthentikConfig {
            base_url: authentik.clone(),
            token: FakeAuthentik::TOKEN.into(),
            exclude_groups: Vec::new(),
            include_service_accounts: false,
            schedule: Schedule {
                initial_delay: Duration::ZERO,
                ..Schedule::default()
            },
        },
        service: ServiceConfig {
            listen,
            // The users are generated, so access on a public address is harmless.
            auth: AuthConfig {
                allow_anonymous: true,
                ..AuthConfig::default()
            },
            state_dir: StateDir::Off,
            groups,
            ..ServiceConfig::default()
        },
        warnings: Vec::new(),
        shared_settings: BTreeMap::new(),
    }
}

/// Prints the URLs to open next.
fn introduce(users: usize, authentik: &BaseUrl, address: SocketAddr) {
    let generated = counted(users, "generated user");
    let text = format!(
        "A fake Authentik with {generated} listens on {authentik}
and this service serves them on http://{address}. Open next:

  http://{address}/                                  a page with everything that it knows
  http://{address}/entities                          what a Backstage url location reads
  http://{address}/entities?kind=group&format=json   only the groups, as a JSON array
  http://{address}/health                            what is served, and how the last run went
  http://{address}/sync                              recent runs
  curl -X POST 'http://{address}/sync?wait=30s'      syncs now and waits for the outcome
  http://{address}/docs/                             the API, to read and to try
  http://{address}/openapi.json                      the OpenAPI description

Stop it with Ctrl-C.
"
    );
    // The pipe may be closed, as in `demo | head`.
    let _ = writeln!(stdout(), "{text}");
}
