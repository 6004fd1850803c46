//! The file in which a snapshot is kept: one for each server in the state directory.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;

use super::{Kept, Refusal, decode, encode};
use crate::atomic_file::{self, UNFINISHED};
use crate::base_url::BaseUrl;
use crate::digest::sha256_hex;
use crate::snapshot::Snapshot;

/// How the name of a file begins that is being written.
const WRITING: &str = ".writing-";
/// After this time nobody writes on a file: its writer was killed.
const ABANDONED: Duration = Duration::from_mins(10);
/// No directory comes near this; a larger file is nothing of ours and would fill the memory.
const LARGEST: u64 = 1 << 30;
/// Digits of the server's hash in the name.
const DIGITS: usize = 16;

/// Why nothing was loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file is not used.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// It cannot be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The file of one server.
#[derive(Clone, Debug)]
pub struct StateFile {
    folder: PathBuf,
    base_url: BaseUrl,
}

impl StateFile {
    /// The file of a server in a directory; neither need exist.
    #[must_use]
    pub fn of(folder: &Path, base_url: &BaseUrl) -> Self {
        Self {
            folder: folder.to_owned(),
            base_url: base_url.clone(),
        }
    }

    /// Where it stands.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        let server = sha256_hex(self.base_url.as_str().as_bytes(), DIGITS);
        self.folder.join(format!("{server}.snapshot"))
    }

    /// Reads what was kept; none if there is no file.
    ///
    /// # Errors
    /// When the file cannot be read, or is not whole, of this server and of a known version.
    pub fn load(&self) -> Result<Option<Kept>, LoadError> {
        let path = self.path();
        // Looked at before it is opened: a pipe would make the reader wait.
        let found = match fs::metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            found => found?,
        };
        if !found.is_file() || found.len() > LARGEST {
            return Err(Refusal::Foreign.into());
        }
        Ok(Some(decode(&fs::read(&path)?, &self.base_url)?))
    }

    /// Replaces what was kept; the directory is made if it is missing (0700), the file is 0600.
    ///
    /// # Errors
    /// When the directory cannot be made or written; what was kept is untouched then.
    pub fn save(&self, snapshot: &Snapshot) -> io::Result<()> {
        let Snapshot {
            directory,
            names,
            peaks,
            read_at,
            origin,
            ..
        } = snapshot;
        let bytes = encode(&self.base_url, directory, names, peaks, *read_at, origin)?;
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)?;
        atomic_file::replace(&self.path(), WRITING, None, &bytes)
    }

    /// Renames a refused file, in the place of an earlier one that was refused for the same reason.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn set_aside(&self, refusal: &Refusal) -> io::Result<PathBuf> {
        let path = self.path();
        let aside = path.with_extension(format!("snapshot.refused-{}", refusal.code()));
        fs::rename(path, &aside)?;
        Ok(aside)
    }

    /// Removes what killed writers left in the directory.
    ///
    /// # Errors
    /// When the directory cannot be read or written.
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

/// Whether a file was written to long ago.
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
    fn only_old_files_of_killed_writers_are_swept_away() {
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
    fn servers_have_files_of_their_own() {
        let file = |url| StateFile::of("/s".as_ref(), &BaseUrl::parse(url).unwrap()).path();
        let one = file("https://authentik.example.com/");
        assert_eq!(one, file("https://authentik.example.com"));
        assert_ne!(one, file("https://authentik.example.com/auth"));
    }
}
