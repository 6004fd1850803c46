//! The runs that all replicas show: requested at any of them, executed and recorded by the holder of the lease.

use std::collections::BTreeMap;

use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::database::{Database, DatabaseError, LIMIT, within};
use super::lease::fence;
use crate::snapshot::ledger::MAX_ENDED;
use crate::snapshot::run::{Run, RunId};

/// The revision of each run in the database.
pub(super) type Revisions = BTreeMap<RunId, i64>;

impl Database {
    /// Queues a run, or adds its options to the queued one. Returns the queued run.
    pub(super) async fn queue(&self, server: &str, run: &Run) -> Result<Run, DatabaseError> {
        let queued = sqlx::query_scalar(
            "insert into authentik_entity_provider.run as queued (id, server, is_queued, has_ended, run)
             values ($1, $2, true, false, $3)
             on conflict (server) where is_queued do update
             set revision = queued.revision + 1,
                 run = jsonb_set(queued.run, '{options}', queued.run -> 'options' || $4)
             returning run",
        );
        let queued = queued
            .bind(run.id.uuid())
            .bind(server)
            .bind(Json(run))
            .bind(Value::Object(run.options.requested()))
            .fetch_one(&self.pool);
        let Json(queued): Json<Run> = within(LIMIT, queued).await?;
        self.notify().await;
        Ok(queued)
    }

    /// Takes the queued run. A later request queues another one.
    pub(super) async fn claim(
        &self,
        server: &str,
        token: i64,
    ) -> Result<Option<Run>, DatabaseError> {
        let claimed = sqlx::query_scalar(concat!(
            "update authentik_entity_provider.run set is_queued = false, revision = revision + 1
             where server = $1 and is_queued and ",
            fence!(),
            " returning run",
        ));
        let claimed = claimed.bind(server).bind(token).fetch_optional(&self.pool);
        let run: Option<Json<Run>> = within(LIMIT, claimed).await?;
        Ok(run.map(|Json(run)| run))
    }

    /// Writes a run that has started, unless it has ended.
    pub(super) async fn record(
        &self,
        server: &str,
        token: i64,
        run: &Run,
    ) -> Result<(), DatabaseError> {
        let recorded = sqlx::query(concat!(
            "insert into authentik_entity_provider.run as known (id, server, is_queued, has_ended, run)
             select $3, $1, false, $4, $5 where ",
            fence!(),
            " on conflict (id) do update
             set is_queued = false, has_ended = $4, revision = known.revision + 1, run = $5
             where not known.has_ended",
        ));
        let recorded = recorded
            .bind(server)
            .bind(token)
            .bind(run.id.uuid())
            .bind(run.end.is_some())
            .bind(Json(run))
            .execute(&self.pool);
        within(LIMIT, recorded).await?;
        Ok(())
    }

    /// Deletes all but the last runs.
    pub(super) async fn prune(&self, server: &str) -> Result<(), DatabaseError> {
        let pruned = sqlx::query(
            "delete from authentik_entity_provider.run where id in (
                select id from authentik_entity_provider.run where server = $1 and has_ended
                order by id desc offset $2
             )",
        );
        let kept = i64::try_from(MAX_ENDED).unwrap_or(i64::MAX);
        let pruned = pruned.bind(server).bind(kept).execute(&self.pool);
        within(LIMIT, pruned).await?;
        Ok(())
    }

    /// Returns the revisions of all runs.
    pub(super) async fn revisions(&self, server: &str) -> Result<Revisions, DatabaseError> {
        let rows = sqlx::query_as(
            "select id, revision from authentik_entity_provider.run where server = $1",
        );
        let rows = rows.bind(server).fetch_all(&self.pool);
        let rows: Vec<(Uuid, i64)> = within(LIMIT, rows).await?;
        Ok(rows
            .into_iter()
            .map(|(id, revision)| (id.into(), revision))
            .collect())
    }

    /// Reads runs. Skips those that another version of this program wrote in an unknown form.
    pub(super) async fn runs(&self, ids: &[RunId]) -> Result<Vec<Run>, DatabaseError> {
        let ids: Vec<Uuid> = ids.iter().map(|id| id.uuid()).collect();
        let rows = sqlx::query_scalar(
            "select run from authentik_entity_provider.run where id = any($1) order by id desc",
        );
        let rows: Vec<Value> = within(LIMIT, rows.bind(ids).fetch_all(&self.pool)).await?;
        let runs = rows.into_iter().map(serde_json::from_value);
        Ok(runs.filter_map(Result::ok).collect())
    }

    /// Returns the queued run.
    pub(super) async fn queued(&self, server: &str) -> Result<Option<Run>, DatabaseError> {
        let run = sqlx::query_scalar(
            "select run from authentik_entity_provider.run where server = $1 and is_queued",
        );
        let run: Option<Value> = within(LIMIT, run.bind(server).fetch_optional(&self.pool)).await?;
        Ok(run.and_then(|run| serde_json::from_value(run).ok()))
    }

    /// Returns the runs that a replica has started and not ended.
    pub(super) async fn unfinished(&self, server: &str) -> Result<Vec<Run>, DatabaseError> {
        let rows = sqlx::query_scalar(
            "select run from authentik_entity_provider.run
             where server = $1 and not is_queued and not has_ended",
        );
        let rows: Vec<Value> = within(LIMIT, rows.bind(server).fetch_all(&self.pool)).await?;
        let runs = rows.into_iter().map(serde_json::from_value);
        Ok(runs.filter_map(Result::ok).collect())
    }
}
