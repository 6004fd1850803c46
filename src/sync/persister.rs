//! Keeps the last snapshot on disk, beside the sync and never in its way.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::base_url::BaseUrl;
use crate::clock::Clock;
use crate::snapshot::Snapshot;
use crate::snapshot::persistence::{
    FormatError, LoadError, PersistedRows, PersistenceStatus, StateFile,
};

/// A disk that does not answer must not keep the first run from beginning.
const PATIENCE: Duration = Duration::from_mins(1);

/// Loads what an earlier process kept, and writes what this one publishes.
#[derive(Debug)]
pub struct Persister {
    folder: Option<PathBuf>,
    keeping: Arc<PersistenceStatus>,
    clock: Clock,
    latest: watch::Sender<Option<Job>>,
}

/// A snapshot that is to be written.
#[derive(Clone, Debug)]
struct Job {
    number: u64,
    file: StateFile,
    snapshot: Arc<Snapshot>,
}

impl Persister {
    /// Keeps snapshots in a directory, or not at all without one; `keeping` tells how it goes.
    #[must_use]
    pub fn new(folder: Option<PathBuf>, keeping: Arc<PersistenceStatus>, clock: Clock) -> Self {
        keeping.switch(folder.is_some());
        Self {
            folder,
            keeping,
            clock,
            latest: watch::Sender::new(None),
        }
    }

    /// Begins to write in the background, for as long as this exists.
    pub fn begin(&self) {
        tokio::spawn(write_latest(
            self.latest.subscribe(),
            Arc::clone(&self.keeping),
        ));
    }

    /// Keeps snapshots in another directory from now on.
    pub fn move_to(&mut self, folder: Option<PathBuf>) {
        self.folder = folder;
        self.keeping.switch(self.folder.is_some());
    }

    /// Has a snapshot written as soon as the one before it is; of several that wait the last one is.
    pub fn keep(&self, snapshot: Arc<Snapshot>) {
        let Some(folder) = &self.folder else { return };
        let file = StateFile::of(folder, &snapshot.policy.base_url);
        let number = self.keeping.expect();
        self.latest.send_replace(Some(Job {
            number,
            file,
            snapshot,
        }));
    }

    /// What is kept of a server; a file that cannot be used is set aside and logged.
    pub async fn load(&self, base_url: &BaseUrl) -> Option<PersistedRows> {
        let file = StateFile::of(self.folder.as_ref()?, base_url);
        let (path, now) = (file.path(), self.clock.now());
        let loading = spawn_blocking(move || {
            if let Err(error) = file.sweep(now) {
                tracing::warn!(%error, "cannot clean the state directory");
            }
            file.load().unwrap_or_else(|error| refuse(&file, &error))
        });
        if let Ok(loaded) = timeout(PATIENCE, loading).await {
            return loaded.unwrap_or_default();
        }
        tracing::warn!(
            file = %path.display(),
            "the state file was not read within {} s and is not waited for; check the disk",
            PATIENCE.as_secs()
        );
        None
    }
}

/// Writes the latest snapshot again and again, until nobody sends one any more.
async fn write_latest(mut latest: watch::Receiver<Option<Job>>, keeping: Arc<PersistenceStatus>) {
    while latest.changed().await.is_ok() {
        let Some(Job {
            number,
            file,
            snapshot,
        }) = latest.borrow_and_update().clone()
        else {
            continue;
        };
        let path = file.path();
        let written = spawn_blocking(move || file.save(&snapshot)).await;
        let trouble = match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("writing it panicked; the log has the reason".to_owned()),
        };
        report(
            &keeping,
            trouble.map(|trouble| explained(&path.display().to_string(), &trouble)),
        );
        keeping.settle(number);
    }
}

/// Takes down how the writing went, and logs it if it went otherwise before.
fn report(keeping: &PersistenceStatus, trouble: Option<String>) {
    if !keeping.note(trouble.clone()) {
        return;
    }
    if let Some(trouble) = trouble {
        tracing::warn!("{trouble}");
    } else {
        tracing::info!("the snapshot is kept on disk again");
    }
}

/// What a failure to write means and what to do.
fn explained(path: &str, trouble: &str) -> String {
    format!(
        "the snapshot cannot be kept in {path}: {trouble}; a restart would begin with what was kept before, \
         if anything; make room or correct the permissions, or set `entityProvider.stateDir` to another \
         directory or to `false`"
    )
}

/// Says why a file is not used, and sets it aside unless the disk is at fault.
fn refuse(file: &StateFile, error: &LoadError) -> Option<PersistedRows> {
    let path = file.path();
    match error {
        LoadError::Io(error) => tracing::warn!(
            file = %path.display(), %error,
            "what an earlier process kept cannot be read and is not served; check the permissions"
        ),
        LoadError::Refused(refusal) => set_aside(file, refusal),
    }
    None
}

/// Sets a refused file aside and says what to do with it.
fn set_aside(file: &StateFile, refusal: &FormatError) {
    let path = file.path();
    let (path, code) = (path.display(), refusal.code());
    match file.set_aside(refusal) {
        Ok(aside) => tracing::warn!(
            file = %path, code, aside = %aside.display(),
            "what an earlier process kept is not served: {refusal}; it was set aside, and may be deleted \
             unless an earlier or later version of this program is to use it"
        ),
        Err(error) => tracing::warn!(
            file = %path, code, %error,
            "what an earlier process kept is not served: {refusal}; it cannot be set aside, delete it"
        ),
    }
}
