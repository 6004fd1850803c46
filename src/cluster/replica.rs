//! A replica: it writes its row, wants or holds the lease, and learns what the others do, every few seconds and
//! at each notification.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::time::Duration;

use jiff::Timestamp;
use sqlx::postgres::PgListener;
use tokio::sync::{Mutex, Notify, watch};
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::clock::DatabaseClock;
use super::database::{Database, DatabaseError};
use super::heartbeat::Heartbeat;
use super::run_table::RunTable;
use super::term::Term;
use crate::snapshot::Store;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::replicas::Replicas;
use crate::snapshot::status::ServiceStatus;

/// The pause between two heartbeats without a notification.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// The pause between two writes of the progress of a run.
const PROGRESS: Duration = Duration::from_millis(500);

/// What a replica is started with.
#[derive(Clone, Debug)]
pub struct ReplicaSettings {
    /// The database.
    pub database: Database,
    /// The base URL of the Authentik server.
    pub server: String,
    /// The name of this machine, for people.
    pub host: String,
    /// A digest of each configured key that has to be equal at all replicas.
    pub shared_settings: BTreeMap<String, String>,
}

/// What a replica shares with the rest of its process.
#[derive(Clone, Debug)]
pub struct Process {
    /// The clock that follows the database's.
    pub clock: DatabaseClock,
    /// The runs.
    pub ledger: Arc<Ledger>,
    /// When the next run is due.
    pub status: Arc<ServiceStatus>,
    /// The served snapshot.
    pub store: Arc<Store>,
    /// The last snapshot that every replica serves; the push to Backstage follows it.
    pub pushable: Arc<Store>,
    /// The state of the replicas, for HTTP clients.
    pub replicas: Arc<Replicas>,
    /// Cancelled when the process starts to shut down.
    pub draining: CancellationToken,
}

/// One of several processes that share a database.
#[derive(Debug)]
pub struct Replica {
    pub(super) id: Uuid,
    pub(super) database: Database,
    pub(super) server: String,
    host: String,
    pub(super) process: Process,
    /// A digest of each configured key that has to be equal at all replicas, as of the last reload.
    shared_settings: Mutex<BTreeMap<String, String>>,
    /// The term of this replica, if it holds the lease.
    pub(super) term: watch::Sender<Option<Term>>,
    /// Until when this replica does not want the lease.
    pub(super) waits_until: Mutex<Option<Instant>>,
    /// The version of the snapshot in the database.
    pub(super) published: watch::Sender<i64>,
    /// A published version that this replica cannot use.
    pub(super) rejected: AtomicI64,
    pub(super) runs: Mutex<RunTable>,
    /// The last webhook that the ledger knows, in milliseconds since the epoch.
    pub(super) webhook: AtomicI64,
    /// When the last check of the published version began.
    pub(super) checked: Mutex<Option<Instant>>,
    /// Wakes the loop.
    pub(super) wake: Notify,
}

/// The state of the loop between two heartbeats.
#[derive(Default)]
struct Connection {
    is_migrated: bool,
    listener: Option<PgListener>,
    /// The version of the last row that was written.
    version: Option<i64>,
}

impl Replica {
    /// Returns a replica that has not yet connected.
    #[must_use]
    pub fn new(settings: ReplicaSettings, process: Process) -> Self {
        let ReplicaSettings {
            database,
            server,
            host,
            shared_settings,
        } = settings;
        let id = Uuid::now_v7();
        process.replicas.change(|state| state.id = id);
        Self {
            id,
            database,
            server,
            host,
            process,
            shared_settings: shared_settings.into(),
            term: watch::Sender::new(None),
            waits_until: Mutex::default(),
            published: watch::Sender::new(0),
            rejected: AtomicI64::new(0),
            runs: Mutex::default(),
            webhook: AtomicI64::new(0),
            checked: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// Returns the store with the last snapshot that every replica serves.
    #[must_use]
    pub fn pushable(&self) -> Arc<Store> {
        Arc::clone(&self.process.pushable)
    }

    /// Changes the digests of the configured keys.
    pub async fn set_settings(&self, settings: BTreeMap<String, String>) {
        *self.shared_settings.lock().await = settings;
        self.wake.notify_one();
    }

    /// Takes part until it is stopped, and then gives up the lease.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut connection = Connection::default();
        let mut served = self.process.store.subscribe();
        let mut runs = self.process.ledger.changes();
        let (mut is_due, mut next_heartbeat) = (true, Instant::now());
        loop {
            if is_due {
                next_heartbeat = Instant::now() + HEARTBEAT;
                self.end_expired_term();
                let outcome = self.heartbeat(&mut connection).await;
                self.report(&mut connection, outcome);
                self.end_expired_term();
            }
            let term = self.current_term();
            if let Some(term) = &term {
                self.record_runs(term).await;
            }
            let is_syncing = term.is_some() && self.process.ledger.is_running();
            is_due = tokio::select! {
                () = stop.cancelled() => break,
                () = notification(&mut connection.listener) => true,
                () = self.wake.notified() => true,
                _ = served.changed() => true,
                () = sleep_until(next_heartbeat) => true,
                () = runs.next() => false,
                () = sleep(PROGRESS), if is_syncing => false,
            };
        }
        self.leave().await;
    }

    /// Writes the row of this replica and learns about the others.
    async fn heartbeat(&self, connection: &mut Connection) -> Result<(), DatabaseError> {
        let database = &self.database;
        if !connection.is_migrated {
            database.migrate().await?;
            connection.is_migrated = true;
        }
        if connection.listener.is_none() {
            connection.listener = Some(database.listener().await?);
        }
        let version = self.version();
        let settings = self.shared_settings.lock().await.clone();
        let time = database
            .heartbeat(&Heartbeat {
                id: self.id,
                server: &self.server,
                host: &self.host,
                version,
                is_ready: self.is_ready(),
                settings: &settings,
            })
            .await?;
        self.process.clock.correct(time);
        if connection.version.replace(version) != Some(version) {
            database.notify().await;
        }
        self.hold_lease().await?;
        self.follow().await?;
        self.mirror_runs().await
    }

    /// Learns the published version, the leader, the replicas and the last webhook.
    async fn follow(&self) -> Result<(), DatabaseError> {
        let lease = self.database.lease_state(&self.server).await?;
        let published = self.database.published(&self.server).await?;
        let replicas = self.database.replicas(&self.server).await?;
        self.note_webhook(lease.webhook_at);
        if self.current_term().is_none() {
            self.process.status.announce(lease.next_run_at);
        }
        self.offer_to_push(&replicas);
        self.process.replicas.change(|state| {
            state.leader = lease.leader;
            state.replicas = replicas;
        });
        self.note_published(published);
        Ok(())
    }

    /// Records the published version, and since when this replica serves another one.
    pub(super) fn note_published(&self, version: i64) {
        let is_behind = version > self.version();
        let now = self.now();
        self.process.replicas.change(|state| {
            let since = state.lagging_since.unwrap_or(now);
            state.lagging_since = is_behind.then_some(since);
        });
        self.published.send_if_modified(|known| {
            let is_new = *known != version;
            *known = version;
            is_new
        });
    }

    /// Reports the outcome of a heartbeat, and logs it if it differs from the last one.
    fn report(&self, connection: &mut Connection, outcome: Result<(), DatabaseError>) {
        let error = outcome.err();
        if error.is_some() {
            // A connection that was lost may look intact.
            connection.listener = None;
        }
        let public = error.as_ref().map(DatabaseError::public_message);
        let mut before = None;
        self.process.replicas.change(|state| {
            before = std::mem::replace(&mut state.database_error, public.clone());
        });
        match error {
            Some(error) if before != public => tracing::warn!(
                code = error.code(),
                "{error}; this replica serves its last snapshot, and no run starts"
            ),
            None if before.is_some() => tracing::info!("the database answers again"),
            _ => {}
        }
    }

    /// Returns the time by the database's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.process.clock.clock().now()
    }

    /// Returns the version of the snapshot that this replica serves; 0 without one.
    pub(super) fn version(&self) -> i64 {
        let current = self.process.store.current();
        current.map_or(0, |snapshot| snapshot.version)
    }

    fn is_ready(&self) -> bool {
        let lags = self.process.replicas.state().lags(self.now());
        self.process.store.current().is_some() && !self.process.draining.is_cancelled() && !lags
    }

    /// Gives up the lease and the place among the replicas.
    async fn leave(&self) {
        if let Some(term) = self.term.send_replace(None) {
            term.ended.cancel();
            self.record_runs(&term).await;
            if let Err(error) = self.database.release(&self.server, term.token).await {
                tracing::debug!(%error, "cannot release the lease; it expires");
            }
        }
        if let Err(error) = self.database.leave(self.id).await {
            tracing::debug!(%error, "cannot delete the row of this replica; it is ignored soon");
        }
    }
}

/// Waits for a notification of another replica, or for the loss of the connection.
async fn notification(listener: &mut Option<PgListener>) {
    let Some(connected) = listener else {
        return std::future::pending().await;
    };
    if matches!(connected.try_recv().await, Ok(Some(_))) {
        // One heartbeat learns what all of them announce.
        while connected.next_buffered().is_some() {}
    } else {
        *listener = None;
    }
}
