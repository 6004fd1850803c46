//! A fake Authentik for the demo, the tests and the benchmarks.
//!
//! It imitates the API of Authentik, byte for byte where recordings exist. The caller can edit its
//! directory at any time and script faults. Its API is read-only: it implements only `GET`.

mod access;
mod api;
mod cost;
mod directory;
mod gate;
mod generate;
mod journal;
mod model;
mod page;
mod query;
mod recycle;
mod refusal;
mod release;
mod render;
mod script;
mod select;
mod stage;
mod state;

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::http::HeaderValue;
use axum::serve::ListenerExt;
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use access::Access;
pub use cost::Cost;
pub use directory::FakeDirectory;
pub use gate::Gate;
pub use journal::{FakeCounters, SeenRequest};
pub use model::{FakeGroup, FakeRole, FakeUser, UserKind};
pub use release::{Release, UnknownRelease};
pub use script::{Action, CannedAnswer, ScriptStep, Target};

use journal::Journal;
use recycle::Worker;
use script::{Script, SharedStep};
use select::Selections;
use state::{FakeState, ServerState};

/// A server that answers like Authentik; clones share one state.
#[derive(Clone, Debug)]
pub struct FakeAuthentik(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    release: Release,
    /// Locked while an answer is built or the directory is edited, never across an await.
    held: Mutex<FakeState>,
    script: Script,
    journal: Journal,
    worker: Worker,
}

impl FakeAuthentik {
    /// The token with access to everything.
    pub const TOKEN: &str = "fake-token";

    /// Creates a server of a release with one token, [`Self::TOKEN`].
    #[must_use]
    pub fn new(release: Release, directory: FakeDirectory) -> Self {
        let held = FakeState {
            directory,
            tokens: HashMap::from([(Self::TOKEN.to_owned(), Access::Full)]),
            selections: Selections::default(),
            page_cap: release.page_cap(),
            cost: Cost::default(),
            workers: None,
            tells_own_time: false,
        };
        Self(Arc::new(Shared {
            release,
            held: Mutex::new(held),
            script: Script::default(),
            journal: Journal::default(),
            worker: Worker::default(),
        }))
    }

    /// Adds a token.
    #[must_use]
    pub fn with_token(self, token: &str, access: Access) -> Self {
        self.grant(token, access);
        self
    }

    /// Sets the simulated cost of answers.
    #[must_use]
    pub fn with_cost(self, cost: Cost) -> Self {
        self.set_cost(cost);
        self
    }

    /// Sends the directory's time in `Date`, as a real server's clock is also that of its
    /// timestamps.
    #[must_use]
    pub fn with_directory_time(self) -> Self {
        self.held().tells_own_time = true;
        self
    }

    /// Sets the largest page size, as an administrator can; `None` means unlimited.
    #[must_use]
    pub fn with_page_cap(self, rows: Option<usize>) -> Self {
        self.held().page_cap = rows;
        self
    }

    /// Adds a token or replaces its access rights.
    pub fn grant(&self, token: &str, access: Access) {
        let mut held = self.held();
        held.tokens.insert(token.to_owned(), access);
        held.selections.clear();
    }

    /// Revokes a token; the server then treats it as unknown.
    pub fn revoke(&self, token: &str) {
        self.held().tokens.remove(token);
    }

    /// Recycles the worker after so many requests each from now on, as `max_requests` does on 2026.5:
    /// those in flight are answered `500`, and the last one is among them. 0 means never.
    pub fn recycle_every(&self, requests: u64) {
        self.0.worker.recycle_every(requests);
    }

    /// Returns how often the worker was recycled.
    #[must_use]
    pub fn recycled(&self) -> u64 {
        self.0.worker.recycled()
    }

    /// Replaces the simulated cost of answers.
    pub fn set_cost(&self, cost: Cost) {
        let mut held = self.held();
        held.workers = cost
            .workers
            .map(|workers| Arc::new(Semaphore::new(workers)));
        held.cost = cost;
    }

    /// Reads or edits the directory; no answer is built in the meantime.
    pub fn edit<R>(&self, edit: impl FnOnce(&mut FakeDirectory) -> R) -> R {
        let mut held = self.held();
        held.selections.clear();
        edit(&mut held.directory)
    }

    /// Adds a step to the script; steps that match the same request apply in the order added.
    pub fn script(&self, step: ScriptStep) {
        self.0.script.push(step);
    }

    /// Waits until no request is in progress: a request whose client disconnected may still run its
    /// step.
    pub async fn idle(&self) {
        self.journal().idle().await;
    }

    /// Removes all steps; the server then answers normally.
    pub fn clear_script(&self) {
        self.0.script.clear();
    }

    /// Returns the last requests (10,000 at most), oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.0.journal.last()
    }

    /// Returns the totals since the start.
    #[must_use]
    pub fn counters(&self) -> FakeCounters {
        self.0.journal.counters()
    }

    /// Waits until this many requests have arrived since the start.
    pub async fn reached(&self, requests: u64) {
        self.0.journal.reached(requests).await;
    }

    /// Returns the imitated release.
    #[must_use]
    pub fn release(&self) -> Release {
        self.0.release
    }

    /// Builds a router, for callers that run their own server.
    pub fn router(&self) -> Router {
        api::router(ServerState {
            fake: self.clone(),
            stopped: CancellationToken::new(),
        })
    }

    /// Serves until the shutdown; the shutdown releases requests that the script blocks.
    ///
    /// # Errors
    /// Fails if the listener fails.
    pub async fn serve(
        &self,
        listener: TcpListener,
        shutdown: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let stopped = CancellationToken::new();
        let router = api::router(ServerState {
            fake: self.clone(),
            stopped: stopped.clone(),
        });
        let ended = async move {
            shutdown.await;
            stopped.cancel();
        };
        let listener = listener.tap_io(|stream| {
            // A failure only costs latency.
            let _ = stream.set_nodelay(true);
        });
        axum::serve(listener, router)
            .with_graceful_shutdown(ended)
            .await
    }

    fn held(&self) -> MutexGuard<'_, FakeState> {
        self.0.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self) -> &Journal {
        &self.0.journal
    }

    fn worker(&self) -> &Worker {
        &self.0.worker
    }

    fn price(&self) -> (Cost, Option<Arc<Semaphore>>) {
        let held = self.held();
        (held.cost, held.workers.clone())
    }

    /// Returns the directory's time as a header if answers carry that time.
    fn own_date(&self) -> Option<HeaderValue> {
        let held = self.held();
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&held.directory.now());
        date.ok()?.parse().ok().filter(|_| held.tells_own_time)
    }

    fn script_of(&self, request: &SeenRequest) -> Vec<SharedStep> {
        self.0.script.take(request)
    }
}
