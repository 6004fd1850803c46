//! Instruments of requests to this service.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;

/// Upper bounds of durations in seconds: a 304 takes less than a millisecond, a first rendition of a large
/// directory seconds, and a client may wait minutes for a run.
const DURATIONS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0];

/// The labels of a request. No label contains a name, a pk or an unknown path.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    /// The pattern of the path, such as `/sync/{id}`.
    pub route: String,
    /// The method.
    pub method: &'static str,
    /// The status of the answer.
    pub status: u16,
    /// The content coding of the answer.
    pub coding: &'static str,
}

/// The label of a route.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// The pattern of the path.
    pub route: String,
}

/// The label of a problem document.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct ProblemLabels {
    /// The code.
    pub code: &'static str,
}

/// Instruments of requests to this service. Clones share their values.
#[derive(Clone, Debug)]
pub struct HttpInstruments {
    /// Answered requests.
    pub requests: Family<RequestLabels, Counter>,
    /// Times until the body of an answer begins, in seconds.
    pub durations: Family<RouteLabels, Histogram>,
    /// Answers with a problem document.
    pub problems: Family<ProblemLabels, Counter>,
}

impl Default for HttpInstruments {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATIONS)),
            problems: Family::default(),
        }
    }
}

impl HttpInstruments {
    /// Records an answer: its labels, the time until its body began, and the code of its problem document.
    pub fn observe(
        &self,
        labels: &RequestLabels,
        duration: Duration,
        problem: Option<&'static str>,
    ) {
        let route = RouteLabels {
            route: labels.route.clone(),
        };
        self.durations
            .get_or_create(&route)
            .observe(duration.as_secs_f64());
        self.requests.get_or_create(labels).inc();
        if let Some(code) = problem {
            self.problems.get_or_create(&ProblemLabels { code }).inc();
        }
    }
}
