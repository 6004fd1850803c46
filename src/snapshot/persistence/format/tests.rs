use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::directory::{Group, GroupPk, Sizes, User, UserPk, UserType};

fn server() -> BaseUrl {
    BaseUrl::parse("https://authentik.example.com").unwrap()
}

fn group_pk() -> impl Strategy<Value = GroupPk> {
    (0..40_u128).prop_map(|number| GroupPk(Uuid::from_u128(number << 70)))
}

fn text() -> impl Strategy<Value = Box<str>> {
    any::<String>().prop_map(Into::into)
}

fn user() -> impl Strategy<Value = (User, Option<Box<str>>)> {
    let user_type = any::<String>().prop_map(UserType::from);
    let user_type = prop_oneof![
        Just(UserType::Internal),
        Just(UserType::ServiceAccount),
        user_type
    ];
    let texts = (text(), text(), text(), text());
    let flags = (
        any::<bool>(),
        user_type,
        prop::collection::vec(group_pk(), 0..4),
    );
    (any::<i64>(), texts, flags, prop::option::of(text())).prop_map(|(pk, texts, flags, held)| {
        let (username, name, email, avatar) = texts;
        let (is_active, user_type, groups) = flags;
        let groups = groups.into();
        (
            User {
                fields: crate::directory::Fields::default(),
                pk: UserPk(pk),
                username,
                name,
                email,
                avatar,
                is_active,
                user_type,
                groups,
            },
            held,
        )
    })
}

fn group() -> impl Strategy<Value = (Group, Option<Box<str>>)> {
    let members = prop::collection::vec(any::<i64>().prop_map(UserPk), 0..4);
    let links = (prop::collection::vec(group_pk(), 0..3), members);
    (group_pk(), text(), links, prop::option::of(text())).prop_map(
        |(pk, name, (parents, users), held)| {
            (
                Group {
                    fields: crate::directory::Fields::default(),
                    pk,
                    name,
                    parents: parents.into(),
                    users: users.into(),
                },
                held,
            )
        },
    )
}

fn persisted() -> impl Strategy<Value = PersistedRows> {
    let rows = (
        prop::collection::vec(user(), 0..12),
        prop::collection::vec(group(), 0..8),
    );
    (rows, 0..4_000_000_000_000_i64, any::<bool>()).prop_map(
        |((users, groups), read_at, with_watermark)| {
            let names = Names {
                namespace: "acme".parse().unwrap(),
                users: users
                    .iter()
                    .filter_map(|(row, held)| Some((row.pk, held.clone()?)))
                    .collect(),
                groups: groups
                    .iter()
                    .filter_map(|(row, held)| Some((row.pk, held.clone()?)))
                    .collect(),
            };
            let directory = Directory::new(
                users.into_iter().map(|(row, _)| row).collect(),
                groups.into_iter().map(|(row, _)| row).collect(),
            );
            let read_at = Timestamp::from_millisecond(read_at).unwrap();
            let recent_maxima = RecentMaxima::at(read_at, Sizes::of(&directory));
            let full_at = read_at
                .checked_sub(jiff::SignedDuration::from_hours(5))
                .ok();
            let resume_point = ResumePoint {
                watermark: full_at.filter(|_| with_watermark),
                full_at,
                ..ResumePoint::default()
            };
            PersistedRows {
                directory,
                names,
                recent_maxima,
                read_at,
                resume_point,
            }
        },
    )
}

fn encoded(persisted: &PersistedRows) -> Vec<u8> {
    encode(
        &server(),
        &persisted.directory,
        &persisted.names,
        &persisted.recent_maxima,
        persisted.read_at,
        &persisted.resume_point,
    )
    .unwrap()
}

/// A few fixed rows.
fn sample() -> PersistedRows {
    let group = |number| Group {
        fields: crate::directory::Fields::default(),
        pk: GroupPk(Uuid::from_u128(number)),
        name: "Größe & Café\n".into(),
        parents: [].into(),
        users: [UserPk(1)].into(),
    };
    let names = Names {
        users: [(UserPk(1), "alice".into())].into(),
        ..Names::default()
    };
    let user = User {
        fields: crate::directory::Fields::default(),
        pk: UserPk(1),
        username: "Alice".into(),
        name: "\u{2028}\"".into(),
        email: "alice@example.com".into(),
        avatar: "".into(),
        is_active: true,
        user_type: UserType::Other("robot".into()),
        groups: [GroupPk(Uuid::from_u128(9))].into(),
    };
    let directory = Directory::new(vec![user], vec![group(1), group(2)]);
    PersistedRows {
        directory,
        names,
        recent_maxima: RecentMaxima::default(),
        read_at: Timestamp::UNIX_EPOCH,
        resume_point: ResumePoint::default(),
    }
}

/// A file with an edited header and a correct checksum.
fn with_header(edit: impl FnOnce(&mut serde_json::Value)) -> Vec<u8> {
    let bytes = encoded(&sample());
    let (_, payload) = lines(&bytes).unwrap();
    let (header, rows) = lines(payload).unwrap();
    let mut header = serde_json::from_slice(header).unwrap();
    edit(&mut header);
    let payload = [format!("{header}\n").as_bytes(), rows].concat();
    [first_line(&payload).as_bytes(), &payload].concat()
}

proptest! {
    #[test]
    fn decode_returns_what_encode_was_given(persisted in persisted()) {
        let bytes = encoded(&persisted);
        prop_assert_eq!(decode(&bytes, &server()).unwrap(), persisted.clone());
        prop_assert_eq!(encoded(&persisted), bytes, "the same rows give the same bytes");
    }

    #[test]
    fn arbitrary_bytes_are_rejected(bytes in any::<Vec<u8>>()) {
        prop_assert!(decode(&bytes, &server()).is_err());
    }
}

#[test]
fn a_file_truncated_at_any_byte_is_torn() {
    let bytes = encoded(&sample());
    for end in 0..bytes.len() {
        assert_eq!(
            decode(&bytes[..end], &server()),
            Err(FormatError::Torn),
            "{end} of {}",
            bytes.len()
        );
    }
}

#[test]
fn every_flipped_bit_is_rejected() {
    let bytes = encoded(&sample());
    assert!(decode(&bytes, &server()).is_ok());
    for at in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[at / 8] ^= 1 << (at % 8);
        assert!(
            decode(&flipped, &server()).is_err(),
            "bit {at} of {:?}",
            flipped[at / 8]
        );
    }
    assert_eq!(
        decode(&[&bytes[..], b"\n"].concat(), &server()),
        Err(FormatError::Corrupted)
    );
}

#[test]
fn another_spelling_of_the_first_line_is_rejected() {
    let bytes = encoded(&sample());
    let (first, payload) = lines(&bytes).unwrap();
    let first = str::from_utf8(first).unwrap();
    for other in [
        first.replace(" 1 ", " 01 "),
        first.replace(" 1 ", " +1 "),
        format!("{first} "),
        first.to_uppercase(),
    ] {
        assert!(
            decode(&[other.as_bytes(), b"\n", payload].concat(), &server()).is_err(),
            "{other}"
        );
    }
}

#[test]
fn each_kind_of_wrong_file_has_its_error() {
    let bytes = encoded(&sample());
    let other = BaseUrl::parse("https://authentik.example.com/auth").unwrap();
    assert_eq!(decode(&bytes, &other), Err(FormatError::Foreign));
    assert_eq!(decode(b"#!/bin/sh\n", &server()), Err(FormatError::Foreign));
    assert_eq!(decode(b"\x7fELF", &server()), Err(FormatError::Foreign));
    assert_eq!(
        decode(format!("{MAGIC}2 what comes later\n").as_bytes(), &server()),
        Err(FormatError::Newer(2))
    );
    assert_eq!(
        decode(format!("{MAGIC}0 10 abc\n").as_bytes(), &server()),
        Err(FormatError::Corrupted)
    );
}

#[test]
fn unknown_members_of_the_header_are_ignored() {
    let later = with_header(|header| header["unknownMember"] = "2026-01-01T00:00:00Z".into());
    assert_eq!(decode(&later, &server()), Ok(sample()));
}

#[test]
fn a_wrong_number_of_rows_is_rejected() {
    for (list, count) in [("users", 0), ("users", 2), ("groups", 1), ("groups", 3)] {
        let wrong = with_header(|header| header[list] = count.into());
        assert_eq!(
            decode(&wrong, &server()),
            Err(FormatError::Corrupted),
            "{list} {count}"
        );
    }
}
