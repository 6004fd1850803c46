//! How and where commands write.

use std::io::{ErrorKind, Write, stdout};
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use crate::atomic_file;

/// For whom a command writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// For people
    #[default]
    Text,
    /// For machines
    Json,
}

/// Where a command writes.
#[derive(Debug, Args)]
pub(super) struct Destination {
    /// A file, replaced as a whole; standard output without it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Destination {
    /// Whether people see the text at once.
    pub(super) fn is_stdout(&self) -> bool {
        self.output.is_none()
    }

    /// Writes the whole output.
    pub(super) fn write(&self, bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
        match &self.output {
            None => print(bytes),
            Some(file) => replace(file, bytes.as_ref())
                .with_context(|| format!("cannot write {}", file.display())),
        }
    }
}

/// Writes to standard output; that nobody reads any more, as in `| head`, is no error.
pub(super) fn print(bytes: impl AsRef<[u8]>) -> anyhow::Result<()> {
    let mut stdout = stdout().lock();
    match stdout
        .write_all(bytes.as_ref())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// Replaces a file as a whole: a reader sees the old content or the new, even after a crash.
/// A new file is for its owner alone, an old one keeps its mode; a link stays a link.
fn replace(file: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let (file, old) = match fs::canonicalize(file) {
        Ok(file) => (file.clone(), Some(fs::metadata(&file)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => (file.to_owned(), None),
        Err(error) => return Err(error.into()),
    };
    ensure!(
        old.as_ref().is_none_or(fs::Metadata::is_file),
        "it is not a regular file"
    );
    atomic_file::replace(&file, ".export-", old.map(|old| old.permissions()), bytes)?;
    Ok(())
}
