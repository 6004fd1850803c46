//! The persisted part of a snapshot: Authentik's rows and their assigned names.
//!
//! Entities are not persisted: the service derives them from the rows and its current
//! configuration. A file that is incomplete or belongs to another server is never restored.

mod format;
mod rows;
mod state_file;
mod status;

pub use format::{
    FormatError, decode, decode_header, decode_rows, encode, encode_header, encode_rows,
};
pub use state_file::{LoadError, StateFile};
pub use status::PersistenceStatus;

use jiff::Timestamp;

use super::recent_maxima::RecentMaxima;
use super::sync_mode::ResumePoint;
use crate::catalog::plan::Names;
use crate::directory::Directory;

/// The persisted part of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersistedRows {
    /// Authentik's rows.
    pub directory: Directory,
    /// The assigned names.
    pub names: Names,
    /// The recent sizes of the directory.
    pub recent_maxima: RecentMaxima,
    /// Time when the first request for the rows was sent.
    pub read_at: Timestamp,
    /// The point from which an incremental sync can continue.
    pub resume_point: ResumePoint,
}

/// What a run without a change confirms: the rows of an earlier run, at a later time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confirmation {
    /// The recent sizes of the directory.
    pub recent_maxima: RecentMaxima,
    /// Time when the first request for the rows was sent.
    pub read_at: Timestamp,
    /// The point from which an incremental sync can continue.
    pub resume_point: ResumePoint,
}
