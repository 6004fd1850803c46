//! Builds the background tasks of the service, which share their state with the handlers.

use std::sync::Arc;

use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

use super::timetable;
use crate::backstage::push::{self, Pusher};
use crate::cluster::clock::DatabaseClock;
use crate::cluster::database::Database;
use crate::cluster::replica::{Process, ReplicaSettings};
use crate::cluster::{Cluster, Replica};
use crate::config::Config;
use crate::http::state::AppState;
use crate::jitter::Jitter;
use crate::snapshot::push::{PushRecord, Unrecorded};
use crate::sync::cycle::Cycle;
use crate::sync::persister::Persister;
use crate::sync::{COOLDOWN, Reload, Scheduler};

/// Builds the scheduler.
pub(super) fn scheduler(
    state: &AppState,
    config: &Config,
    zone: TimeZone,
    cycle: Cycle,
    reloads: mpsc::Receiver<Reload>,
) -> Scheduler {
    let (persistence, clock) = (Arc::clone(&state.persistence), state.clock.clone());
    let state_dir = config.state_folder();
    Scheduler {
        cycle,
        timetable: timetable(config, zone),
        ledger: Arc::clone(&state.ledger),
        status: Arc::clone(&state.status),
        jitter: Jitter::random(),
        reloads,
        persister: Persister::new(state_dir, persistence, clock.clone()),
        clock,
        cooldown: COOLDOWN,
    }
}

/// Builds the task that shares a database with other replicas, if one is configured, and lets handlers and cycle
/// use it.
pub(super) fn replica(
    config: &Config,
    state: &mut AppState,
    cycle: &mut Cycle,
    clock: DatabaseClock,
) -> anyhow::Result<Option<Arc<Replica>>> {
    let Some(database) = config.shared_database() else {
        return Ok(None);
    };
    let settings = ReplicaSettings {
        database: Database::at(&database.url)?,
        server: config.authentik.base_url.to_string(),
        host: whoami::hostname().unwrap_or_default(),
        shared_settings: config.shared_settings.clone(),
    };
    let process = Process {
        clock,
        ledger: Arc::clone(&state.ledger),
        status: Arc::clone(&state.status),
        store: Arc::clone(&state.store),
        pushable: Arc::default(),
        replicas: Arc::default(),
        draining: state.draining.clone(),
    };
    state.replicas = Some(Arc::clone(&process.replicas));
    let replica = Arc::new(Replica::new(settings, process));
    state.requests = Arc::new(Arc::clone(&replica));
    cycle.cluster = Cluster::Postgres(Arc::clone(&replica));
    Ok(Some(replica))
}

/// Builds the task that notifies Backstage.
pub(super) fn pusher(
    state: &AppState,
    replica: Option<&Arc<Replica>>,
    settings: watch::Receiver<Option<push::PushSettings>>,
) -> Pusher {
    let (store, record): (_, Arc<dyn PushRecord>) = match replica {
        None => (Arc::clone(&state.store), Arc::new(Unrecorded)),
        Some(replica) => (replica.pushable(), Arc::clone(replica) as _),
    };
    Pusher {
        store,
        record,
        status: Arc::clone(&state.status),
        clock: state.clock.clone(),
        settings,
    }
}
