//! The replicas: each writes its row regularly, and reads those of the others.

use std::collections::BTreeMap;

use jiff::Timestamp;
use sqlx::types::Json;
use uuid::Uuid;

use super::database::{Database, DatabaseError, LIMIT, within};
use crate::snapshot::replicas::LiveReplica;

/// A replica that has not written its row for so long has ended or is cut off.
const LIVE_SECONDS: f64 = 10.0;

/// A row of the replicas.
type Row = (
    Uuid,
    String,
    String,
    i64,
    bool,
    Json<BTreeMap<String, String>>,
);

/// What a replica writes.
#[derive(Debug)]
pub(super) struct Heartbeat<'a> {
    pub(super) id: Uuid,
    pub(super) server: &'a str,
    pub(super) host: &'a str,
    pub(super) version: i64,
    pub(super) is_ready: bool,
    pub(super) settings: &'a BTreeMap<String, String>,
}

/// The lease of a server, as all replicas see it.
#[derive(Debug, Default)]
pub(super) struct LeaseState {
    /// The replica that holds the lease.
    pub(super) leader: Option<Uuid>,
    /// When the next run is due.
    pub(super) next_run_at: Option<Timestamp>,
    /// When the last webhook arrived, in milliseconds since the epoch.
    pub(super) webhook_at: Option<i64>,
}

impl Database {
    /// Writes the row of a replica and deletes those of replicas that have ended. Returns the database's time in
    /// milliseconds since the epoch.
    pub(super) async fn heartbeat(&self, row: &Heartbeat<'_>) -> Result<i64, DatabaseError> {
        let written = sqlx::query_scalar(
            "with ended as (
                delete from authentik_entity_provider.replica
                where server = $2 and id <> $1 and seen_at < clock_timestamp() - interval '1 hour'
             )
             insert into authentik_entity_provider.replica
                (id, server, host, release, seen_at, version, is_ready, settings)
             values ($1, $2, $3, $4, clock_timestamp(), $5, $6, $7)
             on conflict (id) do update
             set seen_at = clock_timestamp(), version = $5, is_ready = $6, settings = $7
             returning (extract(epoch from clock_timestamp()) * 1000)::bigint",
        );
        let written = written
            .bind(row.id)
            .bind(row.server)
            .bind(row.host)
            .bind(env!("CARGO_PKG_VERSION"))
            .bind(row.version)
            .bind(row.is_ready)
            .bind(Json(row.settings))
            .fetch_one(&self.pool);
        within(LIMIT, written).await
    }

    /// Returns the live replicas of a server, the oldest first.
    pub(super) async fn replicas(&self, server: &str) -> Result<Vec<LiveReplica>, DatabaseError> {
        let rows = sqlx::query_as(
            "select id, host, release, version, is_ready, settings
             from authentik_entity_provider.replica
             where server = $1 and seen_at > clock_timestamp() - make_interval(secs => $2)
             order by id",
        );
        let rows = rows.bind(server).bind(LIVE_SECONDS).fetch_all(&self.pool);
        let rows: Vec<Row> = within(LIMIT, rows).await?;
        let replica = |(id, host, release, version, is_ready, Json(settings)): Row| LiveReplica {
            id,
            host,
            release,
            version,
            is_ready,
            settings,
        };
        Ok(rows.into_iter().map(replica).collect())
    }

    /// Deletes the row of a replica that shuts down.
    pub(super) async fn leave(&self, id: Uuid) -> Result<(), DatabaseError> {
        let deleted = sqlx::query("delete from authentik_entity_provider.replica where id = $1");
        within(LIMIT, deleted.bind(id).execute(&self.pool)).await?;
        Ok(())
    }

    /// Returns the lease's holder and the last webhook.
    pub(super) async fn lease_state(&self, server: &str) -> Result<LeaseState, DatabaseError> {
        let row = sqlx::query_as(
            "select case when expires_at > clock_timestamp() then holder end, next_run_at, webhook_at
             from authentik_entity_provider.lease where server = $1",
        );
        let row = row.bind(server).fetch_optional(&self.pool);
        let row: Option<(Option<Uuid>, Option<i64>, Option<i64>)> = within(LIMIT, row).await?;
        let (leader, next_run_at, webhook_at) = row.unwrap_or_default();
        Ok(LeaseState {
            leader,
            next_run_at: next_run_at.and_then(|at| Timestamp::from_millisecond(at).ok()),
            webhook_at,
        })
    }
}
