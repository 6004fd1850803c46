//! Random rows as Authentik sends them, some of which it would not allow.

use authentik_entity_provider::authentik::wire::{Listed, read_fields};
use authentik_entity_provider::directory::{FieldSelection, Group, User};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::values::{some_of, text, value, words};

/// The keys of attributes.
const ATTRIBUTES: [&str; 8] = [
    "title", "picture", "email", "kind", "nested", "a.b", "$text", "ключ",
];
/// The number of groups that a row may name; not all of them exist.
const GROUPS: u128 = 10;
/// The number of users that a row may name; not all of them exist.
const USERS: i64 = 16;

/// The rows of both lists.
#[derive(Clone, Debug)]
pub struct Rows {
    users: Vec<Value>,
    groups: Vec<Value>,
}

/// Generates rows.
pub fn rows() -> impl Strategy<Value = Rows> {
    let users =
        btree_map(1..USERS, user(), 0..12).prop_map(|users| with_pks(users, |pk| json!(pk)));
    let groups = btree_map(1..GROUPS, group(), 0..8);
    let groups = groups.prop_map(|groups| with_pks(groups, |pk| json!(Uuid::from_u128(pk))));
    (users, groups).prop_map(|(users, groups)| Rows { users, groups })
}

impl Rows {
    /// Decodes the rows as the client does.
    pub fn read(&self, selection: &FieldSelection) -> (Vec<User>, Vec<Group>) {
        (
            self.users.iter().map(|row| read(row, selection)).collect(),
            self.groups.iter().map(|row| read(row, selection)).collect(),
        )
    }
}

fn read<Row: Listed>(row: &Value, selection: &FieldSelection) -> Row {
    let json = row.to_string();
    let wire: Row::Wire = serde_json::from_str(&json).unwrap();
    let row: Row = wire.into();
    row.with_fields(read_fields(&json, Row::paths(selection)))
}

fn with_pks<Pk>(
    rows: impl IntoIterator<Item = (Pk, Value)>,
    json: impl Fn(Pk) -> Value,
) -> Vec<Value> {
    let rows = rows.into_iter().map(|(pk, mut row)| {
        row["pk"] = json(pk);
        row
    });
    rows.collect()
}

fn user() -> BoxedStrategy<Value> {
    let types = words(&[
        "internal",
        "internal",
        "external",
        "service_account",
        "unknown",
    ]);
    let required = (name(), prop::bool::weighted(0.9), types, attributes());
    let more = some_of(
        0.8,
        vec![
            ("name", text().prop_map(Value::from).boxed()),
            (
                "email",
                prop_oneof![
                    words(&["a@example.com", " B@example.com ", ""]),
                    words_of_text()
                ]
                .boxed(),
            ),
            (
                "avatar",
                prop_oneof![
                    words(&["/media/a.png", "//", "data:image/png;base64,AA"]),
                    words_of_text()
                ]
                .boxed(),
            ),
            ("uid", words(&["b5bb9d8014a0f9b1"])),
            (
                "path",
                words(&["users", "users/staff", "users/staff/berlin", "/"]),
            ),
            ("date_joined", words(&["2026-01-01T00:00:00Z"])),
        ],
    );
    let row = (required, more).prop_map(|((username, is_active, user_type, attributes), mut row)| {
        let required = json!({
            "username": username, "is_active": is_active, "type": user_type, "attributes": attributes,
        });
        row.as_object_mut().unwrap().extend(required.as_object().unwrap().clone());
        row
    });
    row.boxed()
}

fn group() -> BoxedStrategy<Value> {
    let parents = vec((1..GROUPS).prop_map(Uuid::from_u128), 0..4);
    let row = (name(), vec(1..USERS, 0..8), parents, attributes());
    row.prop_map(|(name, users, parents, attributes)| {
        json!({"name": name, "users": users, "parents": parents, "attributes": attributes})
    })
    .boxed()
}

/// Generates a name; names that collide are frequent.
fn name() -> BoxedStrategy<String> {
    let usual = [
        "ann",
        "Ann",
        "bob",
        "tech ops",
        "Tech Ops!",
        "team-a",
        "team-b",
        "a",
    ];
    let usual = select(usual.to_vec()).prop_map(str::to_owned);
    prop_oneof![usual, text()].boxed()
}

fn words_of_text() -> BoxedStrategy<Value> {
    text().prop_map(Value::from).boxed()
}

fn attributes() -> BoxedStrategy<Value> {
    let entries = btree_map(
        select(ATTRIBUTES.to_vec()).prop_map(str::to_owned),
        value(),
        0..9,
    );
    let object = entries.prop_map(|entries| Value::Object(Map::from_iter(entries)));
    prop_oneof![19 => object, 1 => value()].boxed()
}
