//! What handlers share.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::auth::Authorizer;
use super::endpoints::run_view::RunProgressView;
use super::error::ApiError;
use crate::catalog::location::LocationPrefix;
use crate::clock::Clock;
use crate::config::ServiceConfig;
use crate::http::public_url::PublicUrls;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::persistence::PersistenceStatus;
use crate::snapshot::renditions::Renditions;
use crate::snapshot::status::ServiceStatus;
use crate::snapshot::{Snapshot, Store};

/// How many bytes of renditions other than the default body are kept.
const RENDITION_CACHE_SIZE: u64 = 128 << 20;

/// How many bytes of lists of locations are kept: the largest has a third of a megabyte.
const LOCATION_CACHE_SIZE: u64 = 8 << 20;

/// What handlers share; cheap to clone.
#[derive(Clone, Debug)]
pub struct AppState {
    /// The snapshot that is served.
    pub store: Arc<Store>,
    /// Renditions made on first use.
    pub renditions: Arc<Renditions>,
    /// Lists of locations; apart, so that no `Host` that clients invent drives entities out.
    pub locations: Arc<Renditions>,
    /// What the names of locations begin with.
    pub location_prefix: LocationPrefix,
    /// What the operator says of the ways to this service.
    pub public_urls: Arc<PublicUrls>,
    /// Runs of the sync.
    pub ledger: Arc<Ledger>,
    /// What is known of the service beside its runs.
    pub status: Arc<ServiceStatus>,
    /// Whether the snapshot is on disk.
    pub persistence: Arc<PersistenceStatus>,
    /// The age at which a snapshot counts as stale.
    pub max_age: Option<Duration>,
    /// The wall clock.
    pub clock: Clock,
    /// Decides who may do what.
    pub authorizer: Arc<Authorizer>,
    /// Cancelled as soon as the service begins to shut down.
    pub draining: CancellationToken,
}

impl AppState {
    /// The state of a service before its first run; snapshots are published in `store`.
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
        Self {
            store,
            renditions: Arc::new(Renditions::new(RENDITION_CACHE_SIZE)),
            locations: Arc::new(Renditions::new(LOCATION_CACHE_SIZE)),
            location_prefix: service.location_prefix.clone(),
            public_urls,
            ledger: Arc::new(Ledger::new(clock.clone())),
            status: Arc::default(),
            persistence: Arc::default(),
            max_age: service.max_age,
            clock,
            authorizer: Arc::new(authorizer),
            draining,
        }
    }

    /// The snapshot that is served.
    ///
    /// # Errors
    /// Before the first one; the error has the progress of the run under way.
    pub fn snapshot(&self) -> Result<Arc<Snapshot>, ApiError> {
        let missing = || ApiError::NoSnapshot(self.unfinished_run());
        self.store.current().ok_or_else(missing)
    }

    /// How far the run is that is under way or queued.
    #[must_use]
    pub fn unfinished_run(&self) -> Option<RunProgressView> {
        self.ledger.unfinished().as_ref().map(RunProgressView::from)
    }

    /// When the next scheduled run is due; never in the past.
    #[must_use]
    pub fn next_run_at(&self) -> Option<Timestamp> {
        self.status.next_run_at(self.clock.now())
    }

    /// Whether a snapshot is older than the operator allows.
    #[must_use]
    pub fn is_stale(&self, snapshot: &Snapshot) -> bool {
        let age = Duration::try_from(self.clock.now().duration_since(snapshot.read_at));
        self.max_age
            .is_some_and(|max| age.is_ok_and(|age| age > max))
    }
}
