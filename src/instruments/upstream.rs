//! Instruments of requests to Authentik.

use std::time::Duration;

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

/// Upper bounds of durations in seconds. A page of 100 users takes Authentik about a second.
const DURATIONS: [f64; 9] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// Instruments of requests to Authentik. Clones share their values.
#[derive(Clone, Debug)]
pub struct UpstreamInstruments {
    /// Requests that were sent, retries included.
    pub requests: Counter,
    /// Requests that were sent again after a transient error.
    pub retries: Counter,
    /// Rows of users and groups that were received.
    pub rows: Counter,
    /// Bytes of bodies that were received, decompressed.
    pub bytes: Counter,
    /// Durations of requests until the end of the body or an error, in seconds.
    pub durations: Histogram,
}

impl Default for UpstreamInstruments {
    fn default() -> Self {
        Self {
            requests: Counter::default(),
            retries: Counter::default(),
            rows: Counter::default(),
            bytes: Counter::default(),
            durations: Histogram::new(DURATIONS),
        }
    }
}

impl UpstreamInstruments {
    /// Records the end of a request.
    pub fn observe(&self, duration: Duration) {
        self.durations.observe(duration.as_secs_f64());
    }
}
