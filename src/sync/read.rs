//! How a run reads Authentik: what changed, where that is known to suffice, and else everything.

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
use crate::config::{Config, Frequency, Limit};
use crate::counted::counted;
use crate::directory::Directory;
use crate::progress::Progress;
use crate::snapshot::run::Failure;
use crate::snapshot::sync_mode::{FullReason, ResumePoint, SyncMode};

/// So many readings of what changed that did not end in time, one after the other, are a doubt: the next
/// would be as long. A single one may be Authentik's bad day, on which it should not be read whole.
const LATE: u32 = 2;

/// When everything is read, and how long readings may take.
#[derive(Clone, Debug)]
pub struct SyncPace {
    /// How long reading what changed may take.
    pub delta: Limit,
    /// How long reading everything may take.
    pub full: Limit,
    /// How often everything is read.
    pub frequency: Frequency,
    /// How far before the watermark changes are asked for.
    pub overlap: Duration,
    /// The local time that cron expressions mean.
    pub zone: TimeZone,
}

/// The rows and from where the next run can go on.
pub(super) type Read = (Directory, ResumePoint);

impl SyncPace {
    /// The pace that a configuration sets.
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

    /// Whether everything is to be read again; also if the last time lies ahead, after a clock was set.
    fn is_due(&self, last: Timestamp, now: Timestamp) -> bool {
        let next = self.frequency.next_after(last, last, &self.zone);
        last > now || next.is_some_and(|next| next <= now)
    }

    /// How changes are asked for.
    fn settings(&self) -> DeltaSettings {
        DeltaSettings {
            overlap: SignedDuration::try_from(self.overlap).unwrap_or(SignedDuration::MAX),
        }
    }
}

impl Cycle {
    /// Reads what changed, or everything where that does not suffice, and tells which as it begins.
    pub(super) async fn read_now(
        &mut self,
        before: Option<&Basis>,
        progress: &Progress,
        tell: impl Fn(SyncMode),
    ) -> Result<Read, CycleError> {
        let reason = match self.known_rows(before) {
            Err(reason) => reason,
            Ok((basis, directory, watermark)) => {
                tell(SyncMode::Incremental(self.pace.settings().since(watermark)));
                let known = KnownRows {
                    directory: &directory,
                    watermark,
                };
                match self.read_changes(known, progress).await? {
                    DeltaOutcome::Delta(delta) => {
                        return Ok(followed(basis.resume_point(), delta));
                    }
                    DeltaOutcome::Fallback(doubt) => *self.doubt.insert(doubt.into()),
                }
            }
        };
        tell(SyncMode::Full(reason));
        self.read_all(before, progress).await
    }

    /// What a reading of changes can go on from, or why everything has to be read.
    fn known_rows<'a>(
        &self,
        basis: Option<&'a Basis>,
    ) -> Result<(&'a Basis, Cow<'a, Directory>, Timestamp), FullReason> {
        let basis = basis.ok_or(FullReason::First)?;
        let full_at = basis.resume_point().full_at.ok_or(FullReason::First)?;
        if let Some(doubt) = self.doubt {
            return Err(doubt);
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

    /// Reads what changed within its time.
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
        let is_late = matches!(changed, Err(Interruption::Late(_)));
        self.late = if is_late { self.late + 1 } else { 0 };
        if self.late >= LATE {
            self.doubt = Some(FullReason::TooSlow);
        }
        changed.map_err(CycleError::from)
    }

    /// Reads everything within its time.
    async fn read_all(
        &self,
        basis: Option<&Basis>,
        progress: &Progress,
    ) -> Result<Read, CycleError> {
        let full_at = Some(self.clock.now());
        let fields = self.client.fields();
        let known = basis.and_then(|basis| basis.with_fields(fields));
        // Rows without the new fields differ from all that are read, so no change can be told from them.
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

    /// Reads everything within its time, and nothing but the rows; `kept` is what is known from before.
    ///
    /// # Errors
    /// Whatever keeps the directory from being read whole within the time.
    pub async fn read(
        &self,
        kept: &Directory,
        progress: &Progress,
    ) -> Result<Directory, CycleError> {
        let reading = Box::pin(read_directory(&self.client, kept, progress));
        let read = within(self.pace.full, progress, reading).await;
        read.map_err(CycleError::from)
    }
}

/// Why rows could not be read.
#[derive(Debug)]
enum Interruption {
    /// Authentik could not be read.
    Failed(Failure),
    /// The time was over.
    Late(Failure),
}

impl From<Interruption> for CycleError {
    fn from(interruption: Interruption) -> Self {
        match interruption {
            Interruption::Failed(failure) | Interruption::Late(failure) => Self::Failed(failure),
        }
    }
}

/// What a reading of changes leaves to the next.
fn followed(before: &ResumePoint, delta: Delta) -> Read {
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

/// Reads within a time.
async fn within<T>(
    limit: Limit,
    progress: &Progress,
    reading: impl Future<Output = Result<T, Error>>,
) -> Result<T, Interruption> {
    let started = Instant::now();
    let Ok(read) = timeout(limit.time, reading).await else {
        let failure = timed_out(limit.key, started.elapsed(), progress);
        return Err(Interruption::Late(failure));
    };
    read.map_err(|error| Interruption::Failed(failure(&error)))
}

/// The failure of a run that could not read Authentik.
fn failure(error: &Error) -> Failure {
    Failure {
        quoted: error.quoted().map(str::to_owned),
        ..Failure::new(error.code(), error.explained())
    }
}

/// The failure of a run that took too long, with a timeout that would do.
fn timed_out(key: &str, elapsed: Duration, progress: &Progress) -> Failure {
    let (done, total) = (progress.done(), progress.total());
    let advice = if done == 0 {
        format!("check whether Authentik answers at all, or raise `{key}`")
    } else if !progress.is_sized() {
        format!("one list did not even tell its size: raise `{key}`")
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
