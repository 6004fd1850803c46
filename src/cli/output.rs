//! How commands write: readable or for machines.

use std::io::{ErrorKind, Write, stdout};

use anyhow::Context;
use clap::ValueEnum;

/// For whom a command writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Output {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
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
