//! What handlers share.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::auth::Authorizer;
use crate::catalog::location::LocationPrefix;
use crate::clock::Clock;
use crate::http::public_url::PublicUrls;
use crate::snapshot::ledger::Ledger;
use crate::snapshot::persistence::PersistenceStatus;
use crate::snapshot::renditions::Renditions;
use crate::snapshot::{Snapshot, Store};

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
    /// Whether the snapshot is on disk.
    pub keeping: Arc<PersistenceStatus>,
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
    /// Whether a snapshot is older than the operator allows.
    #[must_use]
    pub fn is_stale(&self, snapshot: &Snapshot) -> bool {
        let age = Duration::try_from(self.clock.now().duration_since(snapshot.read_at));
        self.max_age
            .is_some_and(|max| age.is_ok_and(|age| age > max))
    }
}
