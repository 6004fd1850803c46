//! What is served: an immutable snapshot, swapped as a whole, and the ledger of the runs that make it.
//!
//! This is where `sync` and `http` meet: one publishes and writes the ledger, the other reads.

mod buckets;
pub mod changes;
mod coding;
pub mod document;
pub mod explained;
pub mod kept;
pub mod ledger;
pub mod locations;
pub mod peaks;
pub mod push;
pub mod reading;
pub mod rendition;
pub mod renditions;
pub mod run;
pub mod shard;
pub mod status;
pub mod totals;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::catalog::finding::Finding;
use crate::catalog::plan::{Names, Plan};
use crate::catalog::policy::Policy;
use crate::catalog::unannounced;
use crate::directory::{Directory, Sizes};
use document::Document;
use kept::Kept;
use peaks::Peaks;
use reading::Origin;
use rendition::{Rendition, Variant};

/// Authentik's rows at one time and everything that follows from them.
#[derive(Debug)]
pub struct Snapshot {
    /// The rows, kept so that another policy can be applied to them.
    pub directory: Arc<Directory>,
    /// The policy that was applied to them.
    pub policy: Arc<Policy>,
    /// The names that rows hold; they decide collisions in the next snapshot.
    pub names: Names,
    /// What the operator should know.
    pub findings: Arc<[Finding]>,
    /// The entities as they are served by default.
    pub document: Document,
    /// When the reading of the rows began.
    pub read_at: Timestamp,
    /// Whether the rows were read before the service was restarted.
    pub restored: bool,
    /// From where the next run can go on.
    pub origin: Origin,
    /// How large the directory was lately; the shrink guard compares the next rows with it.
    pub peaks: Peaks,
    identity: Arc<Rendition>,
}

impl Snapshot {
    /// Transforms and renders rows that were read at `read_at`; heavy, not for a serving thread.
    ///
    /// What did not change since the previous snapshot is taken from there, all of it if neither rows
    /// nor policy did; so are the peaks, to which these rows are added.
    #[must_use]
    pub fn new(
        directory: Arc<Directory>,
        policy: Arc<Policy>,
        previous: Option<&Self>,
        read_at: Timestamp,
        origin: Origin,
    ) -> Self {
        let unnamed = Names::default();
        // Another server's rows have nothing to do with these, whatever their pks.
        let kept = previous.filter(|previous| previous.policy.base_url == policy.base_url);
        let restored =
            kept.is_some_and(|kept| kept.restored && Arc::ptr_eq(&kept.directory, &directory));
        if let Some(same) = kept.filter(|kept| kept.is_made_of(&directory, &policy, &origin)) {
            return Self {
                restored,
                ..same.again(read_at, origin)
            };
        }
        let held = kept.map_or(&unnamed, |kept| &kept.names);
        let peaks = kept.map(|kept| kept.peaks.clone()).unwrap_or_default();
        Self {
            restored,
            ..Self::made(directory, policy, held, &peaks, previous, (read_at, origin))
        }
    }

    /// Whether the same would be made again.
    fn is_made_of(&self, directory: &Arc<Directory>, policy: &Policy, origin: &Origin) -> bool {
        let same_rows = Arc::ptr_eq(&self.directory, directory) || self.directory == *directory;
        same_rows && *self.policy == *policy && self.origin.unannounced == origin.unannounced
    }

    /// The same as it was read once more.
    fn again(&self, read_at: Timestamp, origin: Origin) -> Self {
        Self {
            directory: Arc::clone(&self.directory),
            policy: Arc::clone(&self.policy),
            names: self.names.clone(),
            findings: Arc::clone(&self.findings),
            document: self.document.clone(),
            read_at,
            restored: self.restored,
            origin,
            peaks: self.peaks.and(read_at, Sizes::of(&self.directory)),
            identity: Arc::clone(&self.identity),
        }
    }

    /// Transforms and renders what was kept over a restart; heavy as well.
    #[must_use]
    pub fn restored(kept: Kept, policy: Arc<Policy>) -> Self {
        let Kept {
            directory,
            names,
            peaks,
            read_at,
            origin,
        } = kept;
        let made = Self::made(
            Arc::new(directory),
            policy,
            &names,
            &peaks,
            None,
            (read_at, origin),
        );
        Self {
            restored: true,
            ..made
        }
    }

    /// Transforms and renders rows; of two claims to a name the one in `held` is the better.
    fn made(
        directory: Arc<Directory>,
        policy: Arc<Policy>,
        held: &Names,
        peaks: &Peaks,
        previous: Option<&Self>,
        (read_at, origin): (Timestamp, Origin),
    ) -> Self {
        let plan = Plan::new(&directory, &policy, held);
        let peaks = peaks.and(read_at, Sizes::of(&directory));
        let unannounced = unannounced::finding(&origin.unannounced, &directory);
        let findings = plan.findings().iter().cloned().chain(unannounced).collect();
        let names = plan.names();
        let document = Document::render(&plan, previous.map(|previous| &previous.document));
        drop(plan);
        tracing::debug!(
            written = document.written(),
            "entities were written, and the others copied"
        );
        let unchanged = previous.filter(|previous| previous.document.digest() == document.digest());
        let (document, identity) = if let Some(previous) = unchanged {
            (previous.document.clone(), Arc::clone(&previous.identity))
        } else {
            let identity = Rendition::plain(&document, Variant::default());
            (document, Arc::new(identity))
        };
        Self {
            directory,
            policy,
            names,
            findings,
            document,
            read_at,
            restored: false,
            origin,
            peaks,
            identity,
        }
    }

    /// The default body without a coding.
    #[must_use]
    pub fn identity(&self) -> &Arc<Rendition> {
        &self.identity
    }
}

/// The snapshot that is served now; readers never wait.
#[derive(Debug, Default)]
pub struct Store {
    current: ArcSwapOption<Snapshot>,
    published: watch::Sender<()>,
}

impl Store {
    /// The current snapshot, if there has been one.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }

    /// Serves another snapshot from now on.
    pub fn publish(&self, snapshot: Snapshot) {
        self.current.store(Some(Arc::new(snapshot)));
        self.published.send_replace(());
    }

    /// What tells that another snapshot is served.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.published.subscribe()
    }
}
