//! Requests a refresh of the changed locations in Backstage after each published snapshot.
//!
//! Snapshots published during a round of requests are handled together in the next round. Failed
//! requests are retried after a pause, or with the next snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::client::{BackstageClient, RefreshError};
use super::location::{ChangedLocation, RefreshTarget};
use crate::catalog::location::LocationPrefix;
use crate::clock::Clock;
use crate::snapshot::Store;
use crate::snapshot::document::Document;
use crate::snapshot::push::{PushRecord, PushReport};
use crate::snapshot::run::Failure;
use crate::snapshot::status::ServiceStatus;

/// The largest number of concurrent requests to Backstage.
const IN_FLIGHT: usize = 4;
/// The pause after the first failed round; it doubles with each further failure.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two rounds.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Which locations to refresh, and through which client.
#[derive(Clone, Debug)]
pub struct PushSettings {
    /// The client of the Backstage backend.
    pub client: BackstageClient,
    /// The locations that read this service.
    pub locations: Vec<RefreshTarget>,
    /// The prefix of the names of shards' locations.
    pub prefix: LocationPrefix,
}

/// The task that refreshes locations in Backstage.
#[derive(Debug)]
pub struct Pusher {
    /// The store in which snapshots are published.
    pub store: Arc<Store>,
    /// Decides whether this process pushes.
    pub record: Arc<dyn PushRecord>,
    /// Receives a report of each round.
    pub status: Arc<ServiceStatus>,
    /// The wall clock.
    pub clock: Clock,
    /// The current settings; `None` if no Backstage is configured.
    pub settings: watch::Receiver<Option<PushSettings>>,
}

/// The pending requests.
#[derive(Debug, Default)]
struct Due {
    /// The content of the last snapshot whose changes were added.
    seen: Option<Document>,
    /// Refs of locations to refresh, each with the ref of the list that contains it.
    refs: BTreeMap<String, Option<String>>,
    /// Consecutive failed rounds.
    failures: u32,
}

/// The outcome of one round of requests.
#[derive(Debug, Default)]
struct Round {
    refreshed: usize,
    unknown: usize,
    failure: Option<RefreshError>,
}

impl Pusher {
    /// Runs until shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let follow = self.follow_snapshots();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = follow => {}
        }
    }

    /// Sends a round after each snapshot, change of settings or pause.
    async fn follow_snapshots(&mut self) {
        let mut published = self.store.subscribe();
        let mut due = Due::default();
        loop {
            let mut is_new_setting = false;
            tokio::select! {
                Ok(()) = published.changed() => {}
                Ok(()) = self.settings.changed() => {
                    due = Due::default();
                    is_new_setting = true;
                }
                () = sleep(due.pause()), if !due.refs.is_empty() => {}
                else => return,
            }
            let Some(settings) = self.settings.borrow_and_update().clone() else {
                continue;
            };
            let Some(snapshot) = self.store.current() else {
                continue;
            };
            let digest = snapshot.document.digest();
            let is_pushed = !is_new_setting && self.record.is_pushed(digest);
            if is_pushed || !self.record.is_pusher() {
                due = Due::after(&snapshot.document);
                continue;
            }
            due.add(&settings, &snapshot.document);
            if !due.refs.is_empty() {
                let round = due.round(&settings.client).await;
                self.report(&round, due.refs.len());
            }
            if due.refs.is_empty() {
                self.record.record_push(digest).await;
            }
        }
    }

    /// Reports a round in the status and the log.
    fn report(&self, round: &Round, waiting: usize) {
        let Round {
            refreshed,
            unknown,
            failure,
        } = round;
        if let Some(error) = failure {
            tracing::warn!(
                refreshed, unknown, waiting, code = error.code(), reason = %error,
                "cannot refresh all changed locations in Backstage; the remaining ones are retried"
            );
        } else {
            tracing::info!(
                refreshed,
                unknown,
                "requested a refresh of the changed locations in Backstage"
            );
        }
        let failure = failure
            .as_ref()
            .map(|error| Failure::new(error.code(), error.to_string()));
        let report = PushReport {
            at: self.clock.now(),
            refreshed: *refreshed,
            unknown: *unknown,
            waiting,
            failure,
        };
        self.status.report_push(report);
    }
}

impl Due {
    /// Returns no pending requests: all changes up to a document were pushed.
    fn after(document: &Document) -> Self {
        Self {
            seen: Some(document.clone()),
            ..Self::default()
        }
    }

    /// Adds the locations whose content changed since the last snapshot. After a start or a change of
    /// settings it adds all of them, since the content that Backstage last read is unknown; for
    /// unchanged content Backstage gets a 304.
    fn add(&mut self, settings: &PushSettings, document: &Document) {
        let locations = settings.locations.iter();
        let changed = locations
            .flat_map(|location| location.changed(self.seen.as_ref(), document, &settings.prefix));
        self.refs
            .extend(changed.map(|ChangedLocation { entity_ref, list }| (entity_ref, list)));
        self.seen = Some(document.clone());
    }

    /// Sends the pending requests, until the first failure. If Backstage does not know a shard's
    /// location, its list is refreshed instead. A location that is in no list is only logged, since
    /// Backstage reads it as soon as it is configured.
    async fn round(&mut self, client: &BackstageClient) -> Round {
        let mut round = Round::default();
        let requests = self
            .refs
            .clone()
            .into_iter()
            .map(|(entity_ref, list)| async {
                let result = client.refresh(&entity_ref).await;
                (entity_ref, list, result)
            });
        let mut results = stream::iter(requests).buffer_unordered(IN_FLIGHT);
        while let Some((entity_ref, list, result)) = results.next().await {
            match (result, list) {
                (Ok(()), _) => round.refreshed += 1,
                (Err(RefreshError::Unknown(_)), Some(list)) => {
                    self.refs.insert(list, None);
                }
                (Err(error @ RefreshError::Unknown(_)), None) => {
                    tracing::warn!(code = error.code(), "{error}");
                    round.unknown += 1;
                }
                (Err(error), _) => {
                    round.failure = Some(error);
                    break;
                }
            }
            self.refs.remove(&entity_ref);
        }
        self.failures = if round.failure.is_some() {
            self.failures + 1
        } else {
            0
        };
        round
    }

    /// The pause before failed requests are retried.
    fn pause(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        FIRST_PAUSE
            .saturating_mul(1 << doublings)
            .min(LONGEST_PAUSE)
    }
}
