//! The parts of the service beside its handlers, built around the state that they share with them.

use std::sync::Arc;

use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

use super::{Reloader, timetable};
use crate::backstage::push::{self, Pusher};
use crate::config::{Config, ServiceConfig};
use crate::http::state::AppState;
use crate::jitter::Jitter;
use crate::sync::cycle::Cycle;
use crate::sync::persister::Persister;
use crate::sync::{COOLDOWN, Reload, Scheduler};

/// What runs the sync.
pub(super) fn scheduler(
    state: &AppState,
    config: Config,
    zone: TimeZone,
    cycle: Cycle,
    reloads: mpsc::Receiver<Reload>,
) -> Scheduler {
    let (keeping, clock) = (Arc::clone(&state.persistence), state.clock.clone());
    let state_dir = config.service.state_dir.folder();
    Scheduler {
        cycle,
        timetable: timetable(config, zone),
        ledger: Arc::clone(&state.ledger),
        status: Arc::clone(&state.status),
        jitter: Jitter::random(),
        reloads,
        persister: Persister::new(state_dir, keeping, clock.clone()),
        clock,
        cooldown: COOLDOWN,
    }
}

/// What notifies Backstage.
pub(super) fn pusher(
    state: &AppState,
    settings: watch::Receiver<Option<push::PushSettings>>,
) -> Pusher {
    Pusher {
        store: Arc::clone(&state.store),
        status: Arc::clone(&state.status),
        clock: state.clock.clone(),
        settings,
    }
}

/// What gives the other parts another configuration.
pub(super) fn reloader(
    state: &AppState,
    begun_with: ServiceConfig,
    zone: TimeZone,
    sender: mpsc::Sender<Reload>,
    backstage: watch::Sender<Option<push::PushSettings>>,
) -> Reloader {
    Reloader {
        sender,
        backstage: Arc::new(backstage),
        clock: state.clock.clone(),
        zone,
        authorizer: Arc::clone(&state.authorizer),
        begun_with,
    }
}
