//! State that all requests share, and the lock around it.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::FakeAuthentik;
use super::access::Access;
use super::cost::Cost;
use super::directory::FakeDirectory;
use super::select::Selections;

/// The mutable state of the server.
#[derive(Debug)]
pub(super) struct FakeState {
    pub(super) directory: FakeDirectory,
    pub(super) tokens: HashMap<String, Access>,
    pub(super) selections: Selections,
    pub(super) page_cap: Option<usize>,
    pub(super) cost: Cost,
    pub(super) workers: Option<Arc<Semaphore>>,
    /// Whether `Date` carries the directory's time instead of the machine's.
    pub(super) tells_own_time: bool,
}

/// The fake Authentik as one router serves it; blocked requests end when the server stops.
#[derive(Clone, Debug)]
pub(super) struct ServerState {
    pub(super) fake: FakeAuthentik,
    pub(super) stopped: CancellationToken,
}
