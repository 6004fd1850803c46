//! Output formats and destinations of commands.

use std::io::{ErrorKind, Write, stdout};
use std::path::{Path, PathBuf};
use std::{fs, io};

use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};

use crate::atomic_file;

/// The format of a command's output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum OutputFormat {
    /// Text to read
    #[default]
    Text,
    /// JSON for programs
    Json,
}

/// The destination of a command's output.
#[derive(Debug, Args)]
pub(super) struct Destination {
    /// A file, replaced as a whole; standard output without it
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Destination {
    /// Returns true if the output goes to standard output.
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

/// Writes to standard output. A closed pipe, as in `| head`, is not an error.
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

/// Replaces a file atomically: a reader sees the old content or the new one, also after a crash. A new file
/// is readable by its owner only; an existing one keeps its mode. The target of a symbolic link is replaced.
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
