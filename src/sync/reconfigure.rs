//! Applies a changed configuration to the scheduler.

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

/// The settings of the scheduler that a configuration can change without a restart.
#[derive(Debug)]
pub struct SyncSettings {
    /// The client of Authentik.
    pub client: Client,
    /// The rules of the transform.
    pub policy: Arc<Policy>,
    /// When a full sync is due, and how long reading may take.
    pub pace: SyncPace,
    /// The limits of the shrink guard.
    pub limits: ShrinkGuard,
    /// How an operator accepts a held run.
    pub acceptance: Acceptance,
    /// When runs are due.
    pub timetable: Timetable,
    /// The directory of the state file.
    pub state_dir: Option<PathBuf>,
}

/// A change of the configuration.
#[derive(Debug)]
pub enum Reload {
    /// New settings, effective at once.
    Settings(Box<SyncSettings>),
    /// The new configuration is invalid; the previous one stays in effect.
    Invalid(Failure),
}

impl Scheduler {
    /// Applies new settings and transforms the current rows again. Requests a run if there are no rows
    /// of this server, they lack fields, or the last run failed and the change may have fixed the cause.
    pub(super) async fn reload(
        &mut self,
        reload: Reload,
        past: &Past,
        shutdown: &CancellationToken,
    ) {
        match reload {
            Reload::Settings(settings) => self.apply(*settings),
            Reload::Invalid(failure) => {
                self.status
                    .set_configuration_error(Some(failure.message.clone()));
                self.ledger.start_now(Trigger::Reload);
                self.conclude("reload", &Err(CycleError::Failed(failure)), past);
                return;
            }
        }
        let has_fields = if self.cycle.own_snapshot().is_some() {
            self.render_again(Trigger::Reload, past).await
        } else {
            self.restore(past, shutdown).await;
            false
        };
        if !has_fields || past.last.is_some_and(|last| !last.succeeded) {
            self.ledger.request(Trigger::Reload);
        }
    }

    /// Replaces the settings.
    pub(super) fn apply(&mut self, settings: SyncSettings) {
        let SyncSettings {
            client,
            policy,
            pace,
            limits,
            acceptance,
            timetable,
            state_dir,
        } = settings;
        self.status.set_configuration_error(None);
        self.timetable = timetable;
        (self.cycle.client, self.cycle.policy, self.cycle.pace) = (client, policy, pace);
        (self.cycle.limits, self.cycle.acceptance) = (limits, acceptance);
        self.persister.move_to(state_dir);
    }

    /// Transforms the rows of the current snapshot again. Returns false if they lack fields that the
    /// configuration needs; a full sync has to read them then.
    pub(super) async fn render_again(&self, trigger: Trigger, past: &Past) -> bool {
        let current = self.cycle.own_snapshot();
        if !current.is_some_and(|snapshot| self.cycle.has_needed_fields(&snapshot.directory)) {
            return false;
        }
        self.ledger.start_now(trigger);
        let ended = self.cycle.reconfigure().await;
        self.conclude(&trigger.to_string(), &ended, past);
        if ended.is_ok() {
            self.save_snapshot();
        }
        true
    }
}
