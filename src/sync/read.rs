//! Reads Authentik for a run: incrementally where the result can be verified, otherwise completely.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, timeout};

use super::basis::Basis;
use super::cycle::{Cycle, CycleError};
use crate::authentik::crawl::{Crawl, PreviousRows, crawl, read_directory};
use crate::authentik::delta::{
    Delta, DeltaOutcome, DeltaSettings, FallbackReason, KnownRows, read_changes,
};
use crate::authentik::error::Error;
use crate::config::{Config, Frequency, TimeLimit};
use crate::counted::counted;
use crate::directory::Directory;
use crate::progress::Progress;
use crate::snapshot::run::{Failure, RunOptions};
use crate::snapshot::sync_mode::{FullReason, ResumePoint, SyncMode};

/// After so many consecutive timeouts of incremental syncs, the next sync is a full one. A single timeout
/// may be a slow moment of Authentik, in which a full sync would make things worse.
const MAX_TIMEOUTS: u32 = 2;

/// When a full sync is due, and how long reading may take.
#[derive(Clone, Debug)]
pub struct SyncPace {
    /// The time limit of an incremental sync.
    pub delta: TimeLimit,
    /// The time limit of a full sync.
    pub full: TimeLimit,
    /// How often a full sync runs.
    pub frequency: Frequency,
    /// How far before the watermark changes are read again.
    pub overlap: Duration,
    /// The local time that cron expressions mean.
    pub zone: TimeZone,
}

/// The rows, and the point from which the next run can continue.
pub(super) type Read = (Directory, ResumePoint);

impl SyncPace {
    /// Returns the pace of a configuration.
    #[must_use]
    pub fn of(config: &Config, zone: TimeZone) -> Self {
        Self {
            delta: config.delta_limit(),
            full: config.full_limit(),
            frequency: config.service.full_sync.frequency.clone(),
            overlap: config.service.incremental_overlap,
            zone,
        }
    }

    /// Returns true if a full sync is due. A last full sync in the future (a clock was set back) counts as due.
    fn is_due(&self, last: Timestamp, now: Timestamp) -> bool {
        let next = self.frequency.next_after(last, last, &self.zone);
        last > now || next.is_some_and(|next| next <= now)
    }

    /// Returns the settings of an incremental sync.
    fn settings(&self) -> DeltaSettings {
        DeltaSettings {
            overlap: SignedDuration::try_from(self.overlap).unwrap_or(SignedDuration::MAX),
        }
    }
}

impl Cycle {
    /// Reads the changes, or everything if that is needed. Calls `on_mode` as each mode starts.
    pub(super) async fn read_now(
        &mut self,
        before: Option<&Basis>,
        options: RunOptions,
        progress: &Progress,
        on_mode: impl Fn(SyncMode),
    ) -> Result<Read, CycleError> {
        let reason = match self.known_rows(before) {
            Err(reason) => reason,
            Ok((basis, directory, watermark)) => {
                on_mode(SyncMode::Incremental(self.pace.settings().since(watermark)));
                let known = KnownRows {
                    directory: &directory,
                    watermark,
                };
                match self.read_changes(known, progress).await? {
                    DeltaOutcome::Delta(delta) => {
                        return Ok(continued(basis.resume_point(), delta));
                    }
                    DeltaOutcome::Fallback(reason) => *self.full_reason.insert(reason.into()),
                }
            }
        };
        if options.postpones_full {
            return Err(postponed(reason));
        }
        on_mode(SyncMode::Full(reason));
        self.read_all(before, progress).await
    }

    /// Returns what an incremental sync continues from, or why a full sync is needed.
    pub(super) fn known_rows<'a>(
        &self,
        basis: Option<&'a Basis>,
    ) -> Result<(&'a Basis, Cow<'a, Directory>, Timestamp), FullReason> {
        let basis = basis.ok_or(FullReason::First)?;
        let full_at = basis.resume_point().full_at.ok_or(FullReason::First)?;
        if let Some(reason) = self.full_reason {
            return Err(reason);
        }
        let fields = self.client.fields();
        let directory = basis.with_fields(fields).ok_or(FullReason::NewFields)?;
        if !directory.broken_rows().is_empty() {
            return Err(FullReason::BrokenRow);
        }
        let watermark = basis
            .resume_point()
            .watermark
            .ok_or(FullReason::Unsupported)?;
        if self.pace.is_due(full_at, self.clock.now()) {
            return Err(FullReason::Due);
        }
        let page_size = self.client.page_size();
        if self.cost.prefers_full(&directory, page_size) {
            return Err(FullReason::Cheaper);
        }
        Ok((basis, directory, watermark))
    }

    /// Reads the changes within the time limit.
    async fn read_changes(
        &mut self,
        known: KnownRows<'_>,
        progress: &Progress,
    ) -> Result<DeltaOutcome, CycleError> {
        let reading = Box::pin(read_changes(
            &self.client,
            known,
            self.pace.settings(),
            progress,
        ));
        let changed = within(self.pace.delta, progress, reading).await;
        let is_timeout = matches!(changed, Err(CycleError::TimedOut(_)));
        self.timeouts = if is_timeout { self.timeouts + 1 } else { 0 };
        if self.timeouts >= MAX_TIMEOUTS {
            self.full_reason = Some(FullReason::TooSlow);
        }
        changed
    }

    /// Reads both lists within the time limit.
    async fn read_all(
        &self,
        basis: Option<&Basis>,
        progress: &Progress,
    ) -> Result<Read, CycleError> {
        let full_at = Some(self.clock.now());
        let fields = self.client.fields();
        let known = basis.and_then(|basis| basis.with_fields(fields));
        // Rows without the new fields differ from all rows that are read, so they cannot be compared.
        let watermark = basis
            .filter(|_| known.is_some())
            .and_then(|basis| basis.resume_point().watermark);
        let incomplete = || basis.map(|basis| Cow::Owned(basis.directory().project(fields)));
        let known = known.or_else(incomplete).unwrap_or_default();
        let before = PreviousRows {
            directory: &known,
            since: watermark.map(|watermark| self.pace.settings().since(watermark)),
        };
        let reading = Box::pin(crawl(&self.client, before, self.pace.settings(), progress));
        let Crawl {
            directory,
            watermark,
            unstamped,
        } = within(self.pace.full, progress, reading).await?;
        Ok((
            directory,
            ResumePoint {
                watermark,
                full_at,
                unstamped: Arc::new(unstamped),
            },
        ))
    }

    /// Reads both lists within the time limit, without a watermark. `previous` are the rows known so far.
    ///
    /// # Errors
    /// If the directory cannot be read completely within the time limit.
    pub async fn read(
        &self,
        previous: &Directory,
        progress: &Progress,
    ) -> Result<Directory, CycleError> {
        let reading = Box::pin(read_directory(&self.client, previous, progress));
        within(self.pace.full, progress, reading).await
    }
}

/// Returns the rows after an incremental sync, and the point from which the next run can continue.
fn continued(before: &ResumePoint, delta: Delta) -> Read {
    let Delta {
        directory,
        watermark,
        unstamped,
    } = delta;
    let mut all = Arc::clone(&before.unstamped);
    if !unstamped.is_subset(&all) {
        all = Arc::new(all.union(&unstamped).copied().collect());
    }
    (
        directory,
        ResumePoint {
            watermark: Some(watermark),
            full_at: before.full_at,
            unstamped: all,
        },
    )
}

/// Reads within a time limit.
async fn within<T>(
    limit: TimeLimit,
    progress: &Progress,
    reading: impl Future<Output = Result<T, Error>>,
) -> Result<T, CycleError> {
    let started = Instant::now();
    let Ok(read) = timeout(limit.time, reading).await else {
        let failure = timed_out(limit.key, started.elapsed(), progress);
        return Err(CycleError::TimedOut(failure));
    };
    read.map_err(|error| CycleError::Failed(failure(&error)))
}

/// The end of a run that postpones a full sync.
fn postponed(reason: FullReason) -> CycleError {
    let message = format!(
        "the changes that a webhook announced can only be read by a full sync (`{reason}`), and one right now would \
         load Authentik too much; `nextRunAt` in /health says when it follows, and POST /sync starts it at once"
    );
    CycleError::Postponed(Failure::new("full-sync-postponed", message))
}

/// The failure of a run that could not read Authentik.
fn failure(error: &Error) -> Failure {
    Failure {
        quoted: error.quoted().map(str::to_owned),
        ..Failure::new(error.code(), error.explained())
    }
}

/// The failure of a run that exceeded its time limit, with a proposal for a longer one.
fn timed_out(key: &str, elapsed: Duration, progress: &Progress) -> Failure {
    let (done, total) = (progress.done(), progress.total());
    let advice = if done == 0 {
        format!("check whether Authentik answers at all, or raise `{key}`")
    } else if !progress.is_sized() {
        format!("one list did not answer with its size: raise `{key}`")
    } else {
        let whole = elapsed.as_secs_f64() * 1.5 * total as f64 / done as f64;
        format!(
            "set `{key}` to {{ minutes: {} }} or more",
            (whole / 60.0).ceil().max(1.0)
        )
    };
    let message = format!(
        "the run was ended after {} s (`{key}`) with {done} of {} read; {advice}",
        elapsed.as_secs_f64().round(),
        counted(total, "page")
    );
    Failure::new("timeout", message)
}

impl From<FallbackReason> for FullReason {
    fn from(reason: FallbackReason) -> Self {
        match reason {
            FallbackReason::Unsupported => Self::Unsupported,
            FallbackReason::Clock => Self::Clock,
            FallbackReason::TooManyChanges => Self::TooManyChanges,
            FallbackReason::Unstable => Self::Unstable,
            FallbackReason::ListsDisagree => Self::ListsDisagree,
            FallbackReason::BrokenRow => Self::BrokenRow,
        }
    }
}
