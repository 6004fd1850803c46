//! Reads Authentik once, for the commands that serve nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, anyhow};
use tokio::task::spawn_blocking;

use super::complain;
use super::progress::shown;
use crate::app::cycle;
use crate::catalog::finding::Finding;
use crate::catalog::plan::{Names, Plan};
use crate::catalog::policy::Policy;
use crate::clock::Clock;
use crate::config::{Config, ProcessEnvironment, time_zone};
use crate::directory::Directory;
use crate::inert::inert;
use crate::progress::Progress;

/// Loads the configuration and says on standard error what looks like a mistake.
pub(super) fn load(files: &[PathBuf]) -> anyhow::Result<Config> {
    let config = Config::load(files, &ProcessEnvironment)?;
    for warning in &config.warnings {
        complain(&format!("warning: {}", inert(warning)));
    }
    Ok(config)
}

/// Authentik's rows and what to make of them.
pub(super) struct Reading {
    directory: Directory,
    policy: Arc<Policy>,
}

impl Reading {
    /// Reads Authentik as the configuration says.
    pub(super) async fn of(config: &Config) -> anyhow::Result<Self> {
        let cycle = cycle(config, &Clock::system(), time_zone()?)?;
        let (kept, progress) = (Directory::default(), Progress::default());
        let read = shown(&progress, "reading Authentik", cycle.read(&kept, &progress)).await;
        let directory = read.map_err(|stop| {
            let failure = stop.into_failure();
            anyhow!("{} ({})", failure.message, failure.code)
        })?;
        Ok(Self {
            directory,
            policy: cycle.policy,
        })
    }

    /// Decides what becomes of the rows and makes something of the plan, off the threads that wait.
    pub(super) async fn plan<T: Send + 'static>(
        self,
        held: Names,
        make: impl FnOnce(&Plan<'_>) -> T + Send + 'static,
    ) -> anyhow::Result<T> {
        let made = spawn_blocking(move || make(&Plan::new(&self.directory, &self.policy, &held)));
        made.await.context("the transform failed")
    }
}

/// Says on standard error how many findings of which kinds there are.
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
    complain(&format!(
        "findings: {} ({})",
        findings.len(),
        counts.join(", ")
    ));
}
