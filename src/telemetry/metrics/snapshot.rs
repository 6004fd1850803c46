//! Metrics of the snapshot.

use std::collections::BTreeMap;

use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::Served;
use super::samples::Samples;
use super::switch;
use crate::catalog::entity::Kind;
use crate::catalog::finding::Code;
use crate::snapshot::Snapshot;

/// Registers the metrics of a snapshot.
pub(super) fn register(registry: &mut Registry, served: &Served<'_>) {
    let Served {
        snapshot,
        is_stale,
        is_kept,
    } = served;
    registry.register(
        "entities",
        "Entities in the snapshot that is served",
        entities(snapshot),
    );
    registry.register(
        "findings",
        "Findings about the snapshot that is served",
        findings(snapshot),
    );
    registry.register_with_unit(
        "snapshot_read_timestamp",
        "When the reading of the snapshot that is served began, also before a restart",
        Unit::Seconds,
        ConstGauge::new(snapshot.read_at.as_duration().as_secs_f64()),
    );
    registry.register_with_unit(
        "snapshot_size",
        "Size of the default body of /entities without a content coding",
        Unit::Bytes,
        ConstGauge::new(snapshot.identity().bytes.len()),
    );
    let restored = switch(snapshot.restored);
    registry.register(
        "snapshot_restored",
        "Whether the snapshot was read before the last restart",
        restored,
    );
    registry.register(
        "snapshot_stale",
        "Whether the snapshot is older than maxAge",
        switch(*is_stale),
    );
    if let Some(is_kept) = is_kept {
        registry.register(
            "state_kept",
            "Whether the snapshot is on disk for the next start",
            switch(*is_kept),
        );
    }
}

fn entities(snapshot: &Snapshot) -> Samples<[(&'static str, &'static str); 1], ConstGauge<usize>> {
    let count = |kind: Kind| ConstGauge::new(snapshot.document.count(kind));
    [Kind::Group, Kind::User]
        .into_iter()
        .map(|kind| ([("kind", kind.lower())], count(kind)))
        .collect()
}

/// Counts the findings of each code, including codes without a finding.
fn findings(snapshot: &Snapshot) -> Samples<[(&'static str, String); 1], ConstGauge<usize>> {
    let mut counts = BTreeMap::from(Code::ALL.map(|code| (code, 0)));
    for finding in &*snapshot.findings {
        *counts.entry(finding.code).or_default() += 1;
    }
    counts
        .into_iter()
        .map(|(code, count)| ([("code", code.to_string())], ConstGauge::new(count)))
        .collect()
}
