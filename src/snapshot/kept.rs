//! What a snapshot leaves on disk for the next start: Authentik's rows and the names that they held.
//!
//! Entities are not kept: they follow from the rows under the configuration that counts then.
//! A file that is not whole and of the right server is never served.

mod format;
mod keeping;
mod rows;
mod state_file;

pub use format::{Refusal, decode, encode};
pub use keeping::Keeping;
pub use state_file::{LoadError, StateFile};

use jiff::Timestamp;

use super::peaks::Peaks;
use super::reading::Origin;
use crate::catalog::plan::Names;
use crate::directory::Directory;

/// What was kept of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Authentik's rows.
    pub directory: Directory,
    /// The names that they held.
    pub names: Names,
    /// How large the directory was lately.
    pub peaks: Peaks,
    /// When the reading of the rows began.
    pub read_at: Timestamp,
    /// From where the next run can go on.
    pub origin: Origin,
}
