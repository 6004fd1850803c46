//! Every metric, named once. Figures are taken from what there is when somebody asks, so that none is kept
//! twice, and no label holds a word of the directory.

mod runs;
mod samples;
mod snapshot;
mod text_format;

use std::fmt;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use crate::snapshot::Snapshot;
use crate::snapshot::run::Run;
use crate::snapshot::totals::Totals;

/// What the name of every metric begins with.
const PREFIX: &str = "authentik_entity_provider";

/// How metrics are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exposition {
    /// Prometheus' text format 0.0.4, which every scraper reads.
    Text,
    /// `OpenMetrics` 1.0.0.
    OpenMetrics,
}

impl Exposition {
    /// What a scraper must be told of the format.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Where the figures come from.
#[derive(Debug)]
pub struct Sources<'a> {
    /// What is served, and what is to be known of it.
    pub served: Option<Served<'a>>,
    /// The run that ended last.
    pub last_run: Option<&'a Run>,
    /// What was counted of the runs since the start.
    pub totals: &'a Totals,
}

/// The snapshot that is served.
#[derive(Debug)]
pub struct Served<'a> {
    /// The snapshot.
    pub snapshot: &'a Snapshot,
    /// Whether it is older than the operator allows.
    pub is_stale: bool,
    /// Whether it is on disk; none while snapshots are not kept.
    pub is_kept: Option<bool>,
}

/// All metrics as text.
///
/// # Errors
/// When a figure is too large to be written.
pub fn text(sources: &Sources<'_>, exposition: Exposition) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix(PREFIX);
    let version = [("version", env!("CARGO_PKG_VERSION"))];
    registry.register("build", "This program", Info::new(version));
    runs::register(&mut registry, sources.totals, sources.last_run);
    if let Some(served) = &sources.served {
        snapshot::register(&mut registry, served);
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(match exposition {
        Exposition::Text => text_format::of(&text),
        Exposition::OpenMetrics => text,
    })
}
