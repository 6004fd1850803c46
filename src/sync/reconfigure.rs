//! What a changed configuration does to the scheduler.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::cycle::CycleError;
use super::guard::Acceptance;
use super::read::SyncPace;
use super::timetable::Timetable;
use super::{Past, Scheduler};
use crate::authentik::client::Client;
use crate::catalog::policy::Policy;
use crate::config::ShrinkGuard;
use crate::snapshot::run::{Failure, Trigger};

/// What a changed configuration may change.
#[derive(Debug)]
pub struct SyncSettings {
    /// Asks Authentik.
    pub client: Client,
    /// Which rows become entities.
    pub policy: Arc<Policy>,
    /// When everything is read, and how long readings may take.
    pub pace: SyncPace,
    /// What a run may remove.
    pub limits: ShrinkGuard,
    /// What accepting a loss takes.
    pub acceptance: Acceptance,
    /// When runs are due.
    pub timetable: Timetable,
    /// Where snapshots are kept for the next start.
    pub state_dir: Option<PathBuf>,
}

/// News about the configuration.
#[derive(Debug)]
pub enum Reload {
    /// These settings count from now on.
    Settings(Box<SyncSettings>),
    /// The new configuration is invalid; the old one stays.
    Refused(Failure),
}

impl Scheduler {
    /// Takes new settings over. The rows that are kept of this server are transformed again; a run is
    /// asked for where there are none, or where the last one failed and the change may have mended it.
    pub(super) async fn reload(
        &mut self,
        reload: Reload,
        past: &Past,
        shutdown: &CancellationToken,
    ) {
        let SyncSettings {
            client,
            policy,
            pace,
            limits,
            acceptance,
            timetable,
            state_dir,
        } = match reload {
            Reload::Settings(settings) => *settings,
            Reload::Refused(failure) => {
                self.status.refuse(Some(failure.message.clone()));
                self.ledger.start_now(Trigger::Reload);
                self.conclude("reload", &Err(CycleError::Failed(failure)), past);
                return;
            }
        };
        self.status.refuse(None);
        self.timetable = timetable;
        (self.cycle.client, self.cycle.policy, self.cycle.pace) = (client, policy, pace);
        (self.cycle.limits, self.cycle.acceptance) = (limits, acceptance);
        self.persister.move_to(state_dir);
        let served = self.cycle.kept();
        let is_sufficient = served
            .as_ref()
            .is_some_and(|served| self.cycle.suffices(&served.directory));
        if is_sufficient {
            self.ledger.start_now(Trigger::Reload);
            let ended = self.cycle.reconfigure().await;
            self.conclude("reload", &ended, past);
            if ended.is_ok() {
                self.keep();
            }
        } else if served.is_none() {
            self.restore(past, shutdown).await;
        }
        if !is_sufficient || past.last.is_some_and(|last| !last.succeeded) {
            self.ledger.request(Trigger::Reload);
        }
    }
}
