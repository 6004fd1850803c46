//! What a replica knows about the other replicas and the database that they share.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

/// How long a replica may lack a newer snapshot before it reports not ready.
pub const LAG: SignedDuration = SignedDuration::from_secs(10);

/// A live replica.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveReplica {
    /// The id of the process.
    pub id: Uuid,
    /// The host that it runs on.
    pub host: String,
    /// Its version of this program.
    pub release: String,
    /// The version of the snapshot that it serves.
    pub version: i64,
    /// Whether it reports ready.
    pub is_ready: bool,
    /// A digest of each configured key that has to be equal at all replicas.
    pub settings: BTreeMap<String, String>,
}

/// The state of the replicas, as this one knows it.
#[derive(Clone, Debug, Default)]
pub struct ReplicaState {
    /// The id of this replica.
    pub id: Uuid,
    /// The replica that syncs.
    pub leader: Option<Uuid>,
    /// The live replicas.
    pub replicas: Vec<LiveReplica>,
    /// Since when the database has a newer snapshot than this replica serves.
    pub lagging_since: Option<Timestamp>,
    /// Why the database cannot be used.
    pub database_error: Option<String>,
}

impl ReplicaState {
    /// Returns true if this replica syncs.
    #[must_use]
    pub fn is_leader(&self) -> bool {
        self.leader == Some(self.id)
    }

    /// Returns for how long the database has had a newer snapshot than this replica serves.
    #[must_use]
    pub fn lag(&self, now: Timestamp) -> SignedDuration {
        let lag = self.lagging_since.map(|since| now.duration_since(since));
        lag.unwrap_or_default().max(SignedDuration::ZERO)
    }

    /// Returns true if it lags for longer than [`LAG`].
    #[must_use]
    pub fn lags(&self, now: Timestamp) -> bool {
        self.lag(now) > LAG
    }

    /// Returns the keys whose values differ between replicas, and the hosts that differ from this one.
    #[must_use]
    pub fn differing_settings(&self) -> BTreeMap<&str, BTreeSet<&str>> {
        let mut differing = BTreeMap::<&str, BTreeSet<&str>>::new();
        let own = self.replicas.iter().find(|replica| replica.id == self.id);
        let Some(own) = own else {
            return differing;
        };
        for other in &self.replicas {
            let keys = own.settings.keys().chain(other.settings.keys());
            for key in keys.filter(|key| own.settings.get(*key) != other.settings.get(*key)) {
                differing.entry(key).or_default().insert(&other.host);
            }
        }
        differing
    }
}

/// Shares the state of the replicas between the task that follows the database and the HTTP handlers. The lock
/// is held for an assignment, never over an `await`.
#[derive(Debug, Default)]
pub struct Replicas(Mutex<ReplicaState>);

impl Replicas {
    /// Returns the state.
    #[must_use]
    pub fn state(&self) -> ReplicaState {
        self.lock().clone()
    }

    /// Changes the state.
    pub fn change(&self, change: impl FnOnce(&mut ReplicaState)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> MutexGuard<'_, ReplicaState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica(id: u128, settings: &[(&str, &str)]) -> LiveReplica {
        let settings = settings
            .iter()
            .map(|(key, digest)| ((*key).to_owned(), (*digest).to_owned()));
        LiveReplica {
            id: Uuid::from_u128(id),
            host: format!("host-{id}"),
            release: "0.1.0".to_owned(),
            version: 1,
            is_ready: true,
            settings: settings.collect(),
        }
    }

    #[test]
    fn keys_that_differ_are_named_with_the_hosts() {
        let state = ReplicaState {
            id: Uuid::from_u128(1),
            replicas: vec![
                replica(1, &[("names", "a"), ("pageSize", "b")]),
                replica(2, &[("names", "a"), ("pageSize", "b")]),
                replica(3, &[("names", "x"), ("membership", "c"), ("pageSize", "b")]),
            ],
            ..ReplicaState::default()
        };
        let hosts = || BTreeSet::from(["host-3"]);
        let expected = BTreeMap::from([("membership", hosts()), ("names", hosts())]);
        assert_eq!(state.differing_settings(), expected);
    }
}
