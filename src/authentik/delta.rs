//! Reads what changed since the last sync, at the cost of the change, or leaves it to a full sync.
//!
//! **An example.** The last snapshot has the users 1 to 5, and its watermark is 12:00. Then user 2 is
//! deleted, user 4 gets another name at 12:05, and user 6 is added at 12:06. Authentik has 1 3 4 5 6 now.
//! 1. Users with a stamp after 11:50, the watermark less the overlap: the answer has the rows 4 and 6. The
//!    new name is known, and so is user 6: 1 2 3 4 5 6.
//! 2. The row at rank 6 of the whole list: there is none. One user too many is known, and no stamp tells
//!    which, because a deleted row has none.
//! 3. Bisection of the ranks: rank 3 has user 4 where 3 is known, rank 1 has user 1 as known, rank 2 has
//!    user 3 where 2 is known. So the lists differ from rank 2 on.
//! 4. A page around the ranks 1 and 2: it shows 1 and 3 side by side, so 2 is deleted: 1 3 4 5 6.
//! 5. The row at rank 5 is user 6 and the count is 5. The last active user, the last user of each type and
//!    three spots stand at the known ranks too. The users after 11:50 are still 4 and 6, as they were.
//!
//! So the rows are right, and the next watermark is 12:06. With 50,000 users step 3 takes 16 requests; the
//! other steps take as many as here.
//!
//! **The rule.** Nothing is trusted but what one answer shows. A row that is shown is taken over as it
//! is. A row is taken out only if one answer shows both its neighbours side by side (`search`). So a
//! wrong guess where to look costs requests and never a person.
//!
//! **What is asked.** The server's clock first. Then the groups, which carry all memberships, and the
//! *recent* users: those with a stamp (`last_updated`) after the watermark less the overlap. Then, as
//! long as it is needed: the end of the whole list (its count, and the row of the last rank), the ends
//! of its parts (the active users, each type) and some spots, the end of the whole again, the recent
//! users again. If the recent users are still the same and all ends fit, the rows are right. If the
//! recent users changed, all is compared once more. If they did not and an end does not fit, something
//! changed without a stamp: where, is searched by halving the ranks of that list, and mended.
//!
//! **Why that is enough.** Let `known` be the rows of before with all that was seen, at the moment T of
//! the first look at the end, between two equal readings of the recent users. A row that Authentik had
//! at T and `known` lacks did not appear with a fresh stamp before the first of these readings, since it
//! would be in it; nor after, since it would be in the second. So there is none, and as both have as
//! many rows, `known` has none too many. The same holds at the second look, so that nothing went
//! between them, where the parts were counted. A known row that is in another part than Authentik has
//! it changed without a fresh stamp by the same argument, and moves the counts of both parts.
//!
//! **The watermark** is the greatest stamp seen, but none later than the server's clock when the reading
//! began: a row that changed behind a long reading's back may be older than another that it saw, and a
//! stamp from the future would hide all changes until then. It is no more than the overlap before that
//! clock either, or many changes at once would be read again and again until somebody changes something
//! else. A stamp is a worker's own clock, set before the transaction commits. So the overlap has to be
//! longer than the longest transaction, twice the difference of the clocks (workers, and whoever writes
//! `Date`), and how far a replica that Authentik reads from may be behind, together.
//!
//! **Agreement.** As in a full crawl, a pk that one list names and the other lacks, beyond those known
//! from before, makes the groups be read again, and the users be compared again after them; the same,
//! once, if a user was seen to have joined a group that does not show it yet. A group that vanished
//! was deleted or hidden; one of its members is asked, and names it if it is hidden.
//!
//! **What no query shows**, until the row is changed or happens to be read, or until the next full crawl:
//! - a name or address changed without a stamp (SQL, a bulk update);
//! - an avatar of a row whose stamp is not after the watermark, also if the row is read (`Draft::take`):
//!   Authentik's default shows initials whenever Gravatar cannot be reached, without a stamp;
//! - changes without a stamp that cancel in the counts: of users in opposite directions or in a circle, or
//!   a delete together with a row that appears with a stamp older than the overlap, as when a permission on
//!   single objects is moved (of N users the spots find it within N/3 readings, at different seconds);
//! - a row that appears and goes within one reading, with a pk below the last, and covers another's
//!   delete in the counts between;
//! - that a group is hidden of which nobody who was read is a member.

mod asking;
mod draft;
mod reason;
mod search;
mod survey;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::client::Client;
use super::error::Error;
use super::paging::read_list;
use crate::directory::{Directory, Disagreement, Group, UserPk};
use crate::progress::Progress;
use asking::{Asker, Recent};
use draft::Draft;
use survey::Survey;

pub(super) use draft::parts;
pub use reason::Reason;

/// How far before the watermark changes are asked for, unless set otherwise: far longer than a request
/// of Authentik may take, and than the clocks of its workers differ.
pub const OVERLAP: SignedDuration = SignedDuration::from_mins(10);
/// How often the directory may change while it is compared.
const ROUNDS: usize = 6;
/// How many unannounced differences are searched for; at about 18 requests each, more are as dear as
/// reading some ten thousand users.
const UNANNOUNCED: usize = 32;
/// How often lists that disagree are read again, as in a full crawl.
const AGREEMENTS: usize = 3;
/// Which part of the users may have changed before a full crawl is as cheap; they are read twice.
const PART: usize = 4;

/// What is known from before.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The rows.
    pub directory: &'a Directory,
    /// The watermark of the reading that they come from.
    pub watermark: Timestamp,
}

/// How to read what changed.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// How far before the watermark changes are asked for.
    pub overlap: SignedDuration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { overlap: OVERLAP }
    }
}

impl Settings {
    /// So long before a time that changes with a later stamp are asked for.
    #[must_use]
    pub fn since(self, time: Timestamp) -> Timestamp {
        time.saturating_sub(self.overlap).unwrap_or(Timestamp::MIN)
    }
}

/// What became of a reading.
#[derive(Debug)]
pub enum Changed {
    /// The directory as it is now.
    Delta(Delta),
    /// Only a full crawl tells.
    Doubt(Reason),
}

/// The directory as it is now, read as what changed.
#[derive(Debug)]
pub struct Delta {
    /// The rows.
    pub directory: Directory,
    /// From where the next reading goes on.
    pub watermark: Timestamp,
    /// Users that came or changed without a stamp: seen by luck, or found by the counts.
    pub unannounced: BTreeSet<UserPk>,
}

/// Why a reading ends early.
enum Stop {
    Doubt(Reason),
    Error(Error),
}

/// A row that cannot be read has no stamp, and what was kept of it may be old: the full crawl knows how
/// to go on with it.
const BROKEN: Stop = Stop::Doubt(Reason::BrokenRow);

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Reads what changed since what is known.
///
/// # Errors
/// Whatever keeps Authentik from answering.
pub async fn read_changes(
    client: &Client,
    known: Known<'_>,
    settings: Settings,
    progress: &Progress,
) -> Result<Changed, Error> {
    match read(client, known, settings, progress).await {
        Ok(delta) => Ok(Changed::Delta(delta)),
        Err(Stop::Doubt(reason)) => Ok(Changed::Doubt(reason)),
        Err(Stop::Error(error)) => Err(error),
    }
}

/// Reads both lists until they agree.
async fn read(
    client: &Client,
    known: Known<'_>,
    settings: Settings,
    progress: &Progress,
) -> Result<Delta, Stop> {
    let began = client.time().await?.ok_or(Stop::Doubt(Reason::Clock))?;
    let Known {
        directory,
        watermark,
    } = known;
    if watermark > began {
        return Err(Stop::Doubt(Reason::Clock));
    }
    let since = settings.since(watermark);
    let asker = Asker {
        client,
        progress,
        since,
        most: directory.users().len() / PART,
    };
    let settled = Disagreement::of(directory);
    let (mut groups, mut recent, ()) = tokio::try_join!(
        read_groups(client, progress),
        asker.recent(),
        asker.require_filter()
    )?;
    let mut draft = Draft::new(directory, since, began, watermark);
    for reading in 0..AGREEMENTS {
        if reading > 0 {
            draft.forget_fresh();
            groups = read_groups(client, progress).await?;
            recent = asker.recent().await?;
        }
        let listed = std::mem::take(&mut groups);
        match compare(&asker, &mut draft, recent, &listed).await {
            Ok(again) => recent = again,
            Err(Stop::Doubt(Reason::TooMany)) => {
                return Err(Stop::Doubt(why_too_many(&mut draft, listed, &settled)));
            }
            Err(stop) => return Err(stop),
        }
        let (directory, behind) = draft.with_groups(listed);
        let agrees = Disagreement::of(&directory).beyond(&settled).is_empty();
        if agrees && !(behind && reading == 0) {
            let unannounced = draft.unannounced().clone();
            let watermark = draft.watermark().max(settings.since(began));
            return Ok(Delta {
                directory,
                watermark,
                unannounced,
            });
        }
    }
    Err(Stop::Doubt(Reason::Disagreement))
}

/// Compares the users until everything fits, and visits members of vanished groups.
async fn compare(
    asker: &Asker<'_>,
    draft: &mut Draft,
    recent: Recent,
    groups: &[Group],
) -> Result<Recent, Stop> {
    let recent = settle(asker, draft, recent).await?;
    visit_vanished(asker, draft, groups).await?;
    Ok(recent)
}

/// Why there are too many differences: rows that are still named are hidden by a narrowed permission,
/// and not deleted.
fn why_too_many(draft: &mut Draft, groups: Vec<Group>, settled: &Disagreement) -> Reason {
    let (directory, _) = draft.with_groups(groups);
    if Disagreement::of(&directory).beyond(settled).is_empty() {
        Reason::TooMany
    } else {
        Reason::Disagreement
    }
}

/// Compares and mends until everything fits while the recent users rest; gives these.
async fn settle(asker: &Asker<'_>, draft: &mut Draft, mut recent: Recent) -> Result<Recent, Stop> {
    let (mut rounds, mut found) = (0, 0);
    take_all(draft, &recent);
    while rounds < ROUNDS && found <= UNANNOUNCED {
        let mut survey = Survey::new(asker, draft);
        let evidence = survey.differs().await?;
        let again = asker.recent().await?;
        let rests = again.is_as(&recent);
        match evidence {
            Some(evidence) if rests => survey.mend(evidence, UNANNOUNCED - found).await?,
            None if rests && survey.mended == 0 => return Ok(again),
            _ => take_all(survey.draft, &again),
        }
        rounds += usize::from(survey.mended == 0);
        found += survey.mended;
        recent = again;
    }
    Err(Stop::Doubt(if found > UNANNOUNCED {
        Reason::TooMany
    } else {
        Reason::Restless
    }))
}

/// Takes the recent users over.
fn take_all(draft: &mut Draft, recent: &Recent) {
    for row in recent.rows() {
        draft.take(row.clone());
    }
}

/// Asks a member of each vanished group whether it still names the group; of many groups some members,
/// which show whether they were deleted or hidden.
async fn visit_vanished(
    asker: &Asker<'_>,
    draft: &mut Draft,
    groups: &[Group],
) -> Result<(), Stop> {
    let members = draft.members_of_vanished(groups);
    let few = members.iter().copied().take(UNANNOUNCED).collect();
    Survey::new(asker, draft).visit(&few).await?;
    if members.len() > UNANNOUNCED {
        return Err(Stop::Doubt(Reason::TooMany));
    }
    Ok(())
}

/// Reads the groups, all of them.
async fn read_groups(client: &Client, progress: &Progress) -> Result<Vec<Group>, Stop> {
    let rows: Result<Vec<_>, _> = read_list::<Group>(client, progress)
        .await?
        .into_values()
        .collect();
    rows.map_err(|_| BROKEN)
}
