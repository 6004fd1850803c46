//! Metrics of runs.

use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::samples::Samples;
use crate::snapshot::run::Run;
use crate::snapshot::totals::Totals;

/// Registers the metrics of runs. Every counter exists from the start, so that its first increase is visible.
pub(super) fn register(registry: &mut Registry, totals: &Totals, last: Option<&Run>) {
    let counts = totals.runs().map(|((outcome, mode), count)| {
        (
            [("mode", mode), ("outcome", outcome)],
            ConstCounter::new(count),
        )
    });
    registry.register(
        "runs",
        "Runs that ended since the start, by how they ended and how they read Authentik, if they did",
        counts.collect::<Samples<_, _>>(),
    );
    let failures = totals.failures();
    let failures =
        failures.map(|(code, count)| ([("code", code.to_owned())], ConstCounter::new(count)));
    registry.register(
        "run_failures",
        "Runs that failed or were held, by the code of the reason",
        failures.collect::<Samples<_, _>>(),
    );
    let durations = totals.durations();
    let durations = durations.map(|(mode, durations)| ([("mode", mode)], durations.clone()));
    registry.register_with_unit(
        "run_duration",
        "How long runs took, by how they read Authentik",
        Unit::Seconds,
        durations.collect::<Samples<_, _>>(),
    );
    let succeeded_at = totals
        .succeeded_at()
        .map_or(0.0, |at| at.as_duration().as_secs_f64());
    registry.register_with_unit(
        "last_success_timestamp",
        "When a run that read Authentik succeeded the last time; 0 before the first one since the start",
        Unit::Seconds,
        ConstGauge::new(succeeded_at),
    );
    if let Some(seconds) = last.and_then(Run::duration_seconds) {
        registry.register_with_unit(
            "last_run_duration",
            "How long the run took that ended last",
            Unit::Seconds,
            ConstGauge::new(seconds),
        );
    }
}
