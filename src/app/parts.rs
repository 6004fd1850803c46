//! Builds the background tasks of the service, which share their state with the handlers.

use std::sync::Arc;

use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

use super::timetable;
use crate::backstage::push::{self, Pusher};
use crate::cluster::Member;
use crate::cluster::clock::DatabaseClock;
use crate::cluster::database::Database;
use crate::cluster::member::{MemberSettings, Shared};
use crate::config::Config;
use crate::http::state::AppState;
use crate::jitter::Jitter;
use crate::snapshot::Store;
use crate::snapshot::push::PushRecord;
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

/// Builds the task that shares a database with other replicas, if one is configured. `settled` receives the
/// snapshots that all of them serve.
pub(super) fn member(
    config: &Config,
    state: &AppState,
    clock: DatabaseClock,
    settled: Arc<Store>,
) -> anyhow::Result<Option<Arc<Member>>> {
    let Some(database) = config.shared_database() else {
        return Ok(None);
    };
    let started = MemberSettings {
        database: Database::at(&database.url)?,
        server: config.authentik.base_url.to_string(),
        host: whoami::hostname().unwrap_or_default(),
        settings: config.shared_settings.clone(),
    };
    let shared = Shared {
        clock,
        ledger: Arc::clone(&state.ledger),
        status: Arc::clone(&state.status),
        store: Arc::clone(&state.store),
        settled,
        replicas: Arc::default(),
        draining: state.draining.clone(),
    };
    Ok(Some(Arc::new(Member::new(started, shared))))
}

/// Builds the task that notifies Backstage.
pub(super) fn pusher(
    state: &AppState,
    (store, record): (Arc<Store>, Arc<dyn PushRecord>),
    settings: watch::Receiver<Option<push::PushSettings>>,
) -> Pusher {
    Pusher {
        store,
        record,
        status: Arc::clone(&state.status),
        clock: state.clock.clone(),
        settings,
    }
}
