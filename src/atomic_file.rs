//! Replaces files as a whole: whoever reads one sees the old content or the new, even after a crash.

use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::path::Path;

use tempfile::Builder;

/// How the names of files end that are being written.
pub const UNFINISHED: &str = ".tmp";

/// Puts bytes in the place of a file, and on the disk. What is being written begins with `prefix`.
///
/// The file is for its owner alone (0600) unless other permissions are given. A link is replaced and
/// not followed.
///
/// # Errors
/// When the folder cannot be written; the old file is untouched then.
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
    // Else a crash of the machine could keep the new name and lose the content.
    written.as_file().sync_all()?;
    written.persist(file)?;
    File::open(folder)?.sync_all()
}
