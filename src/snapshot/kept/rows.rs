//! Rows as lines of JSON, each with the name that it held; apart from the rows in memory, so that those
//! may change and old files still be read.

use std::io::{self, BufRead, Write};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::catalog::naming::Held;
use crate::catalog::plan::Names;
use crate::directory::{Directory, Group, GroupPk, User, UserPk, UserType};

/// A user as a line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserLine {
    pk: i64,
    username: Box<str>,
    name: Box<str>,
    email: Box<str>,
    avatar: Box<str>,
    is_active: bool,
    #[serde(rename = "type")]
    user_type: String,
    groups: Box<[GroupPk]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Box<str>>,
}

/// A group as a line.
#[derive(Serialize, Deserialize)]
struct GroupLine {
    pk: Uuid,
    name: Box<str>,
    parents: Box<[GroupPk]>,
    users: Box<[UserPk]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Box<str>>,
}

/// Writes users, then groups.
pub(super) fn write(to: &mut impl Write, directory: &Directory, names: &Names) -> io::Result<()> {
    for user in directory.users() {
        line(to, &UserLine::of(user, &names.users))?;
    }
    for group in directory.groups() {
        line(to, &GroupLine::of(group, &names.groups))?;
    }
    Ok(())
}

/// Reads so many users and then so many groups, and nothing else may follow.
pub(super) fn read(mut from: impl BufRead, users: usize, groups: usize) -> io::Result<(Directory, Names)> {
    let mut names = Names::default();
    let mut buffer = Vec::new();
    // Not with capacity: a count is only what the file says.
    let (mut user_rows, mut group_rows) = (Vec::new(), Vec::new());
    for _ in 0..users {
        let UserLine { pk, username, name, email, avatar, is_active, user_type, groups, held } =
            parsed(&mut from, &mut buffer)?;
        let (pk, user_type) = (UserPk(pk), UserType::from(user_type));
        names.users.extend(held.map(|held| (pk, held)));
        user_rows.push(User { pk, username, name, email, avatar, is_active, user_type, groups });
    }
    for _ in 0..groups {
        let GroupLine { pk, name, parents, users, held } = parsed(&mut from, &mut buffer)?;
        let pk = GroupPk(pk);
        names.groups.extend(held.map(|held| (pk, held)));
        group_rows.push(Group { pk, name, parents, users });
    }
    if !from.fill_buf()?.is_empty() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok((Directory::new(user_rows, group_rows), names))
}

impl UserLine {
    /// A user with the name that it holds.
    fn of(user: &User, held: &Held<UserPk>) -> Self {
        Self {
            pk: user.pk.0,
            username: user.username.clone(),
            name: user.name.clone(),
            email: user.email.clone(),
            avatar: user.avatar.clone(),
            is_active: user.is_active,
            user_type: user.user_type.to_string(),
            groups: user.groups.clone(),
            held: held.get(&user.pk).cloned(),
        }
    }
}

impl GroupLine {
    /// A group with the name that it holds.
    fn of(group: &Group, held: &Held<GroupPk>) -> Self {
        Self {
            pk: group.pk.0,
            name: group.name.clone(),
            parents: group.parents.clone(),
            users: group.users.clone(),
            held: held.get(&group.pk).cloned(),
        }
    }
}

/// Writes a row and a line break; JSON has none inside.
fn line(to: &mut impl Write, row: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, row)?;
    to.write_all(b"\n")
}

/// Reads a row; the buffer is used again and again.
fn parsed<T: for<'de> Deserialize<'de>>(from: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<T> {
    buffer.clear();
    from.read_until(b'\n', buffer)?;
    Ok(serde_json::from_slice(buffer)?)
}
