//! Strategies for hostile directories, including some that Authentik would not allow.

use std::collections::BTreeMap;

use authentik_entity_provider::base_url::BaseUrl;
use authentik_entity_provider::catalog::plan::Names;
use authentik_entity_provider::catalog::policy::{NamePolicy, Policy};
use authentik_entity_provider::directory::{Group, GroupPk, User, UserPk, UserType};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use uuid::Uuid;

/// Rows with distinct pks, a policy, and names of an earlier snapshot.
#[derive(Clone, Debug)]
pub struct World {
    pub users: Vec<User>,
    pub groups: Vec<Group>,
    pub policy: Policy,
    pub held: Names,
}

/// Generates any world.
pub fn world() -> impl Strategy<Value = World> {
    let rows = (
        btree_map(1..30i64, user(), 0..10),
        btree_map(1..12u128, group(), 0..8),
    );
    (rows, policy(), held()).prop_map(|((users, groups), policy, held)| World {
        users: users
            .into_iter()
            .map(|(pk, user)| User {
                pk: UserPk(pk),
                ..user
            })
            .collect(),
        groups: groups
            .into_iter()
            .map(|(pk, group)| Group {
                pk: group_pk(pk),
                ..group
            })
            .collect(),
        policy,
        held,
    })
}

/// Generates a name from few letters, so that collisions, empty and invalid names are frequent.
fn name() -> impl Strategy<Value = Box<str>> {
    let letter = prop::sample::select(vec![
        "a", "A", "b", "-", ".", "_", " ", "!", "é", "🚀", "/", "\n",
    ]);
    let short = vec(letter, 0..4).prop_map(|letters| letters.concat());
    let long = (prop::sample::select(vec!["x", "X", "-", "🚀"]), 60..70usize)
        .prop_map(|(letter, times)| letter.repeat(times));
    let suffixed = prop::sample::select(vec![
        "user",
        "group",
        "user-1",
        "user-2",
        "a-6b86b273",
        "a-d4735e3a",
    ])
    .prop_map(str::to_owned);
    prop_oneof![6 => short, 1 => long, 1 => suffixed].prop_map(Into::into)
}

fn user() -> impl Strategy<Value = User> {
    let kind = prop::sample::select(vec![
        UserType::Internal,
        UserType::External,
        UserType::ServiceAccount,
        UserType::InternalServiceAccount,
    ]);
    let avatar = prop::sample::select(vec![
        "",
        "/a.png",
        "https://a.example/b",
        "javascript:alert(1)",
        "//",
    ]);
    let optional = || prop::sample::select(vec!["", "Pat", "pat@example.com"]);
    let groups = vec(any_group_pk(), 0..3);
    (
        name(),
        optional(),
        optional(),
        avatar,
        prop::bool::weighted(0.8),
        kind,
        groups,
    )
        .prop_map(
            |(username, name, email, avatar, is_active, user_type, groups)| User {
                fields: authentik_entity_provider::directory::Fields::default(),
                pk: UserPk(0),
                username,
                name: name.into(),
                email: email.into(),
                avatar: avatar.into(),
                is_active,
                user_type,
                groups: groups.into(),
            },
        )
}

fn group() -> impl Strategy<Value = Group> {
    (name(), vec(any_group_pk(), 0..4), vec(1..34i64, 0..8)).prop_map(|(name, parents, users)| {
        Group {
            fields: authentik_entity_provider::directory::Fields::default(),
            pk: group_pk(0),
            name,
            parents: parents.into(),
            users: users.into_iter().map(UserPk).collect(),
        }
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    let entry = prop_oneof![
        Just("a"),
        Just("b"),
        Just("--"),
        Just("a-"),
        Just("A"),
        Just("none")
    ];
    let names = prop::sample::select(vec![
        NamePolicy::NpmModule,
        NamePolicy::Backstage,
        NamePolicy::Slug,
    ]);
    (
        names,
        vec(entry.prop_map(str::to_owned), 0..3),
        any::<bool>(),
    )
        .prop_map(|(names, exclude_groups, include_service_accounts)| Policy {
            shape: authentik_entity_provider::catalog::shape::Shape::default(),
            base_url: BaseUrl::parse("https://authentik.example.com").unwrap(),
            names,
            exclude_groups,
            include_service_accounts,
        })
}

/// Generates names of an earlier snapshot, each held by one row.
fn held() -> impl Strategy<Value = Names> {
    (
        btree_map(held_name(), 1..30i64, 0..4),
        btree_map(held_name(), 1..12u128, 0..4),
    )
        .prop_map(|(users, groups)| Names {
            namespace: authentik_entity_provider::catalog::shape::Namespace::default(),
            users: users
                .into_iter()
                .map(|(name, pk)| (UserPk(pk), name))
                .collect(),
            groups: groups
                .into_iter()
                .map(|(name, pk)| (group_pk(pk), name))
                .collect::<BTreeMap<_, _>>(),
        })
}

fn held_name() -> impl Strategy<Value = Box<str>> {
    prop::sample::select(vec![
        "a",
        "b",
        "aa",
        "-",
        "--",
        "a-",
        "user",
        "a-6b86b273",
        "group",
    ])
    .prop_map(Into::into)
}

/// Generates the pk of a group that may not exist.
fn any_group_pk() -> impl Strategy<Value = GroupPk> {
    (1..14u128).prop_map(group_pk)
}

fn group_pk(number: u128) -> GroupPk {
    GroupPk(Uuid::from_u128(number))
}
