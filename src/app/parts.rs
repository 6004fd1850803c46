//! Builds the background tasks of the service, which share their state with the handlers.

use std::sync::Arc;

use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

use super::timetable;
use crate::backstage::push::{self, Pusher};
use crate::config::Config;
use crate::http::state::AppState;
use crate::jitter::Jitter;
use crate::sync::cycle::Cycle;
use crate::sync::persister::Persister;
use crate::sync::{COOLDOWN, Reload, Scheduler};

/// Builds the scheduler.
pub(super) fn scheduler(
    state: &AppState,
    config: Config,
    zone: TimeZone,
    cycle: Cycle,
    reloads: mpsc::Receiver<Reload>,
) -> Scheduler {
    let (persistence, clock) = (Arc::clone(&state.persistence), state.clock.clone());
    let state_dir = config.service.state_dir.folder();
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

/// Builds the task that notifies Backstage.
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
