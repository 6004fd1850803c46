//! The commands that read Authentik once, in front of a look-alike.

use fake_authentik::{FakeAuthentik, FakeDirectory, Release};

use super::RunningAuthentik;
use super::process::{Ended, Process};

/// A look-alike and the variables that lead to it.
pub struct Upstream {
    /// The look-alike, to be edited and scripted.
    pub fake: FakeAuthentik,
    /// Where it answers.
    pub authentik: RunningAuthentik,
}

impl Upstream {
    /// Starts a look-alike with a directory.
    pub async fn spawn(directory: FakeDirectory) -> Self {
        let fake = FakeAuthentik::new(Release::V2026_5, directory);
        let authentik = RunningAuthentik::spawn(&fake).await;
        Self { fake, authentik }
    }

    /// The variables that lead to it.
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

    /// The same with more variables.
    pub async fn run_with(&self, arguments: &[&str], more: &[(&str, &str)]) -> Ended {
        Process::run(arguments, &[&self.variables()[..], more].concat()).await
    }

    /// Runs a command that must succeed, and gives what it printed.
    pub async fn printed(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments).await;
        assert_eq!(ended.status.code(), Some(0), "{}", ended.error);
        ended.out
    }
}
