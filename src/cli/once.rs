//! Reads Authentik once, for the commands without a server.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use tokio::task::spawn_blocking;

use super::progress::shown;
use super::write_stderr_line;
use crate::app::cycle;
use crate::catalog::finding::Finding;
use crate::catalog::plan::{Names, Plan};
use crate::catalog::policy::Policy;
use crate::clock::Clock;
use crate::config::{Config, ProcessEnvironment, time_zone};
use crate::directory::Directory;
use crate::inert::inert;
use crate::instruments::UpstreamInstruments;
use crate::progress::Progress;

/// Loads the configuration and writes its warnings to standard error.
pub(super) fn load(files: &[PathBuf]) -> anyhow::Result<Config> {
    let config = Config::load(files, &ProcessEnvironment)?;
    for warning in &config.warnings {
        write_stderr_line(&format!("warning: {}", inert(warning)));
    }
    Ok(config)
}

/// The rows and the policy: the input of a plan.
pub(super) struct PlanInput {
    directory: Directory,
    policy: Arc<Policy>,
}

impl PlanInput {
    /// Reads the rows from Authentik.
    pub(super) async fn of(config: &Config) -> anyhow::Result<Self> {
        let cycle = cycle(
            config,
            &Clock::system(),
            time_zone()?,
            &UpstreamInstruments::default(),
        )?;
        let (previous, progress) = (Directory::default(), Progress::default());
        let read = shown(
            &progress,
            "reading Authentik",
            cycle.read(&previous, &progress),
        )
        .await;
        let directory = read.map_err(|error| {
            let failure = error.into_failure();
            anyhow!("{} ({})", failure.message, failure.code)
        })?;
        Ok(Self {
            directory,
            policy: cycle.policy,
        })
    }

    /// Makes a plan and calls `make` with it, on a blocking thread.
    pub(super) async fn plan<T: Send + 'static>(
        self,
        held: Names,
        make: impl FnOnce(&Plan<'_>) -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let planned =
            spawn_blocking(move || make(&Plan::new(&self.directory, &self.policy, &held)));
        planned.await.context("the transform failed")
    }
}

/// Writes the number of findings of each kind to standard error.
pub(super) fn report(findings: &[Finding]) {
    let mut counts: BTreeMap<_, usize> = BTreeMap::new();
    for finding in findings {
        *counts.entry(finding.code).or_default() += 1;
    }
    if counts.is_empty() {
        return;
    }
    let counts: Vec<_> = counts
        .iter()
        .map(|(code, count)| format!("{code} {count}"))
        .collect();
    write_stderr_line(&format!(
        "findings: {} ({})",
        findings.len(),
        counts.join(", ")
    ));
}
