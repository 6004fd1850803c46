//! The data that the service serves: an immutable snapshot, replaced as a whole, and the ledger of
//! the runs that produce it.
//!
//! `sync` and `http` meet only here: `sync` publishes snapshots and writes the ledger, `http` reads
//! both.

mod buckets;
pub mod changes;
mod coding;
pub mod document;
pub mod explanations;
pub mod ledger;
pub mod locations;
pub mod persistence;
pub mod push;
pub mod recent_maxima;
pub mod rendition;
pub mod renditions;
pub mod replicas;
pub mod requests;
pub mod run;
pub mod shard;
pub mod status;
pub mod sync_mode;
pub mod totals;

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use jiff::Timestamp;
use tokio::sync::watch;

use crate::catalog::finding::Finding;
use crate::catalog::plan::{Names, Plan};
use crate::catalog::policy::Policy;
use crate::catalog::unstamped_changes;
use crate::directory::{Directory, Sizes};
use document::Document;
use persistence::{Confirmation, PersistedRows};
use recent_maxima::RecentMaxima;
use rendition::{Rendition, Variant};
use sync_mode::ResumePoint;

/// Authentik's rows at one time and everything derived from them.
#[derive(Debug)]
pub struct Snapshot {
    /// The rows, stored so that the service can apply another policy to them.
    pub directory: Arc<Directory>,
    /// The applied policy.
    pub policy: Arc<Policy>,
    /// The assigned names; they decide collisions in the next snapshot.
    pub names: Names,
    /// Findings for the operator.
    pub findings: Arc<[Finding]>,
    /// The entities in the default format.
    pub document: Document,
    /// Time when the first request for the rows was sent.
    pub read_at: Timestamp,
    /// Whether the rows were restored from the state file.
    pub restored: bool,
    /// The point from which an incremental sync can continue.
    pub resume_point: ResumePoint,
    /// The recent sizes of the directory; the shrink guard compares the next rows with them.
    pub recent_maxima: RecentMaxima,
    /// The version in the database that replicas share; 0 without a database.
    pub version: i64,
    /// Whether another replica rendered the document, perhaps with another policy.
    is_adopted: bool,
    identity: Arc<Rendition>,
}

impl Snapshot {
    /// Transforms and renders rows read at `read_at`; CPU-bound, not for an async thread.
    ///
    /// Reuses the unchanged parts of the previous snapshot, or all of it if neither rows nor policy
    /// changed. Adds these rows to its recent maxima. Without a previous snapshot of this server, names and
    /// maxima continue from persisted rows.
    #[must_use]
    pub fn new(
        directory: Arc<Directory>,
        policy: Arc<Policy>,
        previous: Option<&Self>,
        persisted: Option<&PersistedRows>,
        (read_at, resume_point): (Timestamp, ResumePoint),
    ) -> Self {
        let no_names = Names::default();
        // Rows of another server are unrelated, even if their keys are equal.
        let earlier = previous.filter(|previous| previous.policy.base_url == policy.base_url);
        let restored = earlier
            .is_some_and(|earlier| earlier.restored && Arc::ptr_eq(&earlier.directory, &directory));
        if let Some(same) =
            earlier.filter(|earlier| earlier.has_inputs(&directory, &policy, &resume_point))
        {
            return Self {
                restored,
                ..same.reread(read_at, resume_point)
            };
        }
        let persisted = persisted.filter(|_| earlier.is_none());
        let held = earlier
            .map(|earlier| &earlier.names)
            .or(persisted.map(|rows| &rows.names))
            .unwrap_or(&no_names);
        let recent_maxima = earlier
            .map(|earlier| &earlier.recent_maxima)
            .or(persisted.map(|rows| &rows.recent_maxima))
            .cloned()
            .unwrap_or_default();
        Self {
            restored,
            ..Self::build(
                directory,
                policy,
                held,
                &recent_maxima,
                previous,
                (read_at, resume_point),
            )
        }
    }

    /// Returns true if the inputs give an equal snapshot.
    fn has_inputs(
        &self,
        directory: &Arc<Directory>,
        policy: &Policy,
        resume_point: &ResumePoint,
    ) -> bool {
        let same_rows = Arc::ptr_eq(&self.directory, directory) || self.directory == *directory;
        !self.is_adopted
            && same_rows
            && *self.policy == *policy
            && self.resume_point.unstamped == resume_point.unstamped
    }

    /// Copies the snapshot with a later read time.
    fn reread(&self, read_at: Timestamp, resume_point: ResumePoint) -> Self {
        Self {
            directory: Arc::clone(&self.directory),
            policy: Arc::clone(&self.policy),
            names: self.names.clone(),
            findings: Arc::clone(&self.findings),
            document: self.document.clone(),
            read_at,
            restored: self.restored,
            resume_point,
            recent_maxima: self.recent_maxima.and(read_at, Sizes::of(&self.directory)),
            version: 0,
            is_adopted: false,
            identity: Arc::clone(&self.identity),
        }
    }

    /// Transforms and renders restored rows; CPU-bound.
    #[must_use]
    pub fn restored(persisted: PersistedRows, policy: Arc<Policy>) -> Self {
        let PersistedRows {
            directory,
            names,
            recent_maxima,
            read_at,
            resume_point,
        } = persisted;
        let built = Self::build(
            Arc::new(directory),
            policy,
            &names,
            &recent_maxima,
            None,
            (read_at, resume_point),
        );
        Self {
            restored: true,
            ..built
        }
    }

    /// Transforms and renders rows; on a name collision, the claim in `held` wins.
    fn build(
        directory: Arc<Directory>,
        policy: Arc<Policy>,
        held: &Names,
        recent_maxima: &RecentMaxima,
        previous: Option<&Self>,
        (read_at, resume_point): (Timestamp, ResumePoint),
    ) -> Self {
        let plan = Plan::new(&directory, &policy, held);
        let recent_maxima = recent_maxima.and(read_at, Sizes::of(&directory));
        let unstamped = unstamped_changes::finding(&resume_point.unstamped, &directory);
        let findings = plan.findings().iter().cloned().chain(unstamped).collect();
        let names = plan.names();
        let document = Document::render(&plan, previous.map(|previous| &previous.document));
        drop(plan);
        tracing::debug!(
            rendered = document.rendered(),
            "rendered the changed entities and copied the others"
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
            resume_point,
            recent_maxima,
            version: 0,
            is_adopted: false,
            identity,
        }
    }

    /// Returns the snapshot that another replica published: its rows and its rendered entities; CPU-bound.
    ///
    /// The entities are served as they are, so that all replicas serve the same bytes, also if this one has
    /// another policy or version. Only the findings are computed with this replica's policy.
    #[must_use]
    pub fn adopted(
        persisted: PersistedRows,
        document: Document,
        policy: Arc<Policy>,
        previous: Option<&Self>,
        version: i64,
    ) -> Self {
        let PersistedRows {
            directory,
            names,
            recent_maxima,
            read_at,
            resume_point,
        } = persisted;
        let findings = Plan::new(&directory, &policy, &names).findings().into();
        let same = previous.filter(|previous| previous.document.digest() == document.digest());
        let identity = same.map_or_else(
            || Arc::new(Rendition::plain(&document, Variant::default())),
            |same| Arc::clone(&same.identity),
        );
        Self {
            directory: Arc::new(directory),
            policy,
            names,
            findings,
            document,
            read_at,
            restored: false,
            resume_point,
            recent_maxima,
            version,
            is_adopted: true,
            identity,
        }
    }

    /// Returns the snapshot after another replica has read the same rows again.
    #[must_use]
    pub fn confirmed(&self, confirmation: Confirmation, version: i64) -> Self {
        let Confirmation {
            recent_maxima,
            read_at,
            resume_point,
        } = confirmation;
        Self {
            recent_maxima,
            version,
            is_adopted: true,
            restored: false,
            ..self.reread(read_at, resume_point)
        }
    }

    /// Returns true if a snapshot has the same rows, names and entities, by identity.
    #[must_use]
    pub fn repeats(&self, previous: &Self) -> bool {
        Arc::ptr_eq(&self.directory, &previous.directory)
            && Arc::ptr_eq(&self.identity, &previous.identity)
            && self.names == previous.names
    }

    /// Returns true if another replica rendered the entities, perhaps with another configuration.
    #[must_use]
    pub fn is_adopted(&self) -> bool {
        self.is_adopted
    }

    /// Sets the version in the database that replicas share.
    #[must_use]
    pub fn with_version(self, version: i64) -> Self {
        Self { version, ..self }
    }

    /// Returns the default body without a content coding.
    #[must_use]
    pub fn identity(&self) -> &Arc<Rendition> {
        &self.identity
    }
}

/// The current snapshot; readers never block.
#[derive(Debug, Default)]
pub struct Store {
    current: ArcSwapOption<Snapshot>,
    published: watch::Sender<()>,
}

impl Store {
    /// Returns the current snapshot, or `None` before the first one.
    #[must_use]
    pub fn current(&self) -> Option<Arc<Snapshot>> {
        self.current.load_full()
    }

    /// Replaces the current snapshot.
    pub fn publish(&self, snapshot: impl Into<Arc<Snapshot>>) {
        self.current.store(Some(snapshot.into()));
        self.published.send_replace(());
    }

    /// Returns a receiver that is notified of every published snapshot.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<()> {
        self.published.subscribe()
    }
}
