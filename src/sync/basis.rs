//! The rows that a run continues from: those of the current snapshot, or those of the state file.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;

use crate::catalog::plan::Names;
use crate::directory::{Directory, FieldSelection, Sizes};
use crate::snapshot::Snapshot;
use crate::snapshot::persistence::PersistedRows;
use crate::snapshot::sync_mode::ResumePoint;

/// The rows that a run continues from.
#[derive(Clone, Debug)]
pub(super) enum Basis {
    /// The rows of the current snapshot.
    Published(Arc<Snapshot>),
    /// Rows from the state file that cannot be published yet.
    Persisted(Arc<PersistedRows>),
}

impl Basis {
    /// The rows.
    pub(super) fn directory(&self) -> &Directory {
        match self {
            Self::Published(snapshot) => &snapshot.directory,
            Self::Persisted(rows) => &rows.directory,
        }
    }

    /// The rows with these additional fields; `None` if they lack one of them.
    pub(super) fn with_fields(&self, fields: &Arc<FieldSelection>) -> Option<Cow<'_, Directory>> {
        let directory = self.directory();
        if directory.selection() == fields {
            return Some(Cow::Borrowed(directory));
        }
        let covers = directory.selection().covers(fields);
        covers.then(|| Cow::Owned(directory.project(fields)))
    }

    /// The point from which an incremental sync can continue.
    pub(super) fn resume_point(&self) -> &ResumePoint {
        match self {
            Self::Published(snapshot) => &snapshot.resume_point,
            Self::Persisted(rows) => &rows.resume_point,
        }
    }

    /// The names of the entities, with their namespace.
    pub(super) fn names(&self) -> &Names {
        match self {
            Self::Published(snapshot) => &snapshot.names,
            Self::Persisted(rows) => &rows.names,
        }
    }

    /// The largest sizes of the directory within the last day.
    pub(super) fn largest(&self, now: Timestamp) -> Sizes {
        match self {
            Self::Published(snapshot) => snapshot.recent_maxima.largest(now),
            Self::Persisted(rows) => rows.recent_maxima.largest(now),
        }
    }
}
