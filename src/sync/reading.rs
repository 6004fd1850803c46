//! How a run reads Authentik: what changed, where that is known to suffice, and else everything.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, timeout};

use super::cycle::{Cycle, Stop};
use crate::authentik::delta::{Changed, Delta, Known, Reason, Settings, read_changes};
use crate::authentik::error::Error;
use crate::authentik::reading::{Before, Crawl, crawl, read_directory};
use crate::config::{Config, Frequency, Limit};
use crate::counted::counted;
use crate::directory::Directory;
use crate::progress::Progress;
use crate::snapshot::Snapshot;
use crate::snapshot::reading::{FullReason, Origin, Reading};
use crate::snapshot::run::Failure;

/// So many readings of what changed that did not end in time, one after the other, are a doubt: the next
/// would be as long. A single one may be Authentik's bad day, on which it should not be read whole.
const LATE: u32 = 2;
/// The code of a run that took too long.
const TIMEOUT: &str = "timeout";

/// When everything is read, and how long readings may take.
#[derive(Clone, Debug)]
pub struct Pace {
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
pub(super) type Read = (Directory, Origin);

impl Pace {
    /// The pace that a configuration sets.
    #[must_use]
    pub fn of(config: &Config, zone: TimeZone) -> Self {
        Self {
            delta: config.delta_limit(),
            full: config.full_limit(),
            frequency: config.service.full_sync.frequency.clone(),
            overlap: config.service.delta_overlap,
            zone,
        }
    }

    /// Whether everything is to be read again; also if the last time lies ahead, after a clock was set.
    fn is_due(&self, last: Timestamp, now: Timestamp) -> bool {
        let next = self.frequency.next_after(last, last, &self.zone);
        last > now || next.is_some_and(|next| next <= now)
    }

    /// How changes are asked for.
    fn settings(&self) -> Settings {
        Settings {
            overlap: SignedDuration::try_from(self.overlap).unwrap_or(SignedDuration::MAX),
        }
    }
}

impl Cycle {
    /// Reads what changed, or everything where that does not suffice, and tells which as it begins.
    pub(super) async fn read_now(
        &mut self,
        kept: Option<&Snapshot>,
        is_asked: bool,
        progress: &Progress,
        tell: impl Fn(Reading),
    ) -> Result<Read, Stop> {
        let reason = match self.basis(kept, is_asked) {
            Err(reason) => reason,
            Ok((kept, known)) => {
                tell(Reading::Delta(self.pace.settings().since(known.watermark)));
                match self.read_changes(known, progress).await? {
                    Changed::Delta(delta) => return Ok(followed(kept, delta)),
                    Changed::Doubt(doubt) => *self.doubt.insert(doubt.into()),
                }
            }
        };
        tell(Reading::Full(reason));
        self.read_all(kept, progress).await
    }

    /// What a reading of changes can go on from, or why everything has to be read.
    fn basis<'a>(
        &self,
        kept: Option<&'a Snapshot>,
        is_asked: bool,
    ) -> Result<(&'a Snapshot, Known<'a>), FullReason> {
        let kept = kept.ok_or(FullReason::First)?;
        let full_at = kept.origin.full_at.ok_or(FullReason::First)?;
        if is_asked {
            return Err(FullReason::Asked);
        }
        if let Some(doubt) = self.doubt {
            return Err(doubt);
        }
        if !kept.directory.flaws().is_empty() {
            return Err(FullReason::BrokenRow);
        }
        let watermark = kept.origin.watermark.ok_or(FullReason::Unsupported)?;
        if self.pace.is_due(full_at, self.clock.now()) {
            return Err(FullReason::Due);
        }
        Ok((
            kept,
            Known {
                directory: &kept.directory,
                watermark,
            },
        ))
    }

    /// Reads what changed within its time.
    async fn read_changes(
        &mut self,
        known: Known<'_>,
        progress: &Progress,
    ) -> Result<Changed, Stop> {
        let reading = Box::pin(read_changes(
            &self.client,
            known,
            self.pace.settings(),
            progress,
        ));
        let changed = within(self.pace.delta, progress, reading).await;
        let is_late = matches!(&changed, Err(Stop::Failed(failure)) if failure.code == TIMEOUT);
        self.late = if is_late { self.late + 1 } else { 0 };
        if self.late >= LATE {
            self.doubt = Some(FullReason::TooSlow);
        }
        changed
    }

    /// Reads everything within its time.
    async fn read_all(&self, kept: Option<&Snapshot>, progress: &Progress) -> Result<Read, Stop> {
        let (full_at, nothing) = (Some(self.clock.now()), Directory::default());
        let watermark = kept.and_then(|kept| kept.origin.watermark);
        let before = Before {
            directory: kept.map_or(&nothing, |kept| &kept.directory),
            since: watermark.map(|watermark| self.pace.settings().since(watermark)),
        };
        let reading = Box::pin(crawl(&self.client, before, self.pace.settings(), progress));
        let Crawl {
            directory,
            watermark,
            unannounced,
        } = within(self.pace.full, progress, reading).await?;
        Ok((
            directory,
            Origin {
                watermark,
                full_at,
                unannounced: Arc::new(unannounced),
            },
        ))
    }

    /// Reads everything within its time, and nothing but the rows; `kept` is what is known from before.
    ///
    /// # Errors
    /// Whatever keeps the directory from being read whole within the time.
    pub async fn read(&self, kept: &Directory, progress: &Progress) -> Result<Directory, Stop> {
        let reading = Box::pin(read_directory(&self.client, kept, progress));
        within(self.pace.full, progress, reading).await
    }
}

/// What a reading of changes leaves to the next.
fn followed(kept: &Snapshot, delta: Delta) -> Read {
    let Delta {
        directory,
        watermark,
        unannounced,
    } = delta;
    let mut all = Arc::clone(&kept.origin.unannounced);
    if !unannounced.is_subset(&all) {
        all = Arc::new(all.union(&unannounced).copied().collect());
    }
    (
        directory,
        Origin {
            watermark: Some(watermark),
            full_at: kept.origin.full_at,
            unannounced: all,
        },
    )
}

/// Reads within a time.
async fn within<T>(
    limit: Limit,
    progress: &Progress,
    reading: impl Future<Output = Result<T, Error>>,
) -> Result<T, Stop> {
    let started = Instant::now();
    match timeout(limit.time, reading).await {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => Err(Stop::Failed(failure(&error))),
        Err(_) => Err(Stop::Failed(timed_out(
            limit.key,
            started.elapsed(),
            progress,
        ))),
    }
}

/// The failure of a run that could not read Authentik.
fn failure(error: &Error) -> Failure {
    Failure {
        quoted: error.quoted().map(str::to_owned),
        ..Failure::new(error.code(), error.to_string())
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
    Failure::new(TIMEOUT, message)
}

impl From<Reason> for FullReason {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Unsupported => Self::Unsupported,
            Reason::Clock => Self::Clock,
            Reason::TooMany => Self::TooMany,
            Reason::Restless => Self::Restless,
            Reason::Disagreement => Self::Disagreement,
            Reason::BrokenRow => Self::BrokenRow,
        }
    }
}
