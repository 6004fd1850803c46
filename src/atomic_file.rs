//! Replaces files atomically: a reader sees the old content or the new, even after a crash.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::Path;

use tempfile::Builder;

/// The suffix of temporary files.
pub const UNFINISHED: &str = ".tmp";

/// Writes a temporary file named `<prefix>….tmp` beside `file`, syncs it to disk and renames it.
///
/// The mode is 0600 unless `permissions` are given. A symbolic link is replaced, not followed.
///
/// # Errors
/// When the folder is not writable; the old file is unchanged.
pub fn replace(
    file: &Path,
    prefix: &str,
    permissions: Option<Permissions>,
    bytes: &[u8],
) -> io::Result<()> {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let mut written = Builder::new()
        .prefix(prefix)
        .suffix(UNFINISHED)
        .tempfile_in(folder)?;
    written.write_all(bytes)?;
    if let Some(permissions) = permissions {
        written.as_file().set_permissions(permissions)?;
    }
    // Without this a power failure could leave the new name with no content.
    written.as_file().sync_all()?;
    written.persist(file)?;
    File::open(folder)?.sync_all()
}
