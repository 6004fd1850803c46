//! The connection to PostgreSQL, and the migration of the schema.

use std::str::FromStr;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use sqlx::migrate::{MigrateError, Migration, MigrationType, Migrator};
use sqlx::postgres::{PgConnectOptions, PgListener, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool, SqlSafeStr};
use tokio::time::timeout;

/// The schema of all tables.
pub const SCHEMA: &str = "authentik_entity_provider";
/// The channel on which replicas notify each other of changes.
pub(super) const CHANNEL: &str = SCHEMA;
/// The table of the migrations that were applied.
const MIGRATIONS: &str = "authentik_entity_provider.migration";
/// The version of the schema that this program needs.
const VERSION: i64 = 1;
/// The time limit of one operation; a stopped database does not answer at all.
pub(super) const LIMIT: Duration = Duration::from_secs(3);
/// The time limit of an operation that sends or receives a snapshot, or changes the schema.
pub(super) const LONG_LIMIT: Duration = Duration::from_secs(30);
/// For notifications, the heartbeat, the snapshot, the run in progress, and requests of clients.
const CONNECTIONS: u32 = 5;

/// Why the database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The URL is not one of PostgreSQL. The message does not contain it.
    #[error(
        "expected the URL of a PostgreSQL database, such as `postgres://user:password@db.example.com/backstage?sslmode=verify-full`"
    )]
    Url,
    /// The database refused or failed.
    #[error("the database failed: {0}; check `entityProvider.database.url` and the database")]
    Failed(#[from] sqlx::Error),
    /// The database did not answer.
    #[error("the database did not answer within {} s; check that it runs and is reachable", .0.as_secs())]
    TimedOut(Duration),
    /// The schema cannot be created or changed.
    #[error(
        "cannot migrate the schema `authentik_entity_provider`: {0}; create it for this role with `create schema authentik_entity_provider authorization …`, or grant the role `create` on the database"
    )]
    Migration(#[source] MigrateError),
    /// The role may not create the schema.
    #[error(
        "the role may not create the schema `authentik_entity_provider`; execute `create schema authentik_entity_provider authorization …` with its name"
    )]
    Forbidden,
    /// A later version of this program migrated the schema.
    #[error(
        "the schema `authentik_entity_provider` has version {found} and this program knows {VERSION}: a later version of it migrated the schema; update this replica"
    )]
    Newer {
        /// The version of the schema.
        found: i64,
    },
    /// Another replica holds the lease.
    #[error("another replica has taken over, so this one publishes nothing")]
    Fenced,
    /// The published snapshot cannot be read.
    #[error("the snapshot in the database cannot be used: {0}; a new full sync replaces it")]
    Unreadable(String),
}

impl DatabaseError {
    /// Returns the message without the text of the database, for clients without a token.
    #[must_use]
    pub fn public_message(&self) -> String {
        match self {
            Self::Failed(_) => {
                "the database cannot be reached or failed; the log has the reason".into()
            }
            Self::Migration(_) => "the schema cannot be migrated; the log has the reason".into(),
            _ => self.to_string(),
        }
    }

    /// Returns a stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Fenced => "lease-lost",
            _ => "database",
        }
    }
}

/// The database that replicas share.
#[derive(Clone, Debug)]
pub struct Database {
    pub(super) pool: PgPool,
}

impl Database {
    /// Returns the database at a URL. Connects when it is first used.
    ///
    /// # Errors
    /// If the URL is invalid.
    pub fn at(url: &SecretString) -> Result<Self, DatabaseError> {
        let options = Self::check(url)?
            .application_name(env!("CARGO_PKG_NAME"))
            .disable_statement_logging();
        let pool = PgPoolOptions::new()
            .max_connections(CONNECTIONS)
            .acquire_timeout(LIMIT)
            .connect_lazy_with(options);
        Ok(Self { pool })
    }

    /// Parses a URL.
    ///
    /// # Errors
    /// If it is not one of PostgreSQL.
    pub fn check(url: &SecretString) -> Result<PgConnectOptions, DatabaseError> {
        let url = url.expose_secret();
        let is_postgres = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| url.starts_with(scheme));
        let options = PgConnectOptions::from_str(url).ok().filter(|_| is_postgres);
        options.ok_or(DatabaseError::Url)
    }

    /// Creates or migrates the schema, unless it has this program's version. Several replicas may do so at once.
    ///
    /// # Errors
    /// If the database does not answer, the role lacks a privilege, or the schema has a later version.
    pub async fn migrate(&self) -> Result<(), DatabaseError> {
        match within(LIMIT, self.schema_version()).await? {
            Some(VERSION) => Ok(()),
            Some(found) if found > VERSION => Err(DatabaseError::Newer { found }),
            _ => {
                let migrated = timeout(LONG_LIMIT, self.apply_migrations()).await;
                let migrated = migrated.map_err(|_| DatabaseError::TimedOut(LONG_LIMIT))?;
                migrated.map_err(DatabaseError::Migration)
            }
        }
    }

    /// Returns whether the schema exists; changes nothing.
    ///
    /// # Errors
    /// If the database does not answer, the role may not create the schema, or it has a later version.
    pub async fn examine(&self) -> Result<bool, DatabaseError> {
        if let Some(found) = within(LIMIT, self.schema_version()).await? {
            return if found > VERSION {
                Err(DatabaseError::Newer { found })
            } else {
                Ok(true)
            };
        }
        let may_create = "select coalesce(has_schema_privilege(to_regnamespace($1), 'create'),
                                          has_database_privilege(current_database(), 'create'))";
        let may_create = sqlx::query_scalar(may_create).bind(SCHEMA);
        if within(LIMIT, may_create.fetch_one(&self.pool)).await? {
            Ok(false)
        } else {
            Err(DatabaseError::Forbidden)
        }
    }

    /// Returns the version of the schema; `None` if it does not exist.
    async fn schema_version(&self) -> Result<Option<i64>, sqlx::Error> {
        let exists = "select to_regclass('authentik_entity_provider.migration') is not null";
        if !sqlx::query_scalar(exists).fetch_one(&self.pool).await? {
            return Ok(None);
        }
        let version = "select max(version) from authentik_entity_provider.migration where success";
        sqlx::query_scalar(version).fetch_one(&self.pool).await
    }

    async fn apply_migrations(&self) -> Result<(), MigrateError> {
        let first = Migration::new(
            VERSION,
            "replicas".into(),
            MigrationType::Simple,
            include_str!("migrations/1_replicas.sql").into_sql_str(),
            false,
        );
        let mut migrator = Migrator::with_migrations(vec![first]);
        migrator.dangerous_set_table_name(MIGRATIONS);
        let exists = "select to_regnamespace('authentik_entity_provider') is not null";
        if !sqlx::query_scalar(exists).fetch_one(&self.pool).await? {
            // Not asked for otherwise: `create schema if not exists` needs the privilege even then.
            migrator.create_schema(SCHEMA);
        }
        migrator.run(&self.pool).await
    }

    /// Returns a connection that receives the notifications of other replicas.
    pub(super) async fn listener(&self) -> Result<PgListener, DatabaseError> {
        within(LIMIT, async {
            let mut listener = PgListener::connect_with(&self.pool).await?;
            listener.listen(CHANNEL).await?;
            Ok(listener)
        })
        .await
    }

    /// Notifies the other replicas of a change. They also ask regularly, so a loss only delays them.
    pub(super) async fn notify(&self) {
        let sent = sqlx::query("select pg_notify($1, '')")
            .bind(CHANNEL)
            .execute(&self.pool);
        if let Err(error) = within(LIMIT, sent).await {
            tracing::debug!(%error, "cannot notify the other replicas");
        }
    }
}

/// Waits for the database, up to a limit.
pub(super) async fn within<T>(
    limit: Duration,
    operation: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, DatabaseError> {
    let ended = timeout(limit, operation).await;
    Ok(ended.map_err(|_| DatabaseError::TimedOut(limit))??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_url_is_rejected_without_being_shown() {
        let error = Database::at(&"secret://user:password".into()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"));
        let error = Database::at(&"postgres://user:password@host/db?sslmode=secret".into());
        assert!(!format!("{error:?}").contains("secret"));
    }
}
