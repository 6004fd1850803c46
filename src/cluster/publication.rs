//! The published snapshot: one row for each server, written by the holder of the lease.

use std::fmt::Display;
use std::sync::Arc;

use bytes::Bytes;
use tokio::task::spawn_blocking;

use super::database::{Database, DatabaseError, LIMIT, LONG_LIMIT, within};
use super::lease::DURATION;
use crate::base_url::BaseUrl;
use crate::catalog::policy::Policy;
use crate::snapshot::Snapshot;
use crate::snapshot::document::Document;
use crate::snapshot::persistence::{decode, encode};

/// zstd's default level.
const LEVEL: i32 = 3;

/// A snapshot as the database stores it.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Its version; grows with each publication.
    pub version: i64,
    rows: Vec<u8>,
    /// `None` if the entities are those of the snapshot that the reader already has.
    entities: Option<Vec<u8>>,
}

impl Publication {
    /// Decodes the snapshot; CPU-bound.
    ///
    /// # Errors
    /// If another version of this program has written it in an unknown format.
    pub fn decode(
        self,
        base_url: &BaseUrl,
        policy: Arc<Policy>,
        previous: Option<&Snapshot>,
    ) -> Result<Snapshot, DatabaseError> {
        let rows = decode(&self.rows, base_url).map_err(|error| unreadable(&error))?;
        let document = match (self.entities, previous) {
            (None, Some(previous)) => previous.document.clone(),
            (entities, _) => {
                let bytes = zstd::stream::decode_all(&*entities.unwrap_or_default());
                let bytes = bytes.map_err(|error| unreadable(&error))?;
                let namespace = rows.names.namespace.clone();
                Document::parse(Bytes::from(bytes), namespace)
                    .map_err(|error| unreadable(&error))?
            }
        };
        Ok(Snapshot::adopted(
            rows,
            document,
            policy,
            previous,
            self.version,
        ))
    }
}

fn unreadable(reason: &dyn Display) -> DatabaseError {
    DatabaseError::Unreadable(reason.to_string())
}

/// A snapshot, encoded for the database.
pub(super) struct Encoded {
    rows: Vec<u8>,
    entities: Vec<u8>,
    digest: String,
}

impl Encoded {
    /// Encodes a snapshot on a blocking thread, and returns both.
    pub(super) async fn of(snapshot: Snapshot) -> Result<(Snapshot, Self), DatabaseError> {
        let encoding = spawn_blocking(move || {
            let encoded = Self::encode(&snapshot);
            (snapshot, encoded)
        });
        let (snapshot, encoded) = encoding.await.map_err(|error| unreadable(&error))?;
        Ok((snapshot, encoded.map_err(|error| unreadable(&error))?))
    }

    /// Encodes a snapshot; CPU-bound.
    fn encode(snapshot: &Snapshot) -> std::io::Result<Self> {
        let Snapshot {
            directory,
            policy,
            names,
            recent_maxima,
            read_at,
            resume_point,
            document,
            ..
        } = snapshot;
        Ok(Self {
            rows: encode(
                &policy.base_url,
                directory,
                names,
                recent_maxima,
                *read_at,
                resume_point,
            )?,
            entities: zstd::stream::encode_all(&**document.bytes(), LEVEL)?,
            digest: document.digest().to_owned(),
        })
    }
}

impl Database {
    /// Returns the version of the published snapshot; 0 before the first one.
    pub(super) async fn published(&self, server: &str) -> Result<i64, DatabaseError> {
        let version = sqlx::query_scalar(
            "select version from authentik_entity_provider.snapshot where server = $1",
        );
        let version = version.bind(server).fetch_optional(&self.pool);
        Ok(within(LIMIT, version).await?.unwrap_or_default())
    }

    /// Reads the published snapshot; without its entities if they have this digest.
    pub(super) async fn read(
        &self,
        server: &str,
        digest: &str,
    ) -> Result<Option<Publication>, DatabaseError> {
        let row = sqlx::query_as(
            "select version, rows, case when digest = $2 then null else entities end
             from authentik_entity_provider.snapshot where server = $1",
        );
        let row = row.bind(server).bind(digest).fetch_optional(&self.pool);
        let row: Option<(i64, Vec<u8>, Option<Vec<u8>>)> = within(LONG_LIMIT, row).await?;
        Ok(row.map(|(version, rows, entities)| Publication {
            version,
            rows,
            entities,
        }))
    }

    /// Publishes a snapshot and returns its version.
    ///
    /// A single statement checks and extends the lease and writes the row: a replica that is suspended in the
    /// middle holds no lock.
    pub(super) async fn publish(
        &self,
        server: &str,
        token: i64,
        encoded: &Encoded,
    ) -> Result<i64, DatabaseError> {
        let version = match self.update_rows(server, token, encoded).await? {
            Some(version) => Some(version),
            None => self.replace(server, token, encoded).await?,
        };
        let version = version.ok_or(DatabaseError::Fenced)?;
        self.notify().await;
        Ok(version)
    }

    /// Writes only the rows, if the published entities are equal.
    async fn update_rows(
        &self,
        server: &str,
        token: i64,
        encoded: &Encoded,
    ) -> Result<Option<i64>, DatabaseError> {
        let updated = sqlx::query_scalar(
            "with fence as (
                update authentik_entity_provider.lease
                set expires_at = clock_timestamp() + make_interval(secs => $3)
                where server = $1 and token = $2 and expires_at > clock_timestamp()
                returning server
             )
             update authentik_entity_provider.snapshot as published
             set version = published.version + 1, rows = $4
             from fence where published.server = fence.server and published.digest = $5
             returning published.version",
        );
        let updated = updated
            .bind(server)
            .bind(token)
            .bind(DURATION.as_secs_f64())
            .bind(&encoded.rows)
            .bind(&encoded.digest)
            .fetch_optional(&self.pool);
        within(LONG_LIMIT, updated).await
    }

    /// Writes rows and entities.
    async fn replace(
        &self,
        server: &str,
        token: i64,
        encoded: &Encoded,
    ) -> Result<Option<i64>, DatabaseError> {
        let replaced = sqlx::query_scalar(
            "with fence as (
                update authentik_entity_provider.lease
                set expires_at = clock_timestamp() + make_interval(secs => $3)
                where server = $1 and token = $2 and expires_at > clock_timestamp()
                returning server
             )
             insert into authentik_entity_provider.snapshot as published
                (server, version, rows, digest, entities)
             select server, 1, $4, $5, $6 from fence
             on conflict (server) do update
             set version = published.version + 1, rows = $4, digest = $5, entities = $6
             returning version",
        );
        let replaced = replaced
            .bind(server)
            .bind(token)
            .bind(DURATION.as_secs_f64())
            .bind(&encoded.rows)
            .bind(&encoded.digest)
            .bind(&encoded.entities)
            .fetch_optional(&self.pool);
        within(LONG_LIMIT, replaced).await
    }
}
