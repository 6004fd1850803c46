//! Reads the directory: both lists at once, until they agree about each other's rows.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::client::Client;
use super::delta::Settings;
use super::error::Error;
use super::paging::{Rows, read_list, read_tail};
use super::wire::{Listed, Stamped};
use crate::directory::{Directory, Disagreement, Flaw, Flaws, Group, GroupPk, User, UserPk};
use crate::progress::Progress;

/// How often lists that disagree are read again.
const ROUNDS: usize = 3;
/// How many broken rows of a list are few, whatever its size.
const FEW_ROWS: usize = 5;
/// How many percent of a list's rows are few; more, and the list is not what this version expects.
const FEW_PERCENT: usize = 1;

/// What is known from before.
#[derive(Clone, Copy, Debug)]
pub struct Before<'a> {
    /// The rows.
    pub directory: &'a Directory,
    /// No stamp up to here belongs to a change since then; none if that is not known.
    pub since: Option<Timestamp>,
}

/// The directory, and from where a reading of what changed can go on.
#[derive(Debug)]
pub struct Crawl {
    /// Both lists.
    pub directory: Directory,
    /// The greatest `last_updated` that was seen, but none later than the server's clock when the
    /// reading began: whoever changed after being read has a later stamp, or one just before. It is no more
    /// than the overlap before that clock (see `delta`). None where the server sends no stamps, does not
    /// tell the time, or sent a row that could not be read.
    pub watermark: Option<Timestamp>,
    /// Users that came or changed since the reading before, with a stamp that is older than it.
    pub unannounced: BTreeSet<UserPk>,
}

/// Reads both lists as [`read_directory`] does, with the watermark and what no stamp told of.
///
/// # Errors
/// Those of [`read_directory`], but an empty user list is none: whoever publishes rows judges them.
pub async fn crawl(
    client: &Client,
    before: Before<'_>,
    settings: Settings,
    progress: &Progress,
) -> Result<Crawl, Error> {
    let began = client.time().await?;
    let (directory, stamps, unannounced) = read_stamped(client, before, progress).await?;
    let is_known = directory.flaws().is_empty() && !stamps.is_empty();
    let watermark = began.filter(|_| is_known).map(|began| {
        let seen = stamps.into_iter().filter(|stamp| *stamp <= began);
        seen.fold(settings.since(began), Timestamp::max)
    });
    Ok(Crawl {
        directory,
        watermark,
        unannounced,
    })
}

/// Reads both lists. A pk that one names and the other lacks makes that list be read again, unless the
/// directory that was kept before has the same difference; what stays unknown stays in the directory
/// and is reported from there. A broken row is as it was in the kept directory, or left out.
///
/// # Errors
/// Whatever keeps a list from being read whole, more than a few broken rows, or an empty user list:
/// the token's own user is in a full one.
pub async fn read_directory(
    client: &Client,
    kept: &Directory,
    progress: &Progress,
) -> Result<Directory, Error> {
    let before = Before {
        directory: kept,
        since: None,
    };
    let (directory, ..) = read_stamped(client, before, progress).await?;
    if directory.lists_nobody() {
        Err(Error::Empty)
    } else {
        Ok(directory)
    }
}

/// Reads both lists, and tells the stamps of the users as they were first read, and who came or changed
/// without one.
async fn read_stamped(
    client: &Client,
    before: Before<'_>,
    progress: &Progress,
) -> Result<(Directory, Vec<Timestamp>, BTreeSet<UserPk>), Error> {
    let kept = before.directory;
    let reader = Reader {
        client,
        kept,
        progress,
    };
    let ((users, of_users), (groups, of_groups)) =
        tokio::try_join!(reader.list::<Stamped>(), reader.list::<Group>())?;
    let unannounced = users
        .iter()
        .filter(|row| before.hides(row))
        .map(|row| row.user.pk)
        .collect();
    let stamps = users.iter().filter_map(|row| row.last_updated).collect();
    let users = users.into_iter().map(|row| row.user).collect();
    let flaws = Flaws {
        users: of_users,
        groups: of_groups,
    };
    let mut directory = Directory::new(users, groups).with_flaws(flaws);
    let mut settled = Disagreement::of(kept);
    // Somebody joined a group after it was read: once, since the users are not read again for it.
    let mut behind = directory.lacks_a_membership();
    for _ in 0..ROUNDS {
        let found = Disagreement::of(&directory);
        if found.beyond(&settled).is_empty() && !behind {
            break;
        }
        directory = reader.read_again(directory, &settled).await?;
        (settled, behind) = (found, false);
    }
    Ok((directory, stamps, unannounced))
}

impl Before<'_> {
    /// Whether a row came or changed with a stamp that no reading of what changed asks for.
    fn hides(&self, row: &Stamped) -> bool {
        let is_old = self
            .since
            .zip(row.last_updated)
            .is_some_and(|(since, stamp)| stamp <= since);
        is_old
            && !self
                .directory
                .user(row.user.pk)
                .is_some_and(|known| known.is_described_as(&row.user))
    }
}

/// The rows of a list, and what is wrong with those that are old or left out.
type Resolved<Row> = (Vec<Row>, BTreeMap<<Row as Listed>::Pk, Flaw>);

/// Asks for lists.
struct Reader<'a> {
    client: &'a Client,
    kept: &'a Directory,
    progress: &'a Progress,
}

impl Reader<'_> {
    /// Reads a list whole, with the kept rows in place of broken ones.
    async fn list<Row: Listed>(&self) -> Result<Resolved<Row>, Error> {
        let rows = read_list::<Row>(self.client, self.progress).await?;
        check::<Row>(&rows)?;
        Ok(self.resolved(rows))
    }

    /// Takes the kept rows in place of broken ones.
    fn resolved<Row: Listed>(&self, rows: Rows<Row>) -> Resolved<Row> {
        let mut flaws = BTreeMap::new();
        let rows = rows.into_iter().filter_map(|(pk, row)| {
            row.map_err(|flaw| flaws.insert(pk, flaw))
                .ok()
                .or_else(|| Row::of(self.kept, pk))
        });
        (rows.collect(), flaws)
    }

    /// Reads the cheap group list again, and of the user list as little as explains the difference:
    /// nothing if nothing is missing beyond what was settled before, the tail if only new users are.
    async fn read_again(&self, old: Directory, settled: &Disagreement) -> Result<Directory, Error> {
        let newest = old.users().last().map(|user| user.pk);
        let (mut users, listed, mut flaws) = old.into_rows();
        let (groups, of_groups) = self.list::<Group>().await?;
        flaws.groups = of_groups;
        forget_deleted(&mut users, &listed, &groups, &flaws);
        let mut current = Directory::new(users, groups).with_flaws(flaws);
        let missing = Disagreement::of(&current).beyond(settled);
        if missing.groups.is_empty() && missing.users.first().copied() > newest {
            current = self.with_tail(current).await?;
        }
        if Disagreement::of(&current).beyond(settled).is_empty() {
            return Ok(current);
        }
        let (users, of_users) = self.list::<User>().await?;
        let (_, groups, flaws) = current.into_rows();
        Ok(Directory::new(users, groups).with_flaws(Flaws {
            users: of_users,
            ..flaws
        }))
    }

    /// Adds the users that came last; broken ones wait for the next full reading.
    async fn with_tail(&self, current: Directory) -> Result<Directory, Error> {
        let (mut users, groups, mut flaws) = current.into_rows();
        let tail = read_tail::<User>(self.client, self.progress, users.len()).await?;
        for user in tail.into_values().flatten() {
            flaws.users.remove(&user.pk);
            users.push(user);
        }
        Ok(Directory::new(users, groups).with_flaws(flaws))
    }
}

/// Refuses a list of which more than a few rows are broken.
fn check<Row: Listed>(rows: &Rows<Row>) -> Result<(), Error> {
    let broken = || {
        rows.iter()
            .filter_map(|(pk, row)| Some((pk, row.as_ref().err()?)))
    };
    let (Some((pk, flaw)), count) = (broken().next(), broken().count()) else {
        return Ok(());
    };
    if count <= FEW_ROWS || count * 100 <= FEW_PERCENT * rows.len() {
        return Ok(());
    }
    let Flaw { field, problem } = flaw.clone();
    Err(Error::BrokenRows {
        list: Row::LIST,
        broken: count,
        rows: rows.len(),
        pk: pk.to_string(),
        field,
        problem,
    })
}

/// Takes groups that were listed before and are not any more from the users that still name them:
/// they were deleted after those users were read.
fn forget_deleted(users: &mut [User], listed: &[Group], groups: &[Group], flaws: &Flaws) {
    let left: BTreeSet<GroupPk> = groups
        .iter()
        .map(|group| group.pk)
        .chain(flaws.groups.keys().copied())
        .collect();
    let deleted: BTreeSet<_> = listed
        .iter()
        .map(|group| group.pk)
        .filter(|pk| !left.contains(pk))
        .collect();
    for user in users
        .iter_mut()
        .filter(|user| user.groups.iter().any(|pk| deleted.contains(pk)))
    {
        user.groups = user
            .groups
            .iter()
            .copied()
            .filter(|pk| !deleted.contains(pk))
            .collect();
    }
}
