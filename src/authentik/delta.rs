//! Incremental sync: reads what changed since the last sync, or falls back to a full sync.
//!
//! # Example
//!
//! The last snapshot has the users 1 to 5, and its watermark is 12:00. Then user 2 is deleted, user
//! 4 is renamed at 12:05, and user 6 is created at 12:06. Authentik now lists 1 3 4 5 6.
//!
//! 1. *Recent users.* The sync requests the users with a stamp after 11:50, the watermark minus the
//!    overlap. The answer has the rows 4 and 6. The known rows are now 1 2 3 4 5 6.
//! 2. *Probe.* The list has no row at offset 6, so there is one known row too many. A deleted row
//!    has no stamp, so it is not clear yet which one.
//! 3. *Bisection.* Offset 3 has user 4, but 3 is known there. Offset 1 has user 1, as known. Offset
//!    2 has user 3, but 2 is known there. So the lists differ from offset 2 on.
//! 4. *Reconciliation.* A page with the offsets 1 and 2 shows the users 1 and 3 side by side. So
//!    user 2 is deleted. The known rows are now 1 3 4 5 6.
//! 5. *Check.* Offset 5 has user 6, and the count is 5. The last active user, the last user of each
//!    type and three sample offsets match as well. The recent users are still 4 and 6.
//!
//! So the rows are right, and the next watermark is 12:06. With 50,000 users, step 3 takes 16
//! requests; the other steps take as many as here.
//!
//! # Rule
//!
//! The sync trusts only what a single answer shows. It takes over every row that an answer shows.
//! It removes a row only if one answer shows both of its neighbours side by side (`search`). So a
//! probe at the wrong offset costs requests, but never a person.
//!
//! # Steps
//!
//! An *offset* is the position of a row in a list sorted by pk, counted from 1. A *probe* is one
//! request for the row at an offset and the total count. A *part* is the list of the active users,
//! or of the users of one type.
//!
//! 1. Request the server's clock, then all groups, which carry the memberships, and the *recent
//!    users*: those with a stamp (`last_updated`) after the watermark minus the overlap.
//! 2. Probe the end of the whole list, then the end of each part and some *sample offsets*, then
//!    the end of the whole list again, up to the first mismatch.
//! 3. Request the recent users again.
//! 4. If the recent users changed, or a probe without a mismatch brought a change, take them over
//!    and go to step 2.
//! 5. If a probe does not match, something changed without a stamp. Find the offset by bisection of
//!    that list, reconcile the rows there, and go to step 2.
//! 6. Otherwise the rows are right.
//!
//! # Proof
//!
//! Assume that every row that appears is a recent user (exceptions: see *Limits*). Let T be the
//! moment of the first probe of the end, between two equal answers for the recent users.
//!
//! 1. The known rows lack no row that Authentik has at T. Such a row appeared after the last sync.
//!    If it appeared before the first answer for the recent users, that answer has it. If it
//!    appeared later, the second answer has it, and the two differ.
//! 2. The counts are equal at T, so the known rows have none too many either.
//! 3. Both hold at the second probe of the end too. So no row disappeared between the two, while
//!    the parts were probed.
//! 4. By the argument of 1, a known row that is in a wrong part changed without a recent stamp. It
//!    then moves the counts of both parts, and a probe of their ends shows it.
//!
//! # Watermark and overlap
//!
//! The next watermark is the greatest stamp that the sync saw, within two bounds:
//! - It is not later than the server's clock at the start of the sync. A row that changes during a
//!   long sync may have an earlier stamp than another row that the sync saw, and a stamp in the
//!   future would hide all changes until then.
//! - It is not earlier than that clock minus the overlap. Otherwise each sync would read the result
//!   of a bulk change again, until something else changes.
//!
//! A stamp is the clock of an Authentik worker, set before the transaction commits. So the overlap
//! must exceed the sum of the longest transaction, twice the clock difference between workers (and
//! the server that sets the `Date` header), and the lag of a database replica that Authentik reads
//! from.
//!
//! # Agreement of both lists
//!
//! As in a full sync, one list may name a pk that the other lacks. If the last snapshot did not
//! have the same difference, the sync reads the groups again and then compares the users again. It
//! does the same, once, if a user row names a group that does not list the user yet. A group that
//! vanished was deleted or hidden: the sync requests the row of a member, which still names a
//! hidden group.
//!
//! # Limits
//!
//! No request shows the following, until the row changes, or is read by chance, or a full sync
//! runs:
//! - a name or address that changed without a stamp (SQL, a bulk update);
//! - an avatar of a row whose stamp is not after the watermark, even if the row is read
//!   (`Draft::apply`): Authentik's default shows initials whenever Gravatar is unreachable, without
//!   a new stamp;
//! - changes without a stamp that cancel out in the counts: users that change in opposite
//!   directions or in a circle, or a deletion together with a row that appears with a stamp older
//!   than the overlap, as when a permission moves from one object to another (of N users, the
//!   sample offsets find this within N/3 syncs that start at different seconds);
//! - a row that appears and disappears within one sync, with a pk below the last one, and meanwhile
//!   hides another deletion in the counts;
//! - that a group is hidden, if no row that was read belongs to a member.

mod bisection;
mod draft;
mod fallback;
mod queries;
mod reconciliation;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::client::Client;
use super::error::Error;
use super::paging::read_list;
use crate::directory::{Directory, Disagreement, Group, UserPk};
use crate::progress::Progress;
use draft::Draft;
use queries::{Queries, RecentUsers};
use reconciliation::Reconciliation;

pub(super) use draft::parts;
pub use fallback::FallbackReason;

/// The default overlap: far longer than a request to Authentik takes, and than the clocks of its
/// workers differ.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// How many rounds without a repair may find an unstable list before the fallback.
const ROUNDS: usize = 6;
/// How many unstamped changes to search for. At about 18 requests each, more cost as much as a full
/// sync of some ten thousand users.
const MAX_UNSTAMPED: usize = 32;
/// How often to read the groups until both lists agree, as in a full sync.
const MAX_GROUP_READS: usize = 3;
/// If more than one user in this many is recent, a full sync is as cheap: recent users are read
/// twice.
const RECENT_DIVISOR: usize = 4;

/// What is known from the last sync.
#[derive(Clone, Copy, Debug)]
pub struct KnownRows<'a> {
    /// The rows.
    pub directory: &'a Directory,
    /// The watermark of the last sync.
    pub watermark: Timestamp,
}

/// Options of an incremental sync.
#[derive(Clone, Copy, Debug)]
pub struct DeltaSettings {
    /// How far before the watermark the recent users begin.
    pub overlap: SignedDuration,
}

impl Default for DeltaSettings {
    fn default() -> Self {
        Self { overlap: OVERLAP }
    }
}

impl DeltaSettings {
    /// The time minus the overlap. Users with a later stamp are recent.
    #[must_use]
    pub fn since(self, time: Timestamp) -> Timestamp {
        time.saturating_sub(self.overlap).unwrap_or(Timestamp::MIN)
    }
}

/// Outcome of an incremental sync.
#[derive(Debug)]
pub enum DeltaOutcome {
    /// The directory as it is now.
    Delta(Delta),
    /// The caller falls back to a full sync.
    Fallback(FallbackReason),
}

/// The result of an incremental sync that completed.
#[derive(Debug)]
pub struct Delta {
    /// The rows as they are now.
    pub directory: Directory,
    /// The watermark for the next sync.
    pub watermark: Timestamp,
    /// Users that appeared or changed without a recent stamp, found by chance or by the counts.
    pub unstamped: BTreeSet<UserPk>,
}

/// Why an incremental sync ends early.
enum Abort {
    Fallback(FallbackReason),
    Error(Error),
}

/// A broken row has no stamp, and its known row may be out of date. A full sync can handle it.
const BROKEN: Abort = Abort::Fallback(FallbackReason::BrokenRow);

impl From<Error> for Abort {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Reads what changed since the last sync.
///
/// # Errors
/// When a request fails.
pub async fn read_changes(
    client: &Client,
    known: KnownRows<'_>,
    settings: DeltaSettings,
    progress: &Progress,
) -> Result<DeltaOutcome, Error> {
    match read(client, known, settings, progress).await {
        Ok(delta) => Ok(DeltaOutcome::Delta(delta)),
        Err(Abort::Fallback(reason)) => Ok(DeltaOutcome::Fallback(reason)),
        Err(Abort::Error(error)) => Err(error),
    }
}

/// Reads both lists until they agree.
async fn read(
    client: &Client,
    known: KnownRows<'_>,
    settings: DeltaSettings,
    progress: &Progress,
) -> Result<Delta, Abort> {
    let began = client
        .time()
        .await?
        .ok_or(Abort::Fallback(FallbackReason::Clock))?;
    let KnownRows {
        directory,
        watermark,
    } = known;
    if watermark > began {
        return Err(Abort::Fallback(FallbackReason::Clock));
    }
    let since = settings.since(watermark);
    let queries = Queries {
        client,
        progress,
        since,
        max_recent: directory.users().len() / RECENT_DIVISOR,
    };
    let accepted = Disagreement::of(directory);
    let (mut groups, mut recent, ()) = tokio::try_join!(
        read_groups(client, progress),
        queries.recent(),
        queries.require_filter()
    )?;
    let mut draft = Draft::new(directory, since, began, watermark);
    for attempt in 0..MAX_GROUP_READS {
        if attempt > 0 {
            draft.forget_fresh();
            groups = read_groups(client, progress).await?;
            recent = queries.recent().await?;
        }
        let listed = std::mem::take(&mut groups);
        match reconcile(&queries, &mut draft, recent, &listed).await {
            Ok(again) => recent = again,
            Err(Abort::Fallback(FallbackReason::TooManyChanges)) => {
                return Err(Abort::Fallback(too_many_reason(
                    &mut draft, listed, &accepted,
                )));
            }
            Err(stop) => return Err(stop),
        }
        let (directory, is_outdated) = draft.with_groups(listed);
        let agrees = Disagreement::of(&directory).beyond(&accepted).is_empty();
        if agrees && !(is_outdated && attempt == 0) {
            let unstamped = draft.unstamped().clone();
            let watermark = draft.watermark().max(settings.since(began));
            return Ok(Delta {
                directory: directory.with_selection(Arc::clone(client.fields())),
                watermark,
                unstamped,
            });
        }
    }
    Err(Abort::Fallback(FallbackReason::ListsDisagree))
}

/// Reconciles the users, and checks vanished groups. Returns the last recent users.
async fn reconcile(
    queries: &Queries<'_>,
    draft: &mut Draft,
    recent: RecentUsers,
    groups: &[Group],
) -> Result<RecentUsers, Abort> {
    let recent = reconcile_users(queries, draft, recent).await?;
    check_vanished_groups(queries, draft, groups).await?;
    Ok(recent)
}

/// Why there are too many changes. Rows that the other list still names are hidden by a narrowed
/// permission, not deleted.
fn too_many_reason(
    draft: &mut Draft,
    groups: Vec<Group>,
    accepted: &Disagreement,
) -> FallbackReason {
    let (directory, _) = draft.with_groups(groups);
    if Disagreement::of(&directory).beyond(accepted).is_empty() {
        FallbackReason::TooManyChanges
    } else {
        FallbackReason::ListsDisagree
    }
}

/// Probes and repairs until all probes match between two equal answers for the recent users.
/// Returns the last of these.
async fn reconcile_users(
    queries: &Queries<'_>,
    draft: &mut Draft,
    mut recent: RecentUsers,
) -> Result<RecentUsers, Abort> {
    let (mut rounds, mut found) = (0, 0);
    apply_all(draft, &recent);
    while rounds < ROUNDS && found <= MAX_UNSTAMPED {
        let mut reconciliation = Reconciliation::new(queries, draft);
        let mismatch = reconciliation.find_mismatch().await?;
        let again = queries.recent().await?;
        let is_stable = again.is_unchanged_since(&recent);
        match mismatch {
            Some(mismatch) if is_stable => {
                reconciliation
                    .repair(mismatch, MAX_UNSTAMPED - found)
                    .await?;
            }
            None if is_stable && reconciliation.repaired == 0 => return Ok(again),
            _ => apply_all(reconciliation.draft, &again),
        }
        rounds += usize::from(reconciliation.repaired == 0);
        found += reconciliation.repaired;
        recent = again;
    }
    Err(Abort::Fallback(if found > MAX_UNSTAMPED {
        FallbackReason::TooManyChanges
    } else {
        FallbackReason::Unstable
    }))
}

/// Applies all rows of the recent users.
fn apply_all(draft: &mut Draft, recent: &RecentUsers) {
    for row in recent.rows() {
        draft.apply(row.clone());
    }
}

/// Requests a member of each vanished group, whose row still names a hidden group. Falls back if
/// there are too many groups, after some members, which show whether the groups are hidden.
async fn check_vanished_groups(
    queries: &Queries<'_>,
    draft: &mut Draft,
    groups: &[Group],
) -> Result<(), Abort> {
    let members = draft.members_of_vanished(groups);
    let few = members.iter().copied().take(MAX_UNSTAMPED).collect();
    Reconciliation::new(queries, draft).refetch(&few).await?;
    if members.len() > MAX_UNSTAMPED {
        return Err(Abort::Fallback(FallbackReason::TooManyChanges));
    }
    Ok(())
}

/// Reads all groups.
async fn read_groups(client: &Client, progress: &Progress) -> Result<Vec<Group>, Abort> {
    let rows: Result<Vec<_>, _> = read_list::<Group>(client, progress)
        .await?
        .into_values()
        .collect();
    rows.map_err(|_| BROKEN)
}
