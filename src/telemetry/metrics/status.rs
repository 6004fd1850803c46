//! Metrics of the state of the service.

use jiff::Timestamp;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::samples::Samples;
use super::switch;
use crate::snapshot::status::PushTotals;

/// The state of the service.
#[derive(Clone, Copy, Debug)]
pub struct StatusInput {
    /// True if `/health` says `degraded`.
    pub is_degraded: bool,
    /// True if the last run was held.
    pub is_held: bool,
    /// True if a changed configuration is invalid.
    pub has_configuration_error: bool,
    /// When the next scheduled run is due.
    pub next_run_at: Option<Timestamp>,
    /// When the listener's certificate expires; `None` without TLS.
    pub certificate_end: Option<Timestamp>,
    /// The rounds of pushes to Backstage; `None` before the first one.
    pub pushes: Option<PushTotals>,
    /// This process as one of several replicas; `None` without a database.
    pub replica: Option<ReplicaInput>,
}

/// The state of one of several replicas.
#[derive(Clone, Copy, Debug)]
pub struct ReplicaInput {
    /// True if this replica syncs.
    pub is_leader: bool,
    /// True if the database answers.
    pub has_database: bool,
    /// For how long the database has had a newer snapshot than this replica serves.
    pub lag_seconds: f64,
}

/// Registers the metrics of the state.
pub(super) fn register(registry: &mut Registry, status: &StatusInput) {
    for (name, help, is) in [
        (
            "degraded",
            "Whether the health summary says degraded",
            status.is_degraded,
        ),
        (
            "held",
            "Whether the last run was held, so that its changes wait for an operator",
            status.is_held,
        ),
        (
            "configuration_invalid",
            "Whether a changed configuration is invalid, so that the previous one stays in effect",
            status.has_configuration_error,
        ),
    ] {
        registry.register(name, help, switch(is));
    }
    let times = [
        (
            "next_run_timestamp",
            "When the next scheduled run is due",
            status.next_run_at,
        ),
        (
            "certificate_expiry_timestamp",
            "When the certificate of the listener expires",
            status.certificate_end,
        ),
    ];
    for (name, help, at) in times {
        if let Some(at) = at {
            let seconds = at.as_duration().as_secs_f64();
            registry.register_with_unit(name, help, Unit::Seconds, ConstGauge::new(seconds));
        }
    }
    if let Some(replica) = status.replica {
        register_replica(registry, replica);
    }
    if let Some(PushTotals { succeeded, failed }) = status.pushes {
        let counts = [("failed", failed), ("succeeded", succeeded)];
        let samples =
            counts.map(|(outcome, count)| ([("outcome", outcome)], ConstCounter::new(count)));
        registry.register(
            "pushes",
            "Rounds of requests that tell Backstage to refresh changed locations, by outcome",
            samples.into_iter().collect::<Samples<_, _>>(),
        );
    }
}

fn register_replica(registry: &mut Registry, replica: ReplicaInput) {
    let ReplicaInput {
        is_leader,
        has_database,
        lag_seconds,
    } = replica;
    registry.register(
        "leader",
        "Whether this replica syncs for all that share the database",
        switch(is_leader),
    );
    registry.register(
        "database_up",
        "Whether the database that replicas share answers",
        switch(has_database),
    );
    registry.register_with_unit(
        "replica_lag",
        "How long the database has had a newer snapshot than this replica serves",
        Unit::Seconds,
        ConstGauge::new(lag_seconds),
    );
}
