//! The published snapshot: one row for each server, written by the holder of the lease.
//!
//! A single statement checks and extends the lease and writes the row: a replica that is suspended in the middle
//! holds no lock.

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
use crate::snapshot::persistence::{decode_header, decode_rows, encode_header, encode_rows};

/// zstd's default level.
const LEVEL: i32 = 3;

/// A snapshot as the database stores it, as far as the reader does not have it.
#[derive(Clone, Debug)]
pub struct Publication {
    /// Its version; grows with each publication.
    pub version: i64,
    header: Vec<u8>,
    /// `None` if the rows have not changed since the reader's version.
    rows: Option<Vec<u8>>,
    /// `None` if the entities have not changed since the reader's version.
    entities: Option<Vec<u8>>,
}

impl Publication {
    /// Decodes the snapshot; CPU-bound. `previous` is the snapshot of the reader.
    ///
    /// # Errors
    /// If another version of this program has written it in an unknown format.
    pub fn decode(
        self,
        base_url: &BaseUrl,
        policy: Arc<Policy>,
        previous: Option<&Snapshot>,
    ) -> Result<Snapshot, DatabaseError> {
        let (Some(rows), previous) = (&self.rows, previous) else {
            let confirmed = decode_header(&self.header, base_url);
            let confirmed = confirmed.map_err(|error| unreadable(&error))?;
            let previous = previous.ok_or_else(|| unreadable(&"it has no rows"))?;
            return Ok(previous.confirmed(confirmed, self.version));
        };
        let rows = decode_rows(&self.header, rows, base_url);
        let rows = rows.map_err(|error| unreadable(&error))?;
        let document = match (&self.entities, previous) {
            (None, Some(previous)) => previous.document.clone(),
            (None, None) => return Err(unreadable(&"it has no entities")),
            (Some(entities), _) => {
                let bytes = zstd::stream::decode_all(&**entities);
                let bytes = Bytes::from(bytes.map_err(|error| unreadable(&error))?);
                let document = Document::parse(bytes, rows.names.namespace.clone());
                document.map_err(|error| unreadable(&error))?
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

/// The header of a snapshot.
pub(super) fn header(snapshot: &Snapshot) -> Result<Vec<u8>, DatabaseError> {
    let header = encode_header(
        &snapshot.policy.base_url,
        &snapshot.directory,
        &snapshot.names,
        &snapshot.recent_maxima,
        snapshot.read_at,
        &snapshot.resume_point,
    );
    header.map_err(|error| unreadable(&error))
}

/// A snapshot, encoded for the database.
pub(super) struct Encoded {
    header: Vec<u8>,
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
        Ok((snapshot, encoded?))
    }

    /// Encodes a snapshot; CPU-bound.
    fn encode(snapshot: &Snapshot) -> Result<Self, DatabaseError> {
        let rows = encode_rows(&snapshot.directory, &snapshot.names);
        let entities = zstd::stream::encode_all(&**snapshot.document.bytes(), LEVEL);
        Ok(Self {
            header: header(snapshot)?,
            rows: rows.map_err(|error| unreadable(&error))?,
            entities: entities.map_err(|error| unreadable(&error))?,
            digest: snapshot.document.digest().to_owned(),
        })
    }
}

/// Version, header, and what has changed of rows and entities.
type Row = (i64, Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);

/// A statement of the holder of the lease with the token `$2`: extends the lease of `$1`, and then acts only if
/// that succeeded.
macro_rules! fenced {
    ($statement:literal) => {
        concat!(
            "with fence as (
                update authentik_entity_provider.lease
                set expires_at = clock_timestamp() + make_interval(secs => $3)
                where server = $1 and token = $2 and expires_at > clock_timestamp()
                returning server, (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms
             ) ",
            $statement
        )
    };
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

    /// Reads the published snapshot, without what has not changed since a version.
    pub(super) async fn read(
        &self,
        server: &str,
        known: i64,
    ) -> Result<Option<Publication>, DatabaseError> {
        let row = sqlx::query_as(
            "select version, header,
                    case when rows_version > $2 then rows end,
                    case when entities_version > $2 then entities end
             from authentik_entity_provider.snapshot where server = $1",
        );
        let row = row.bind(server).bind(known).fetch_optional(&self.pool);
        let row: Option<Row> = within(LONG_LIMIT, row).await?;
        Ok(row.map(|(version, header, rows, entities)| Publication {
            version,
            header,
            rows,
            entities,
        }))
    }

    /// Publishes that the rows and entities of a version are still right, and returns the new version. Returns
    /// `None` if another version is published, or another replica holds the lease.
    pub(super) async fn confirm(
        &self,
        server: &str,
        token: i64,
        known: i64,
        header: &[u8],
    ) -> Result<Option<i64>, DatabaseError> {
        let confirmed = sqlx::query_scalar(fenced!(
            "update authentik_entity_provider.snapshot as published
             set version = greatest(published.version + 1, fence.now_ms), header = $5
             from fence where published.server = fence.server and published.version = $4
             returning published.version"
        ));
        let confirmed = confirmed
            .bind(server)
            .bind(token)
            .bind(DURATION.as_secs_f64())
            .bind(known)
            .bind(header)
            .fetch_optional(&self.pool);
        within(LIMIT, confirmed).await
    }

    /// Publishes a snapshot and returns its version. Writes the entities only if they have changed.
    pub(super) async fn publish(
        &self,
        server: &str,
        token: i64,
        encoded: &Encoded,
    ) -> Result<i64, DatabaseError> {
        let version = match self.replace_rows(server, token, encoded).await? {
            Some(version) => Some(version),
            None => self.replace(server, token, encoded).await?,
        };
        version.ok_or(DatabaseError::Fenced)
    }

    /// Writes only the rows, if the published entities are equal.
    async fn replace_rows(
        &self,
        server: &str,
        token: i64,
        encoded: &Encoded,
    ) -> Result<Option<i64>, DatabaseError> {
        let replaced = sqlx::query_scalar(fenced!(
            "update authentik_entity_provider.snapshot as published
             set version = greatest(published.version + 1, fence.now_ms), header = $4,
                 rows = $5, rows_version = greatest(published.version + 1, fence.now_ms)
             from fence where published.server = fence.server and published.digest = $6
             returning published.version"
        ));
        let replaced = replaced
            .bind(server)
            .bind(token)
            .bind(DURATION.as_secs_f64())
            .bind(&encoded.header)
            .bind(&encoded.rows)
            .bind(&encoded.digest)
            .fetch_optional(&self.pool);
        within(LONG_LIMIT, replaced).await
    }

    /// Writes everything.
    async fn replace(
        &self,
        server: &str,
        token: i64,
        encoded: &Encoded,
    ) -> Result<Option<i64>, DatabaseError> {
        let replaced = sqlx::query_scalar(fenced!(
            "insert into authentik_entity_provider.snapshot as published
                (server, version, header, rows, rows_version, digest, entities, entities_version)
             select server, now_ms, $4, $5, now_ms, $6, $7, now_ms from fence
             on conflict (server) do update
             set version = greatest(published.version + 1, excluded.version), header = $4,
                 rows = $5, rows_version = greatest(published.version + 1, excluded.version),
                 digest = $6, entities = $7,
                 entities_version = greatest(published.version + 1, excluded.version)
             returning version"
        ));
        let replaced = replaced
            .bind(server)
            .bind(token)
            .bind(DURATION.as_secs_f64())
            .bind(&encoded.header)
            .bind(&encoded.rows)
            .bind(&encoded.digest)
            .bind(&encoded.entities)
            .fetch_optional(&self.pool);
        within(LONG_LIMIT, replaced).await
    }
}
