//! Reads the directory: both lists at once, until they agree about each other's rows.

use super::client::Client;
use super::error::Error;
use super::paging::{Rows, read_list, read_tail};
use crate::directory::{Directory, Disagreement, Group, User};
use crate::progress::Progress;

/// How often lists that disagree are read again.
const ROUNDS: usize = 3;

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
    let (users, groups) =
        tokio::try_join!(read_list::<User>(client, progress), read_list::<Group>(client, progress))?;
    if users.is_empty() {
        return Err(Error::Empty);
    }
    let mut directory = directory(users, groups);
    let mut settled = known.clone();
    for _ in 0..ROUNDS {
        let found = Disagreement::of(&directory);
        if found.is_within(&settled) {
            break;
        }
        directory = read_again(client, progress, directory, &settled).await?;
        settled = found;
    }
    Ok(directory)
}

/// Reads the cheap group list again, and of the user list as little as explains the difference: the
/// tail if only new users are missing, nothing if nothing is missing beyond what was settled before.
async fn read_again(
    client: &Client,
    progress: &Progress,
    old: Directory,
    settled: &Disagreement,
) -> Result<Directory, Error> {
    let groups = read_list::<Group>(client, progress).await?;
    let newest = old.users().last().map(|user| user.pk);
    let (users, _) = old.into_rows();
    let current = Directory::new(users, groups.into_values().collect());
    let missing = Disagreement::of(&current);
    let (users, groups) = current.into_rows();
    let mut users: Rows<User> = users.into_iter().map(|user| (user.pk, user)).collect();
    // Users that name a group which is not listed may have been read before it was deleted.
    let stale = !missing.groups.is_subset(&settled.groups);
    let mut unknown = missing.users.difference(&settled.users);
    let whole = match unknown.next() {
        _ if stale => true,
        None => false,
        Some(oldest) if Some(*oldest) > newest => !read_tail(client, progress, &mut users).await?,
        Some(_) => true,
    };
    if whole {
        users = read_list::<User>(client, progress).await?;
    }
    Ok(Directory::new(users.into_values().collect(), groups))
}

/// A directory of rows by pk.
fn directory(users: Rows<User>, groups: Rows<Group>) -> Directory {
    Directory::new(users.into_values().collect(), groups.into_values().collect())
}
