//! The file with the persisted snapshot: one for each server, in the state directory.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::{FormatError, PersistedRows, decode, encode};
use crate::atomic_file::{self, UNFINISHED};
use crate::base_url::BaseUrl;
use crate::digest::sha256_hex;
use crate::snapshot::Snapshot;

/// Prefix of the name of an unfinished file.
const WRITING: &str = ".writing-";
/// An unfinished file older than this belongs to a killed process.
const ABANDONED: Duration = Duration::from_mins(10);
/// Maximum size in bytes, far above that of any directory; a larger file is not a state file and
/// would fill the memory.
const LARGEST: u64 = 1 << 30;
/// Digits of the server's hash in the file name.
const DIGITS: usize = 16;

/// The reason why no snapshot was restored.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is rejected.
    #[error(transparent)]
    Refused(#[from] FormatError),
    /// The file cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The state file of one server.
#[derive(Clone, Debug)]
pub struct StateFile {
    folder: PathBuf,
    base_url: BaseUrl,
}

impl StateFile {
    /// Returns the state file of a server in a directory; neither needs to exist.
    #[must_use]
    pub fn of(folder: &Path, base_url: &BaseUrl) -> Self {
        Self {
            folder: folder.to_owned(),
            base_url: base_url.clone(),
        }
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        let server = sha256_hex(self.base_url.as_str().as_bytes(), DIGITS);
        self.folder.join(format!("{server}.snapshot"))
    }

    /// Reads the file; returns `None` if there is none.
    ///
    /// # Errors
    /// Fails if the file cannot be read, is not complete, belongs to another server or has an
    /// unknown version.
    pub fn load(&self) -> Result<Option<PersistedRows>, LoadError> {
        let path = self.path();
        // The type is checked before the file is opened: opening a pipe would block.
        let found = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        if !found.is_file() || found.len() > LARGEST {
            return Err(FormatError::Foreign.into());
        }
        Ok(Some(decode(&fs::read(&path)?, &self.base_url)?))
    }

    /// Replaces the file (mode 0600); creates the directory (mode 0700) if it is missing.
    ///
    /// # Errors
    /// Fails if the directory cannot be created or written; the previous file is then unchanged.
    pub fn save(&self, snapshot: &Snapshot) -> io::Result<()> {
        let Snapshot {
            directory,
            names,
            recent_maxima,
            read_at,
            resume_point,
            ..
        } = snapshot;
        let bytes = encode(
            &self.base_url,
            directory,
            names,
            recent_maxima,
            *read_at,
            resume_point,
        )?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        atomic_file::replace(&self.path(), WRITING, None, &bytes)
    }

    /// Renames a rejected file; replaces an earlier one that was rejected for the same reason.
    ///
    /// # Errors
    /// Fails if the directory cannot be written.
    pub fn set_aside(&self, refusal: &FormatError) -> io::Result<PathBuf> {
        let path = self.path();
        let aside = path.with_extension(format!("snapshot.refused-{}", refusal.code()));
        fs::rename(path, &aside)?;
        Ok(aside)
    }

    /// Removes unfinished files of killed processes from the directory.
    ///
    /// # Errors
    /// Fails if the directory cannot be read or written.
    pub fn sweep(&self, now: Timestamp) -> io::Result<()> {
        let entries = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            let name = entry.file_name();
            let is_ours = name
                .to_str()
                .is_some_and(|name| name.starts_with(WRITING) && name.ends_with(UNFINISHED));
            if is_ours && is_abandoned(&entry.metadata()?, now)? {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Returns true if the file was last modified long ago.
fn is_abandoned(file: &fs::Metadata, now: Timestamp) -> io::Result<bool> {
    let modified = Timestamp::try_from(file.modified()?).map_err(io::Error::other)?;
    let age = Duration::try_from(now.duration_since(modified)).unwrap_or_default();
    Ok(file.is_file() && age > ABANDONED)
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn sweep_removes_only_old_unfinished_files() {
        let folder = tempfile::tempdir().unwrap();
        let url = BaseUrl::parse("https://authentik.example.com").unwrap();
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        let old = ABANDONED + Duration::from_secs(1);
        for (name, age) in [
            (".writing-old.tmp", old),
            (".writing-young.tmp", ABANDONED),
            (".writing-old", old),
            ("other.tmp", old),
            ("0123456789abcdef.snapshot", old),
        ] {
            let file = File::create(folder.path().join(name)).unwrap();
            file.set_modified((now - age).into()).unwrap();
        }
        StateFile::of(folder.path(), &url).sweep(now).unwrap();
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        left.sort();
        assert_eq!(
            left,
            [
                ".writing-old",
                ".writing-young.tmp",
                "0123456789abcdef.snapshot",
                "other.tmp"
            ]
        );
        StateFile::of(&folder.path().join("missing"), &url)
            .sweep(now)
            .unwrap();
    }

    #[test]
    fn each_server_has_its_own_file() {
        let file = |url| StateFile::of("/s".as_ref(), &BaseUrl::parse(url).unwrap()).path();
        let one = file("https://authentik.example.com/");
        assert_eq!(one, file("https://authentik.example.com"));
        assert_ne!(one, file("https://authentik.example.com/auth"));
    }
}
