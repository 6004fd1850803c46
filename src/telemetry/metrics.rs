//! All metrics, each named once. Values are computed from the current state at each scrape. No label contains
//! data of the directory.

mod http;
mod process;
mod runs;
mod samples;
mod snapshot;
mod status;
mod text_format;
mod upstream;

use std::fmt;

use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::instruments::Instruments;
use crate::snapshot::Snapshot;
use crate::snapshot::run::Run;
use crate::snapshot::totals::Totals;
pub use status::{ReplicaInput, StatusInput};

/// The prefix of every metric name.
const PREFIX: &str = "authentik_entity_provider";

/// The format of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus' text format 0.0.4, which every scraper supports.
    Text,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
}

impl Exposition {
    /// Returns the media type of the format.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// The state from which the values are computed.
#[derive(Debug)]
pub struct MetricsInput<'a> {
    /// The snapshot, if there is one.
    pub served: Option<Served<'a>>,
    /// The run that ended last.
    pub last_run: Option<&'a Run>,
    /// The counts of runs since the start.
    pub totals: &'a Totals,
    /// The state of the service.
    pub status: StatusInput,
    /// The counters and histograms.
    pub instruments: &'a Instruments,
}

/// The current snapshot and its status.
#[derive(Debug)]
pub struct Served<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// True if it is older than `maxAge`.
    pub is_stale: bool,
    /// True if it is in the state file; `None` without persistence.
    pub is_kept: Option<bool>,
}

/// Returns all metrics as text.
///
/// # Errors
/// If a value is too large for its type.
pub fn text(input: &MetricsInput<'_>, exposition: Exposition) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix(PREFIX);
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    registry.register("build", "This program", Info::new(version));
    status::register(&mut registry, &input.status);
    runs::register(&mut registry, input.totals, input.last_run);
    upstream::register(&mut registry, &input.instruments.upstream);
    http::register(&mut registry, &input.instruments.http);
    if let Some(served) = &input.served {
        snapshot::register(&mut registry, served);
    }
    let mut text = String::new();
    encode_registry(&mut text, &registry)?;
    let mut process = Registry::default();
    process::register(&mut process);
    encode_registry(&mut text, &process)?;
    encode_eof(&mut text)?;
    Ok(match exposition {
        Exposition::Text => text_format::of(&text),
        Exposition::OpenMetrics => text,
    })
}

/// Returns 1 for true and 0 for false.
fn switch(is: bool) -> ConstGauge<u32> {
    ConstGauge::new(u32::from(is))
}
