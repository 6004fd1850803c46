//! When a webhook of Authentik starts a run.
//!
//! A webhook only says that something may have changed. However many arrive, the runs that they start keep
//! Authentik busy for a small share of the time.

use std::time::Duration;

use jiff::SignedDuration;
use tokio::time::Instant;

use super::{Past, Scheduler};
use crate::config::Frequency;
use crate::snapshot::ledger::{SETTLING, Webhooks};
use crate::snapshot::run::RunOptions;
use crate::snapshot::sync_mode::SyncMode;

/// The pause between a run and the next one of its mode that a webhook starts, as a multiple of the duration
/// of that run.
const PAUSE: u32 = 10;

/// The longest wait for the end of a burst of webhooks.
const LONGEST_BURST: SignedDuration = SignedDuration::from_secs(5);

/// When a webhook may start a run again, by the mode of the run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct WebhookPauses {
    incremental: Option<Instant>,
    full: Option<Instant>,
}

impl WebhookPauses {
    /// Starts the pause after a run.
    pub(super) fn follow(&mut self, mode: Option<SyncMode>, started: Instant) {
        let now = Instant::now();
        let end = now.checked_add((now - started).saturating_mul(PAUSE));
        match mode {
            Some(SyncMode::Full(_)) => self.full = end,
            Some(SyncMode::Incremental(_)) => self.incremental = end,
            None => {}
        }
    }
}

/// The run that a webhook starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct WebhookRun {
    /// When it is due.
    pub(super) at: Instant,
    /// Its options.
    pub(super) options: RunOptions,
}

impl Scheduler {
    /// Returns the run that the webhook starts which arrived; `None` without one, or if the schedule starts the
    /// next run.
    ///
    /// The schedule decides before the first run, after a failure, and for a full sync whose usual duration is
    /// not known. Without a schedule nothing else would start these runs, so that they start at once.
    pub(super) fn webhook_run(&self, past: &Past) -> Option<WebhookRun> {
        let webhooks = self.ledger.webhooks()?;
        let has_schedule = !matches!(self.timetable.schedule.frequency, Frequency::Manual);
        if has_schedule && past.last.is_none_or(|last| last.failures > 0) {
            return None;
        }
        let now = Instant::now();
        let full = past.pauses.full.or((!has_schedule).then_some(now));
        let due = if self.cycle.needs_full() {
            full?
        } else {
            past.pauses.incremental.unwrap_or(now)
        };
        let at = due.max(now + self.rest_of_burst(webhooks));
        let options = RunOptions {
            postpones_full: full.is_none_or(|full| full > at),
            ..RunOptions::default()
        };
        Some(WebhookRun { at, options })
    }
}

impl Scheduler {
    /// Returns how long to wait for further webhooks, and for Authentik to commit what it has announced.
    fn rest_of_burst(&self, webhooks: Webhooks) -> Duration {
        let now = self.clock.now();
        let settled = SETTLING.saturating_sub(now.duration_since(webhooks.last));
        let longest = LONGEST_BURST.saturating_sub(now.duration_since(webhooks.first));
        Duration::try_from(settled.min(longest)).unwrap_or_default()
    }
}

/// Waits until the run of a webhook is due, and returns its options; without one, it never returns.
pub(super) async fn due(run: Option<WebhookRun>) -> RunOptions {
    let Some(WebhookRun { at, options }) = run else {
        return std::future::pending().await;
    };
    tokio::time::sleep_until(at).await;
    options
}
