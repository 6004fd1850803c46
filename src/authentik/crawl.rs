//! The crawl of a full sync: reads both lists concurrently until each has the rows that the other
//! names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::client::Client;
use super::delta::DeltaSettings;
use super::error::Error;
use super::paging::{ListRows, read_list, read_tail};
use super::wire::{Listed, Stamped};
use crate::directory::{
    BrokenRows, Directory, Disagreement, Group, GroupPk, RowError, User, UserPk,
};
use crate::progress::Progress;

/// How often to read lists again that disagree.
const ROUNDS: usize = 3;
/// A list of any size may have this many broken rows.
const MAX_BROKEN_ROWS: usize = 5;
/// The percentage of rows that may be broken. A list with more is not what this version expects.
const MAX_BROKEN_PERCENT: usize = 1;

/// What is known from the last sync.
#[derive(Clone, Copy, Debug)]
pub struct PreviousRows<'a> {
    /// The rows.
    pub directory: &'a Directory,
    /// The watermark minus the overlap: changes since the last sync have a later stamp. `None`
    /// without a watermark.
    pub since: Option<Timestamp>,
}

/// The directory, and the watermark for an incremental sync.
#[derive(Debug)]
pub struct Crawl {
    /// Both lists.
    pub directory: Directory,
    /// The greatest `last_updated` in the crawl. It is not later than the server's clock at the
    /// start of the crawl, and not earlier than that clock minus the overlap (see `delta`). A user
    /// that changes after its row was read has a later stamp, or one just before. `None` if the
    /// server sends no stamps or no `Date` header, or sent a broken row.
    pub watermark: Option<Timestamp>,
    /// Users that appeared or changed since the last sync without a recent stamp.
    pub unstamped: BTreeSet<UserPk>,
}

/// Reads both lists as [`read_directory`] does, with the watermark and the unstamped changes.
///
/// # Errors
/// Those of [`read_directory`], but not for an empty user list, which the guard checks before the
/// rows are published.
pub async fn crawl(
    client: &Client,
    before: PreviousRows<'_>,
    settings: DeltaSettings,
    progress: &Progress,
) -> Result<Crawl, Error> {
    let began = client.time().await?;
    let (directory, stamps, unstamped) = read_stamped(client, before, progress).await?;
    let is_known = directory.broken_rows().is_empty() && !stamps.is_empty();
    let watermark = began.filter(|_| is_known).map(|began| {
        let seen = stamps.into_iter().filter(|stamp| *stamp <= began);
        seen.fold(settings.since(began), Timestamp::max)
    });
    Ok(Crawl {
        directory,
        watermark,
        unstamped,
    })
}

/// Reads both lists. If one names a pk that the other lacks, the crawl reads that list again,
/// unless the previous directory has the same difference. A pk that is still missing stays in the
/// directory, and the catalog reports it. A broken row is replaced by the previous one, or left
/// out.
///
/// # Errors
/// When a list cannot be read completely, has more than a few broken rows, or has no user: a full
/// list has the token's own user.
pub async fn read_directory(
    client: &Client,
    previous: &Directory,
    progress: &Progress,
) -> Result<Directory, Error> {
    let before = PreviousRows {
        directory: previous,
        since: None,
    };
    let (directory, ..) = read_stamped(client, before, progress).await?;
    if directory.has_no_users() {
        Err(Error::Empty)
    } else {
        Ok(directory)
    }
}

/// Reads both lists. Also returns the stamps of the users as first read, and the users with an
/// unstamped change.
async fn read_stamped(
    client: &Client,
    before: PreviousRows<'_>,
    progress: &Progress,
) -> Result<(Directory, Vec<Timestamp>, BTreeSet<UserPk>), Error> {
    let previous = before.directory;
    let reader = DirectoryReader {
        client,
        previous,
        progress,
    };
    let ((users, of_users), (groups, of_groups)) =
        tokio::try_join!(reader.list::<Stamped>(), reader.list::<Group>())?;
    let unstamped = users
        .iter()
        .filter(|row| before.is_unstamped_change(row))
        .map(|row| row.user.pk)
        .collect();
    let stamps = users.iter().filter_map(|row| row.last_updated).collect();
    let users = users.into_iter().map(|row| row.user).collect();
    let broken_rows = BrokenRows {
        users: of_users,
        groups: of_groups,
    };
    let mut directory = Directory::new(users, groups).with_broken_rows(broken_rows);
    let mut accepted = Disagreement::of(previous);
    // A user joined a group after it was read. Once is enough: the users are not read again for it.
    let mut is_outdated = directory.has_one_sided_membership();
    for _ in 0..ROUNDS {
        let found = Disagreement::of(&directory);
        if found.beyond(&accepted).is_empty() && !is_outdated {
            break;
        }
        directory = reader.read_again(directory, &accepted).await?;
        (accepted, is_outdated) = (found, false);
    }
    let directory = directory.with_selection(Arc::clone(client.fields()));
    Ok((directory, stamps, unstamped))
}

impl PreviousRows<'_> {
    /// Whether a row appeared or changed with a stamp that no incremental sync requests.
    fn is_unstamped_change(&self, row: &Stamped) -> bool {
        let is_old = self
            .since
            .zip(row.last_updated)
            .is_some_and(|(since, stamp)| stamp <= since);
        is_old
            && !self
                .directory
                .user(row.user.pk)
                .is_some_and(|known| known.has_same_description(&row.user))
    }
}

/// The rows of a list, and the broken rows that were replaced or left out.
type Resolved<Row> = (Vec<Row>, BTreeMap<<Row as Listed>::Pk, RowError>);

/// Reads whole lists.
struct DirectoryReader<'a> {
    client: &'a Client,
    previous: &'a Directory,
    progress: &'a Progress,
}

impl DirectoryReader<'_> {
    /// Reads a list, with the previous rows in place of broken ones.
    async fn list<Row: Listed>(&self) -> Result<Resolved<Row>, Error> {
        let rows = read_list::<Row>(self.client, self.progress).await?;
        check::<Row>(&rows)?;
        Ok(self.resolved(rows))
    }

    /// Replaces broken rows by the previous ones.
    fn resolved<Row: Listed>(&self, rows: ListRows<Row>) -> Resolved<Row> {
        let mut broken_rows = BTreeMap::new();
        let rows = rows.into_iter().filter_map(|(pk, row)| {
            row.map_err(|error| broken_rows.insert(pk, error))
                .ok()
                .or_else(|| Row::of(self.previous, pk))
        });
        (rows.collect(), broken_rows)
    }

    /// Reads the cheap group list again. Reads of the user list only what explains the difference:
    /// nothing if no pk is missing beyond `accepted`, the tail if only new users are missing.
    async fn read_again(
        &self,
        old: Directory,
        accepted: &Disagreement,
    ) -> Result<Directory, Error> {
        let newest = old.users().last().map(|user| user.pk);
        let (mut users, listed, mut broken_rows) = old.into_rows();
        let (groups, of_groups) = self.list::<Group>().await?;
        broken_rows.groups = of_groups;
        forget_deleted(&mut users, &listed, &groups, &broken_rows);
        let mut current = Directory::new(users, groups).with_broken_rows(broken_rows);
        let missing = Disagreement::of(&current).beyond(accepted);
        if missing.groups.is_empty() && missing.users.first().copied() > newest {
            current = self.with_tail(current).await?;
        }
        if Disagreement::of(&current).beyond(accepted).is_empty() {
            return Ok(current);
        }
        let (users, of_users) = self.list::<User>().await?;
        let (_, groups, broken_rows) = current.into_rows();
        Ok(Directory::new(users, groups).with_broken_rows(BrokenRows {
            users: of_users,
            ..broken_rows
        }))
    }

    /// Adds the newest users. Broken ones wait for the next full sync.
    async fn with_tail(&self, current: Directory) -> Result<Directory, Error> {
        let (mut users, groups, mut broken_rows) = current.into_rows();
        let tail = read_tail::<User>(self.client, self.progress, users.len()).await?;
        for user in tail.into_values().flatten() {
            broken_rows.users.remove(&user.pk);
            users.push(user);
        }
        Ok(Directory::new(users, groups).with_broken_rows(broken_rows))
    }
}

/// Rejects a list with more than a few broken rows.
fn check<Row: Listed>(rows: &ListRows<Row>) -> Result<(), Error> {
    let broken = || {
        rows.iter()
            .filter_map(|(pk, row)| Some((pk, row.as_ref().err()?)))
    };
    let (Some((pk, error)), count) = (broken().next(), broken().count()) else {
        return Ok(());
    };
    if count <= MAX_BROKEN_ROWS || count * 100 <= MAX_BROKEN_PERCENT * rows.len() {
        return Ok(());
    }
    let RowError { field, problem } = error.clone();
    Err(Error::BrokenRows {
        list: Row::LIST,
        broken: count,
        rows: rows.len(),
        pk: pk.to_string(),
        field,
        problem,
    })
}

/// Removes groups that are no longer listed from the users that still name them: the groups were
/// deleted after those users were read.
fn forget_deleted(
    users: &mut [User],
    listed: &[Group],
    groups: &[Group],
    broken_rows: &BrokenRows,
) {
    let remaining: BTreeSet<GroupPk> = groups
        .iter()
        .map(|group| group.pk)
        .chain(broken_rows.groups.keys().copied())
        .collect();
    let deleted: BTreeSet<_> = listed
        .iter()
        .map(|group| group.pk)
        .filter(|pk| !remaining.contains(pk))
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
