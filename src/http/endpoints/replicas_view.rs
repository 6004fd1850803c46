//! The replicas that share a database, in JSON.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::snapshot::replicas::ReplicaState;

/// The replicas that share a database.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReplicasView {
    /// The id of this replica.
    #[schema(value_type = String)]
    id: Uuid,
    /// Whether this replica syncs.
    is_leader: bool,
    /// Why the database cannot be used. This replica serves its last snapshot, and no run starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    database_error: Option<String>,
    /// For how many seconds the database has had a newer snapshot than this replica serves.
    #[schema(minimum = 0)]
    lag_seconds: i64,
    /// The configured keys whose values differ between replicas.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    differing_settings: Vec<DifferingSettingView>,
    /// The live replicas, the oldest first.
    live: Vec<ReplicaView>,
}

/// A replica that has written to the database within the last seconds.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ReplicaView {
    /// The id of the process.
    #[schema(value_type = String)]
    id: Uuid,
    /// The host that it runs on.
    host: String,
    /// Its version of this service.
    release: String,
    /// The version of the snapshot that it serves.
    snapshot_version: i64,
    /// Whether it reports ready.
    is_ready: bool,
    /// Whether it syncs.
    is_leader: bool,
}

/// A key that is not configured equally at all replicas.
#[derive(Debug, Serialize, ToSchema)]
struct DifferingSettingView {
    /// The key.
    key: String,
    /// The hosts with another value than this replica.
    hosts: Vec<String>,
}

impl ReplicasView {
    /// Describes the replicas at a time.
    pub(super) fn of(state: &ReplicaState, now: Timestamp) -> Self {
        let differing = state.differing_settings().into_iter();
        let live = state.replicas.iter().map(|replica| ReplicaView {
            id: replica.id,
            host: replica.host.clone(),
            release: replica.release.clone(),
            snapshot_version: replica.version,
            is_ready: replica.is_ready,
            is_leader: state.leader == Some(replica.id),
        });
        Self {
            id: state.id,
            is_leader: state.is_leader(),
            database_error: state.database_error.clone(),
            lag_seconds: state.lag(now).as_secs(),
            differing_settings: differing
                .map(|(key, hosts)| DifferingSettingView {
                    key: key.to_owned(),
                    hosts: hosts.into_iter().map(str::to_owned).collect(),
                })
                .collect(),
            live: live.collect(),
        }
    }
}
