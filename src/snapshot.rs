//! What is served: an immutable snapshot, swapped as a whole, and the ledger of the runs that make it.
//!
//! This is where `sync` and `http` meet: one publishes and writes the ledger, the other reads.

pub mod changes;
pub mod document;
pub mod explained;
pub mod ledger;
pub mod rendition;
pub mod renditions;
pub mod run;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;

use crate::catalog::finding::Finding;
use crate::catalog::plan::{Names, Plan};
use crate::catalog::policy::Policy;
use crate::directory::Directory;
use document::Document;
use rendition::{Encoding, Rendition, Variant};

/// Authentik's rows at one time and everything that follows from them.
#[derive(Debug)]
pub struct Snapshot {
    /// The rows, kept so that another policy can be applied to them.
    pub directory: Directory,
    /// The names that rows hold; they decide collisions in the next snapshot.
    pub names: Names,
    /// What the operator should know.
    pub findings: Arc<[Finding]>,
    /// The entities as they are served by default.
    pub document: Document,
    /// When the reading of the rows began.
    pub read_at: Timestamp,
    /// What the entities were made with.
    pub policy: Arc<Policy>,
    identity: Arc<Rendition>,
    gzip: Arc<Rendition>,
}

impl Snapshot {
    /// Transforms and renders rows that were read at `read_at`; heavy, not for a serving thread.
    ///
    /// What did not change since the previous snapshot is taken from there.
    #[must_use]
    pub fn new(
        directory: Directory,
        policy: Arc<Policy>,
        previous: Option<&Self>,
        read_at: Timestamp,
    ) -> Self {
        let unnamed = Names::default();
        let plan = Plan::new(&directory, &policy, previous.map_or(&unnamed, |previous| &previous.names));
        let (names, findings) = (plan.names(), plan.findings().into());
        let document = Document::render(&plan);
        drop(plan);
        let unchanged = previous.filter(|previous| previous.document.digest() == document.digest());
        let (document, identity, gzip) = if let Some(previous) = unchanged {
            (previous.document.clone(), Arc::clone(&previous.identity), Arc::clone(&previous.gzip))
        } else {
            let identity = Rendition::plain(&document, Variant::default());
            let gzip = Arc::new(identity.gzip());
            (document, Arc::new(identity), gzip)
        };
        Self { directory, names, findings, document, read_at, policy, identity, gzip }
    }

    /// The default body, which is there from the beginning.
    #[must_use]
    pub fn default_rendition(&self, encoding: Encoding) -> &Arc<Rendition> {
        match encoding {
            Encoding::Identity => &self.identity,
            Encoding::Gzip => &self.gzip,
        }
    }
}

/// The snapshot that is served now; readers never wait.
#[derive(Debug, Default)]
pub struct Store(ArcSwapOption<Snapshot>);

impl Store {
    /// The current snapshot, if there has been one.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.0.load_full()
    }

    /// Serves another snapshot from now on.
    pub fn publish(&self, snapshot: Snapshot) {
        self.0.store(Some(Arc::new(snapshot)));
    }
}
