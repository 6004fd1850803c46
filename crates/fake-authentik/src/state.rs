//! What all requests share, and the lock around it.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

use super::FakeAuthentik;
use super::access::Access;
use super::cost::Cost;
use super::directory::FakeDirectory;
use super::select::Selections;

/// Everything that can change while requests are answered.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) directory: FakeDirectory,
    pub(super) tokens: HashMap<String, Access>,
    pub(super) selections: Selections,
    pub(super) page_cap: Option<usize>,
    pub(super) cost: Cost,
    pub(super) workers: Option<Arc<Semaphore>>,
    /// Whether answers tell the directory's time and not this machine's.
    pub(super) tells_own_time: bool,
}

/// The look-alike as one router serves it: waiting requests give up when the server stops.
#[derive(Clone, Debug)]
pub(super) struct Served {
    pub(super) fake: FakeAuthentik,
    pub(super) stopped: CancellationToken,
}
