//! Rows as lines of JSON, each with its assigned name. These types are separate from the rows in
//! memory, so that a change of the latter leaves old files readable.

use std::borrow::Cow;
use std::io::{self, BufRead, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::catalog::naming::HeldNames;
use crate::catalog::plan::Names;
use crate::directory::{Directory, Fields, Group, GroupPk, User, UserPk};

/// A line with a user.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct UserLine<'a> {
    pk: UserPk,
    username: Cow<'a, str>,
    name: Cow<'a, str>,
    email: Cow<'a, str>,
    avatar: Cow<'a, str>,
    is_active: bool,
    #[serde(rename = "type")]
    user_type: String,
    groups: Cow<'a, [GroupPk]>,
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    fields: Cow<'a, Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Cow<'a, str>>,
}

/// A line with a group.
#[derive(Serialize, Deserialize)]
struct GroupLine<'a> {
    pk: GroupPk,
    name: Cow<'a, str>,
    parents: Cow<'a, [GroupPk]>,
    users: Cow<'a, [UserPk]>,
    #[serde(default, skip_serializing_if = "Fields::is_empty")]
    fields: Cow<'a, Fields>,
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Cow<'a, str>>,
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

/// Reads this many users, then this many groups; more data is an error.
pub(super) fn read(
    mut from: impl BufRead,
    users: usize,
    groups: usize,
) -> io::Result<(Directory, Names)> {
    let mut names = Names::default();
    let mut buffer = Vec::new();
    // No preallocation: the counts come from the file and are not trusted.
    let (mut user_rows, mut group_rows) = (Vec::new(), Vec::new());
    for _ in 0..users {
        let line: UserLine<'_> = parse(&mut from, &mut buffer)?;
        names
            .users
            .extend(line.held.as_deref().map(|held| (line.pk, held.into())));
        user_rows.push(line.into());
    }
    for _ in 0..groups {
        let line: GroupLine<'_> = parse(&mut from, &mut buffer)?;
        names
            .groups
            .extend(line.held.as_deref().map(|held| (line.pk, held.into())));
        group_rows.push(line.into());
    }
    if !from.fill_buf()?.is_empty() {
        return Err(io::ErrorKind::InvalidData.into());
    }
    Ok((Directory::new(user_rows, group_rows), names))
}

impl<'a> UserLine<'a> {
    /// Builds the line of a user.
    fn of(user: &'a User, held: &'a HeldNames<UserPk>) -> Self {
        Self {
            pk: user.pk,
            username: Cow::Borrowed(&user.username),
            name: Cow::Borrowed(&user.name),
            email: Cow::Borrowed(&user.email),
            avatar: Cow::Borrowed(&user.avatar),
            is_active: user.is_active,
            user_type: user.user_type.to_string(),
            groups: Cow::Borrowed(&user.groups),
            fields: Cow::Borrowed(&user.fields),
            held: held.get(&user.pk).map(|held| Cow::Borrowed(&**held)),
        }
    }
}

impl<'a> GroupLine<'a> {
    /// Builds the line of a group.
    fn of(group: &'a Group, held: &'a HeldNames<GroupPk>) -> Self {
        Self {
            pk: group.pk,
            name: Cow::Borrowed(&group.name),
            parents: Cow::Borrowed(&group.parents),
            users: Cow::Borrowed(&group.users),
            fields: Cow::Borrowed(&group.fields),
            held: held.get(&group.pk).map(|held| Cow::Borrowed(&**held)),
        }
    }
}

impl From<UserLine<'_>> for User {
    fn from(line: UserLine<'_>) -> Self {
        Self {
            pk: line.pk,
            username: line.username.into(),
            name: line.name.into(),
            email: line.email.into(),
            avatar: line.avatar.into(),
            is_active: line.is_active,
            user_type: line.user_type.into(),
            groups: line.groups.into(),
            fields: line.fields.into_owned(),
        }
    }
}

impl From<GroupLine<'_>> for Group {
    fn from(line: GroupLine<'_>) -> Self {
        let GroupLine {
            pk,
            name,
            parents,
            users,
            fields,
            ..
        } = line;
        Self {
            pk,
            name: name.into(),
            parents: parents.into(),
            users: users.into(),
            fields: fields.into_owned(),
        }
    }
}

/// Writes a row and a line break; the JSON contains no line break.
fn line(to: &mut impl Write, row: &impl Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, row)?;
    to.write_all(b"\n")
}

/// Reads a row; reuses the buffer.
fn parse<T: DeserializeOwned>(from: &mut impl BufRead, buffer: &mut Vec<u8>) -> io::Result<T> {
    buffer.clear();
    from.read_until(b'\n', buffer)?;
    Ok(serde_json::from_slice(buffer)?)
}
