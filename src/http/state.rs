//! The state that handlers share.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use axum::http::HeaderMap;
use axum::http::header::IF_NONE_MATCH;
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::auth::Authorizer;
use super::conditional::is_not_modified;
use super::endpoints::run_view::RunProgressView;
use super::error::ApiError;
use super::negotiate;
use crate::catalog::location::LocationPrefix;
use crate::clock::Clock;
use crate::config::ServiceConfig;
use crate::http::public_url::PublicUrls;
use crate::http::reader_log::ReaderLog;
use crate::instruments::Instruments;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::persistence::PersistenceStatus;
use crate::snapshot::rendition::{Rendition, Variant};
use crate::snapshot::renditions::Renditions;
use crate::snapshot::replicas::{ReplicaState, Replicas};
use crate::snapshot::requests::Requests;
use crate::snapshot::status::ServiceStatus;
use crate::snapshot::{Snapshot, Store};

/// The capacity of the cache of renditions, without the default body, in bytes.
const RENDITION_CACHE_SIZE: u64 = 128 << 20;

/// The capacity of the cache of location lists, in bytes. The largest list has a third of a
/// megabyte.
const LOCATION_CACHE_SIZE: u64 = 8 << 20;

/// The state that handlers share; cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The store with the current snapshot.
    pub store: Arc<Store>,
    /// The cache of renditions.
    pub renditions: Arc<Renditions>,
    /// The cache of location lists. It is separate, so that requests with arbitrary `Host` headers
    /// do not evict entities.
    pub locations: Arc<Renditions>,
    /// The prefix of the names of locations.
    pub location_prefix: LocationPrefix,
    /// The configuration of the service's URL.
    pub public_urls: Arc<PublicUrls>,
    /// The counters and histograms.
    pub instruments: Instruments,
    /// When the listener's certificate expires; `None` without TLS.
    pub certificate_end: Arc<ArcSwapOption<Timestamp>>,
    /// Who reads the entities.
    pub readers: Arc<ReaderLog>,
    /// The ledger of runs.
    pub ledger: Arc<Ledger>,
    /// Takes the requests for runs.
    pub requests: Arc<dyn Requests>,
    /// The replicas that share a database; `None` for a single process.
    pub replicas: Option<Arc<Replicas>>,
    /// The status of the service besides its runs.
    pub status: Arc<ServiceStatus>,
    /// Whether the snapshot is on disk.
    pub persistence: Arc<PersistenceStatus>,
    /// The age at which a snapshot is stale.
    pub max_age: Option<Duration>,
    /// The wall clock.
    pub clock: Clock,
    /// Authorizes requests.
    pub authorizer: Arc<Authorizer>,
    /// Cancelled when the service starts to shut down.
    pub draining: CancellationToken,
}

impl AppState {
    /// Returns the state before the first run.
    #[must_use]
    pub fn new(
        service: &ServiceConfig,
        store: Arc<Store>,
        clock: Clock,
        draining: CancellationToken,
    ) -> Self {
        let public_urls = Arc::new(PublicUrls {
            public_url: service.public_url.clone(),
            trusted_proxies: service.trusted_proxies.clone(),
            is_tls: service.tls.is_some(),
        });
        let authorizer = Authorizer::new(&service.auth, service.listen);
        let ledger = Arc::new(Ledger::new(clock.clone()));
        Self {
            store,
            renditions: Arc::new(Renditions::new(RENDITION_CACHE_SIZE)),
            locations: Arc::new(Renditions::new(LOCATION_CACHE_SIZE)),
            location_prefix: service.location_prefix.clone(),
            public_urls,
            instruments: Instruments::default(),
            certificate_end: Arc::default(),
            readers: Arc::new(ReaderLog::new(clock.clone())),
            requests: Arc::new(Arc::clone(&ledger)),
            replicas: None,
            ledger,
            status: Arc::default(),
            persistence: Arc::default(),
            max_age: service.max_age,
            clock,
            authorizer: Arc::new(authorizer),
            draining,
        }
    }

    /// Returns the current snapshot.
    ///
    /// # Errors
    /// Before the first snapshot; the error has the progress of the run.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, ApiError> {
        let missing = || ApiError::NoSnapshot(self.unfinished_run());
        self.store.current().ok_or_else(missing)
    }

    /// Returns the state of the replicas that share a database; `None` for a single process.
    #[must_use]
    pub fn replica_state(&self) -> Option<ReplicaState> {
        self.replicas.as_ref().map(|replicas| replicas.state())
    }

    /// Returns the current snapshot, and a rendition of it.
    ///
    /// A client that has another tag may have it from a replica with a newer snapshot. This one looks for it
    /// first, so that no client sees an older snapshot than before.
    ///
    /// # Errors
    /// Before the first snapshot.
    pub async fn rendition(
        &self,
        variant: Variant,
        headers: &HeaderMap,
    ) -> Result<(Arc<Snapshot>, Arc<Rendition>), ApiError> {
        let encoding = negotiate::encoding(headers);
        let current = async || {
            let snapshot = self.snapshot()?;
            let rendition = self.renditions.rendition(&snapshot, variant, encoding);
            let rendition = rendition.await;
            Ok((snapshot, rendition))
        };
        let found = current().await?;
        let has_tag = self.replicas.is_some() && headers.contains_key(IF_NONE_MATCH);
        if !has_tag || is_not_modified(headers, &found.1.etag) {
            return Ok(found);
        }
        self.requests.catch_up().await;
        current().await
    }

    /// Returns the progress of the run that is in progress or queued.
    #[must_use]
    pub fn unfinished_run(&self) -> Option<RunProgressView> {
        self.ledger.unfinished().as_ref().map(RunProgressView::from)
    }

    /// Returns when the next scheduled run is due; never in the past.
    #[must_use]
    pub fn next_run_at(&self) -> Option<Timestamp> {
        self.status.next_run_at(self.clock.now())
    }

    /// Whether a snapshot is older than `entityProvider.maxAge`.
    #[must_use]
    pub fn is_stale(&self, snapshot: &Snapshot) -> bool {
        let age = Duration::try_from(self.clock.now().duration_since(snapshot.read_at));
        self.max_age
            .is_some_and(|max| age.is_ok_and(|age| age > max))
    }
}
