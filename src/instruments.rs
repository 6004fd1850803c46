//! Counters and histograms that other modules update; `telemetry::metrics` exposes them.
//!
//! Values that follow from the snapshot or the ledger are no instruments: they are computed at each scrape.

mod http;
mod upstream;

pub use http::{HttpInstruments, RequestLabels};
pub use upstream::UpstreamInstruments;

/// All instruments of the service. Clones share their values.
#[derive(Clone, Debug, Default)]
pub struct Instruments {
    /// Requests to Authentik.
    pub upstream: UpstreamInstruments,
    /// Requests to this service.
    pub http: HttpInstruments,
}
