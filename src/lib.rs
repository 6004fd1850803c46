//! Serves the users and groups of an Authentik server to Backstage as catalog entities.
//!
//! Collect → transform → publish → serve; in reading order:
//!
//! - [`directory`]: Authentik's rows as they are kept, pure data.
//! - [`authentik`]: reads the rows and proves them complete.
//! - [`catalog`]: makes entities of rows, pure: names, hierarchy, memberships, findings.
//! - [`snapshot`]: what is served, swapped as a whole, and the ledger of the runs that make it.
//! - [`sync`]: one cycle, and when cycles run.
//! - [`telemetry`]: the log, and the metrics made of snapshot and ledger.
//! - [`http`]: answers from the snapshot, asks the ledger for runs.
//! - [`server`]: accepts connections, with limits and TLS.
//! - [`backstage`]: tells Backstage which of its locations changed.
//! - [`config`]: Backstage's own block, and ours.
//! - [`reload`]: notices that the configuration changed.
//! - [`app`]: the only place that puts these together; [`cli`] calls it.
//!
//! `catalog` and `directory` know no clock, no runtime and no network; `http` and `sync` never
//! import each other, they meet in `snapshot` and `app`.

pub mod app;
pub mod atomic_file;
pub mod authentik;
pub mod backstage;
pub mod base_url;
pub mod catalog;
pub mod cli;
pub mod clock;
pub mod config;
pub mod counted;
pub mod digest;
pub mod directory;
pub mod http;
pub mod inert;
pub mod jitter;
pub mod progress;
pub mod reload;
pub mod server;
pub mod shutdown;
pub mod snapshot;
pub mod sync;
pub mod telemetry;
