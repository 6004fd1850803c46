//! Serves the users and groups of an Authentik server to Backstage as catalog entities.
//!
//! Collect → transform → publish → serve; in reading order:
//!
//! - [`directory`]: the users and groups of Authentik, plain data.
//! - [`outbound`]: how requests are sent: trusted certificates, proxies.
//! - [`authentik`]: reads the rows and proves that none is missing.
//! - [`catalog`]: transforms rows into entities: names, hierarchy, memberships, findings.
//! - [`snapshot`]: the immutable snapshot that is served, and the ledger of sync runs.
//! - [`cluster`]: which of several replicas syncs, and how the others follow it.
//! - [`sync`]: one run of a sync, and the schedule of runs.
//! - [`telemetry`]: the log, the metrics of snapshot and ledger, and the export of traces.
//! - [`http`]: serves the snapshot, requests runs through the ledger.
//! - [`server`]: accepts connections, with limits and TLS.
//! - [`backstage`]: requests a refresh of changed locations in Backstage.
//! - [`config`]: the blocks `catalog.providers.authentik` and `entityProvider`.
//! - [`reload`]: detects a changed configuration.
//! - [`app`]: the composition root; [`cli`] calls it.
//!
//! `catalog` and `directory` use no clock, no runtime and no network. `http` and `sync` never import
//! each other; they share `snapshot`, and `app` connects them.

pub mod app;
pub mod atomic_file;
pub mod authentik;
pub mod backstage;
pub mod base_url;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod cluster;
pub mod config;
pub mod counted;
pub mod digest;
pub mod directory;
pub mod http;
pub mod inert;
pub mod instruments;
pub mod jitter;
pub mod outbound;
pub mod progress;
pub mod reload;
pub mod server;
pub mod shutdown;
pub mod snapshot;
pub mod sync;
pub mod telemetry;
pub mod trace;
