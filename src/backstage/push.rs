//! Follows the published snapshots and has Backstage read the locations that changed.
//!
//! Snapshots that come while Backstage is being told are told together afterwards. What Backstage did
//! not take stays due, and is sent again after a pause or with the next snapshot.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::{StreamExt, stream};
use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::client::{Client, RefreshError};
use super::location::{Changed, Location};
use crate::catalog::location::LocationPrefix;
use crate::clock::Clock;
use crate::snapshot::Store;
use crate::snapshot::document::Document;
use crate::snapshot::push::PushReport;
use crate::snapshot::run::Failure;
use crate::snapshot::status::ServiceStatus;

/// How many requests to Backstage are in flight.
const IN_FLIGHT: usize = 4;
/// The pause after the first round that Backstage did not take; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two rounds.
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Whom to tell what.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Asks Backstage.
    pub client: Client,
    /// The locations that read this service.
    pub locations: Vec<Location>,
    /// How the names of the shards' locations begin.
    pub prefix: LocationPrefix,
}

/// Tells Backstage.
#[derive(Debug)]
pub struct Pusher {
    /// Where snapshots are published.
    pub store: Arc<Store>,
    /// Where the outcome is written.
    pub status: Arc<ServiceStatus>,
    /// The wall clock.
    pub clock: Clock,
    /// Whom to tell what, if anybody.
    pub settings: watch::Receiver<Option<Settings>>,
}

/// What is to be told.
#[derive(Debug, Default)]
struct Due {
    /// The content that all of Backstage's locations were told of, or are due for.
    seen: Option<Document>,
    /// Refs of locations, each with that of the list that names it.
    refs: BTreeMap<String, Option<String>>,
    /// Rounds in a row that Backstage did not take.
    failures: u32,
}

/// What came of one round.
#[derive(Debug, Default)]
struct Round {
    refreshed: usize,
    unknown: usize,
    failure: Option<RefreshError>,
}

impl Pusher {
    /// Tells Backstage until shutdown.
    pub async fn run(mut self, shutdown: CancellationToken) {
        let told = self.tell();
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = told => {}
        }
    }

    /// Waits for news and tells it, for ever.
    async fn tell(&mut self) {
        let mut published = self.store.subscribe();
        let mut due = Due::default();
        loop {
            tokio::select! {
                Ok(()) = published.changed() => {}
                Ok(()) = self.settings.changed() => due = Due::default(),
                () = sleep(due.pause()), if !due.refs.is_empty() => {}
                else => return,
            }
            let Some(settings) = self.settings.borrow_and_update().clone() else {
                continue;
            };
            let Some(snapshot) = self.store.current() else {
                continue;
            };
            due.add(&settings, &snapshot.document);
            if !due.refs.is_empty() {
                let round = due.round(&settings.client).await;
                self.conclude(&round, due.refs.len());
            }
        }
    }

    /// Reports a round, in the status and in the log.
    fn conclude(&self, round: &Round, waiting: usize) {
        let Round {
            refreshed,
            unknown,
            failure,
        } = round;
        if let Some(error) = failure {
            tracing::warn!(
                refreshed, unknown, waiting, code = error.code(), reason = %error,
                "Backstage was not told of all changes; it is told again, and polls by itself"
            );
        } else {
            tracing::info!(refreshed, unknown, "told Backstage which locations changed");
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
    /// Adds what differs from the content that was seen before. After a start or other settings that
    /// is everything: nobody knows what Backstage has read, and it answers what it has with a 304.
    fn add(&mut self, settings: &Settings, document: &Document) {
        let locations = settings.locations.iter();
        let changed = locations
            .flat_map(|location| location.changed(self.seen.as_ref(), document, &settings.prefix));
        self.refs
            .extend(changed.map(|Changed { entity_ref, list }| (entity_ref, list)));
        self.seen = Some(document.clone());
    }

    /// Sends what is due, until the first request that Backstage does not take. In place of a part that
    /// Backstage does not know its list is due. A list that it does not know is read when it appears.
    async fn round(&mut self, client: &Client) -> Round {
        let mut round = Round::default();
        let requests = self
            .refs
            .clone()
            .into_iter()
            .map(|(entity_ref, list)| async {
                let answer = client.refresh(&entity_ref).await;
                (entity_ref, list, answer)
            });
        let mut answers = stream::iter(requests).buffer_unordered(IN_FLIGHT);
        while let Some((entity_ref, list, answer)) = answers.next().await {
            match (answer, list) {
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

    /// How long to wait before what is left is sent again.
    fn pause(&self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        FIRST_PAUSE
            .saturating_mul(1 << doublings)
            .min(LONGEST_PAUSE)
    }
}
