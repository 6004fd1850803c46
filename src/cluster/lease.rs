//! The lease: at most one replica holds it, and only its holder can publish.
//!
//! Each holder gets a larger token. Every statement of the holder checks its token in the same statement, so
//! that a replica that was suspended or cut off changes nothing when it continues. All times are those of the
//! database's clock.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use uuid::Uuid;

use super::database::{Database, DatabaseError, LIMIT, within};

/// How long a holder that does not renew the lease keeps it.
pub(super) const DURATION: Duration = Duration::from_secs(10);

/// A lease that was acquired.
#[derive(Debug)]
pub(super) struct Acquired {
    /// The token of this holder.
    pub(super) token: i64,
    /// What the previous holder has stored of its last run.
    pub(super) last_run: Option<Value>,
    /// The digest of the entities whose changes were last pushed to Backstage.
    pub(super) pushed: Option<String>,
}

/// The condition of a statement that only the holder of the lease may execute; `$1` is the server and `$2` the
/// token.
macro_rules! fence {
    () => {
        "exists (select from authentik_entity_provider.lease \
         where server = $1 and token = $2 and expires_at > clock_timestamp())"
    };
}
pub(super) use fence;

impl Database {
    /// Takes the lease if no replica holds it.
    pub(super) async fn acquire(
        &self,
        server: &str,
        holder: Uuid,
    ) -> Result<Option<Acquired>, DatabaseError> {
        let acquired = sqlx::query_as(
            "insert into authentik_entity_provider.lease as held (server, holder, token, expires_at)
             values ($1, $2, 1, clock_timestamp() + make_interval(secs => $3))
             on conflict (server) do update
             set holder = $2, token = held.token + 1,
                 expires_at = clock_timestamp() + make_interval(secs => $3)
             where held.expires_at <= clock_timestamp()
             returning token, last_run, pushed",
        );
        let acquired = acquired
            .bind(server)
            .bind(holder)
            .bind(DURATION.as_secs_f64())
            .fetch_optional(&self.pool);
        let row: Option<(i64, Option<Value>, Option<String>)> = within(LIMIT, acquired).await?;
        Ok(row.map(|(token, last_run, pushed)| Acquired {
            token,
            last_run,
            pushed,
        }))
    }

    /// Extends the lease, and stores when the next run is due; returns false if it has expired or another replica
    /// holds it.
    pub(super) async fn renew(
        &self,
        server: &str,
        token: i64,
        next_run_at: Option<Timestamp>,
    ) -> Result<bool, DatabaseError> {
        let renewed = sqlx::query(
            "update authentik_entity_provider.lease
             set expires_at = clock_timestamp() + make_interval(secs => $3), next_run_at = $4
             where server = $1 and token = $2 and expires_at > clock_timestamp()",
        );
        let renewed = renewed
            .bind(server)
            .bind(token)
            .bind(DURATION.as_secs_f64())
            .bind(next_run_at.map(Timestamp::as_millisecond))
            .execute(&self.pool);
        Ok(within(LIMIT, renewed).await?.rows_affected() == 1)
    }

    /// Gives the lease up, so that another replica can take it at once.
    pub(super) async fn release(&self, server: &str, token: i64) -> Result<(), DatabaseError> {
        let released = sqlx::query(
            "update authentik_entity_provider.lease
             set holder = null, expires_at = '-infinity' where server = $1 and token = $2",
        );
        let released = released.bind(server).bind(token).execute(&self.pool);
        within(LIMIT, released).await?;
        self.notify().await;
        Ok(())
    }

    /// Stores the last run for the next holder.
    pub(super) async fn store_last_run(
        &self,
        server: &str,
        token: i64,
        last_run: &Value,
    ) -> Result<(), DatabaseError> {
        let stored = sqlx::query(
            "update authentik_entity_provider.lease set last_run = $3 where server = $1 and token = $2",
        );
        let stored = stored.bind(server).bind(token).bind(last_run);
        within(LIMIT, stored.execute(&self.pool)).await?;
        Ok(())
    }

    /// Stores that the changes up to the entities with a digest were pushed to Backstage.
    pub(super) async fn record_push(
        &self,
        server: &str,
        token: i64,
        digest: &str,
    ) -> Result<(), DatabaseError> {
        let stored = sqlx::query(
            "update authentik_entity_provider.lease set pushed = $3 where server = $1 and token = $2",
        );
        let stored = stored.bind(server).bind(token).bind(digest);
        within(LIMIT, stored.execute(&self.pool)).await?;
        Ok(())
    }

    /// Stores that a webhook of Authentik arrived, by the database's clock.
    pub(super) async fn webhook(&self, server: &str) -> Result<(), DatabaseError> {
        let stored = sqlx::query(
            "insert into authentik_entity_provider.lease as held (server, webhook_at)
             values ($1, (extract(epoch from clock_timestamp()) * 1000)::bigint)
             on conflict (server) do update
             set webhook_at = greatest(held.webhook_at, excluded.webhook_at)",
        );
        within(LIMIT, stored.bind(server).execute(&self.pool)).await?;
        Ok(())
    }
}
