//! Reloads the configuration: at once on SIGHUP, otherwise when its files have changed.
//!
//! Loading is cheap and reads all files, with included files and token files, so the files are loaded
//! periodically and the outcomes are compared. A change is applied when two loads in a row have the same
//! outcome, so that a partly written file is ignored.

use std::time::Duration;

use anyhow::Context;
use tokio::signal::unix::{SignalKind, signal};

use crate::app::Reloader;
use crate::config::{Config, ConfigErrors};

/// How often the files are read.
const PERIOD: Duration = Duration::from_secs(2);

/// Watches until it is dropped. `loaded` is the configuration of the start.
///
/// # Errors
/// If the handler for SIGHUP cannot be registered.
pub async fn watch(
    load: impl Fn() -> Result<Config, ConfigErrors>,
    loaded: Config,
    reloader: Reloader,
) -> anyhow::Result<()> {
    let mut hangup = signal(SignalKind::hangup()).context("cannot wait for SIGHUP")?;
    let mut current = Ok(loaded);
    let mut seen = None;
    loop {
        let is_requested = tokio::select! {
            _ = hangup.recv() => true,
            () = tokio::time::sleep(PERIOD) => false,
        };
        let now = load();
        if !is_requested
            && (is_same(&now, &current) || !seen.as_ref().is_some_and(|seen| is_same(&now, seen)))
        {
            seen = Some(now);
            continue;
        }
        match &now {
            Ok(config) => reloader.reload(config.clone()).await,
            Err(error) => reloader.report_invalid(error).await,
        }
        (current, seen) = (now, None);
    }
}

/// Returns true if two outcomes are the same configuration, or the same error.
fn is_same(one: &Result<Config, ConfigErrors>, other: &Result<Config, ConfigErrors>) -> bool {
    match (one, other) {
        (Ok(one), Ok(other)) => one.is_same(other),
        (Err(one), Err(other)) => one == other,
        _ => false,
    }
}
