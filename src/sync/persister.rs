//! Writes the last snapshot to the state file in the background, and loads it at the start.

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

/// The time limit for loading, so that a disk that does not answer does not block the first run.
const LOAD_TIMEOUT: Duration = Duration::from_mins(1);

/// Loads the state file, and writes each published snapshot to it.
#[derive(Debug)]
pub struct Persister {
    folder: Option<PathBuf>,
    status: Arc<PersistenceStatus>,
    clock: Clock,
    latest: watch::Sender<Option<Job>>,
}

/// A snapshot to write.
#[derive(Clone, Debug)]
struct Job {
    number: u64,
    file: StateFile,
    snapshot: Arc<Snapshot>,
}

impl Persister {
    /// Writes snapshots into a directory, or nowhere without one. Reports to `status`.
    #[must_use]
    pub fn new(folder: Option<PathBuf>, status: Arc<PersistenceStatus>, clock: Clock) -> Self {
        status.switch(folder.is_some());
        Self {
            folder,
            status,
            clock,
            latest: watch::Sender::new(None),
        }
    }

    /// Starts the background task. It ends when this is dropped.
    pub fn start(&self) {
        tokio::spawn(write_latest(
            self.latest.subscribe(),
            Arc::clone(&self.status),
        ));
    }

    /// Changes the directory.
    pub fn move_to(&mut self, folder: Option<PathBuf>) {
        self.folder = folder;
        self.status.switch(self.folder.is_some());
    }

    /// Queues a snapshot. A newer snapshot replaces a queued one.
    pub fn save(&self, snapshot: Arc<Snapshot>) {
        let Some(folder) = &self.folder else { return };
        let file = StateFile::of(folder, &snapshot.policy.base_url);
        let number = self.status.expect();
        self.latest.send_replace(Some(Job {
            number,
            file,
            snapshot,
        }));
    }

    /// Loads the rows of a server. An unusable file is renamed, so that it is not read again, and logged.
    pub async fn load(&self, base_url: &BaseUrl) -> Option<PersistedRows> {
        let file = StateFile::of(self.folder.as_ref()?, base_url);
        let (path, now) = (file.path(), self.clock.now());
        let loading = spawn_blocking(move || {
            if let Err(error) = file.sweep(now) {
                tracing::warn!(%error, "cannot clean the state directory");
            }
            file.load()
                .unwrap_or_else(|error| handle_load_error(&file, &error))
        });
        if let Ok(loaded) = timeout(LOAD_TIMEOUT, loading).await {
            return loaded.unwrap_or_default();
        }
        tracing::warn!(
            file = %path.display(),
            "the state file was not read within {} s; the service starts without it; check the disk",
            LOAD_TIMEOUT.as_secs()
        );
        None
    }
}

/// Writes the latest snapshot each time there is a new one, until the sender is dropped.
async fn write_latest(mut latest: watch::Receiver<Option<Job>>, status: Arc<PersistenceStatus>) {
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
        let error = match written {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some("writing it panicked; the log has the reason".to_owned()),
        };
        report(
            &status,
            error.map(|error| explain(&path.display().to_string(), &error)),
        );
        status.settle(number);
    }
}

/// Stores the outcome of a write, and logs it if it differs from the last one.
fn report(status: &PersistenceStatus, error: Option<String>) {
    if !status.note(error.clone()) {
        return;
    }
    if let Some(error) = error {
        tracing::warn!("{error}");
    } else {
        tracing::info!("the snapshot is written to disk again");
    }
}

/// Returns the message for a failed write.
fn explain(path: &str, error: &str) -> String {
    format!(
        "the snapshot cannot be written to {path}: {error}; a restart would load an older state file, if \
         there is one; free disk space, correct the permissions, or set `entityProvider.stateDir` to another \
         directory or to `false`"
    )
}

/// Logs why a file is not used, and renames it unless the disk is the cause.
fn handle_load_error(file: &StateFile, error: &LoadError) -> Option<PersistedRows> {
    let path = file.path();
    match error {
        LoadError::Io(error) => tracing::warn!(
            file = %path.display(), %error,
            "the state file cannot be read, and its entities are not served; check the permissions"
        ),
        LoadError::Refused(error) => set_aside(file, error),
    }
    None
}

/// Renames an unusable file and logs what to do with it.
fn set_aside(file: &StateFile, reason: &FormatError) {
    let path = file.path();
    let (path, code) = (path.display(), reason.code());
    match file.set_aside(reason) {
        Ok(aside) => tracing::warn!(
            file = %path, code, aside = %aside.display(),
            "the state file is not used: {reason}; it was renamed, and may be deleted unless another version \
             of this program is to use it"
        ),
        Err(error) => tracing::warn!(
            file = %path, code, %error,
            "the state file is not used: {reason}; it cannot be renamed, delete it"
        ),
    }
}
