//! Polls a catalog while its source changes, and measures how long entities are missing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

use super::database::Database;

/// The time between two polls, and so the precision of a measured absence.
const INTERVAL: Duration = Duration::from_millis(100);

/// The observed absences of users and groups.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Absence {
    /// Entities that were missing in some poll.
    pub refs: BTreeSet<String>,
    /// Upper bound of the longest absence of one entity.
    pub longest: Duration,
    /// Number of polls.
    pub looks: usize,
}

impl fmt::Display for Absence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (missing, seconds) = (self.refs.len(), self.longest.as_secs_f64());
        write!(
            f,
            "{missing} were missing, for {seconds:.1} s at most, in {} looks",
            self.looks
        )
    }
}

/// A task that polls some users and groups in the database, which stays up while Backstage
/// restarts.
pub struct Watch {
    stop: oneshot::Sender<()>,
    task: JoinHandle<Absence>,
}

impl Watch {
    /// Starts to poll for all expected entities.
    pub fn begin(database: &Database, expected: BTreeSet<String>) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(watch(database.clone(), expected, stopped));
        Self { stop, task }
    }

    /// Polls once more and returns the observations.
    pub async fn end(self) -> Absence {
        self.stop.send(()).unwrap();
        self.task.await.unwrap()
    }
}

async fn watch(
    database: Database,
    expected: BTreeSet<String>,
    mut stopped: oneshot::Receiver<()>,
) -> Absence {
    let (mut absence, mut missing) = (Absence::default(), BTreeMap::new());
    let (mut ticks, mut before) = (interval(INTERVAL), Instant::now());
    loop {
        ticks.tick().await;
        let last = stopped.try_recv().is_ok();
        let (looked, shown) = (Instant::now(), database.shown().await);
        for entity_ref in &expected {
            note(
                &mut missing,
                entity_ref,
                shown.contains(entity_ref),
                before,
                &mut absence,
            );
        }
        (before, absence.looks) = (looked, absence.looks + 1);
        if last {
            return absence;
        }
    }
}

/// Records whether an entity is present; a missing one counts as missing since the previous poll.
fn note<'a>(
    missing: &mut BTreeMap<&'a str, Instant>,
    entity_ref: &'a str,
    shown: bool,
    before: Instant,
    absence: &mut Absence,
) {
    if !shown {
        missing.entry(entity_ref).or_insert(before);
        absence.refs.insert(entity_ref.to_owned());
    }
    if let Some(since) = missing.get(entity_ref) {
        absence.longest = absence.longest.max(since.elapsed());
    }
    if shown {
        missing.remove(entity_ref);
    }
}
