//! Reads the configuration again: at SIGHUP at once, else whenever its files give another one.
//!
//! Loading is cheap and reads every file that counts, included ones and token files too, so it is
//! done again and again and the outcome is compared. Only an outcome that is the same twice counts:
//! a file that is being written is not taken for a new configuration.

use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::Reloader;
use crate::config::{Config, ConfigErrors};

/// How often the files are read.
const PERIOD: Duration = Duration::from_secs(2);

/// Watches until it is dropped; `loaded` is the configuration that the service began with.
///
/// # Errors
/// When the system refuses to register a handler for SIGHUP.
pub async fn watch(
    load: impl Fn() -> Result<Config, ConfigErrors>,
    loaded: Config,
    reloader: Reloader,
) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("cannot wait for SIGHUP")?;
    let mut present = Ok(loaded);
    let mut seen = None;
    loop {
        let asked = tokio::select! {
            _ = hangup.recv() => true,
            () = tokio::time::sleep(PERIOD) => false,
        };
        let now = load();
        if !asked
            && (is_same(&now, &present) || !seen.as_ref().is_some_and(|seen| is_same(&now, seen)))
        {
            seen = Some(now);
            continue;
        }
        match &now {
            Ok(config) => reloader.reload(config.clone()).await,
            Err(error) => reloader.refuse(error).await,
        }
        (present, seen) = (now, None);
    }
}

/// Whether two outcomes are the same configuration, or the same error.
fn is_same(one: &Result<Config, ConfigErrors>, other: &Result<Config, ConfigErrors>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => one.is_same(other),
        (Err(one), Err(other)) => one == other,
        _ => false,
    }
}
