//! Reads the directory: both lists at once, until they agree about each other's rows.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::client::Client;
use super::error::Error;
use super::paging::{Rows, read_list, read_tail};
use super::wire::Stamped;
use crate::directory::{Directory, Disagreement, Group, User};
use crate::progress::Progress;

/// How often lists that disagree are read again.
const ROUNDS: usize = 3;

/// The directory, and from where a reading of what changed can go on.
#[derive(Debug)]
pub struct Crawl {
    /// Both lists.
    pub directory: Directory,
    /// The greatest `last_updated` that was seen, but none later than the server's clock when the
    /// reading began: whoever changed after being read has a later stamp, or one just before. None
    /// where the server sends no stamps or does not tell the time.
    pub watermark: Option<Timestamp>,
}

/// Reads both lists as [`read_directory`] does, and the watermark.
///
/// # Errors
/// Those of [`read_directory`].
pub async fn crawl(client: &Client, known: &Disagreement, progress: &Progress) -> Result<Crawl, Error> {
    let began = client.time().await?;
    let (directory, stamps) = read_stamped(client, known, progress).await?;
    let watermark = began.and_then(|began| stamps.into_iter().filter(|stamp| *stamp <= began).max());
    Ok(Crawl { directory, watermark })
}

/// Reads both lists. A pk that one names and the other lacks makes that list be read again, unless
/// `known` has it from before; what stays unknown stays in the directory and is reported from there.
///
/// # Errors
/// Whatever keeps a list from being read whole, or an empty user list, which no full view has.
pub async fn read_directory(
    client: &Client,
    known: &Disagreement,
    progress: &Progress,
) -> Result<Directory, Error> {
    Ok(read_stamped(client, known, progress).await?.0)
}

/// Reads both lists, and the stamps of the users as they were first read.
async fn read_stamped(
    client: &Client,
    known: &Disagreement,
    progress: &Progress,
) -> Result<(Directory, Vec<Timestamp>), Error> {
    let (users, groups) =
        tokio::try_join!(read_list::<Stamped>(client, progress), read_list::<Group>(client, progress))?;
    if users.is_empty() {
        return Err(Error::Empty);
    }
    let stamps = users.values().filter_map(|row| row.last_updated).collect();
    let users = users.into_values().map(|row| row.user).collect();
    let mut directory = Directory::new(users, groups.into_values().collect());
    let mut settled = known.clone();
    // Somebody joined a group after it was read: once, since the users are not read again for it.
    let mut behind = directory.lacks_a_membership();
    for _ in 0..ROUNDS {
        let found = Disagreement::of(&directory);
        if found.beyond(&settled).is_empty() && !behind {
            break;
        }
        directory = read_again(client, progress, directory, &settled).await?;
        (settled, behind) = (found, false);
    }
    Ok((directory, stamps))
}

/// Reads the cheap group list again, and of the user list as little as explains the difference:
/// nothing if nothing is missing beyond what was settled before, the tail if only new users are.
async fn read_again(
    client: &Client,
    progress: &Progress,
    old: Directory,
    settled: &Disagreement,
) -> Result<Directory, Error> {
    let newest = old.users().last().map(|user| user.pk);
    let (mut users, listed) = old.into_rows();
    let groups = read_list::<Group>(client, progress).await?;
    forget_deleted(&mut users, &listed, &groups);
    let mut current = Directory::new(users, groups.into_values().collect());
    let missing = Disagreement::of(&current).beyond(settled);
    if missing.groups.is_empty() && missing.users.first().copied() > newest {
        let (mut users, groups) = current.into_rows();
        users.extend(read_tail::<User>(client, progress, users.len()).await?.into_values());
        current = Directory::new(users, groups);
    }
    if Disagreement::of(&current).beyond(settled).is_empty() {
        return Ok(current);
    }
    let users = read_list::<User>(client, progress).await?;
    let (_, groups) = current.into_rows();
    Ok(Directory::new(users.into_values().collect(), groups))
}

/// Takes groups that were listed before and are not any more from the users that still name them:
/// they were deleted after those users were read.
fn forget_deleted(users: &mut [User], listed: &[Group], groups: &Rows<Group>) {
    let deleted: BTreeSet<_> =
        listed.iter().map(|group| group.pk).filter(|pk| !groups.contains_key(pk)).collect();
    for user in users.iter_mut().filter(|user| user.groups.iter().any(|pk| deleted.contains(pk))) {
        user.groups = user.groups.iter().copied().filter(|pk| !deleted.contains(pk)).collect();
    }
}
