//! The commands that read Authentik once, in front of a fake Authentik.

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};

use super::RunningAuthentik;
use super::process::{Ended, Process};

/// A fake Authentik and the variables that point to it.
pub struct Upstream {
    /// The fake Authentik, for edits and scripts.
    pub fake: FakeAuthentik,
    /// Its running server.
    pub authentik: RunningAuthentik,
}

impl Upstream {
    /// Starts a fake Authentik with a directory.
    pub async fn spawn(directory: FakeDirectory) -> Self {
        let fake = FakeAuthentik::new(Release::V2026_5, directory);
        let authentik = RunningAuthentik::spawn(&fake).await;
        Self { fake, authentik }
    }

    /// Returns the variables that point to it.
    pub fn variables(&self) -> Vec<(&str, &str)> {
        vec![
            ("AUTHENTIK_BASE_URL", &self.authentik.base),
            ("AUTHENTIK_TOKEN", FakeAuthentik::TOKEN),
        ]
    }

    /// Runs a command to its end.
    pub async fn run(&self, arguments: &[&str]) -> Ended {
        Process::run(arguments, &self.variables()).await
    }

    /// Runs a command with more variables to its end.
    pub async fn run_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Ended {
        Process::run(arguments, &[&self.variables()[..], more].concat()).await
    }

    /// Runs a command, asserts success and returns its output.
    pub async fn printed(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments).await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.error);
        ended.out
    }
}
