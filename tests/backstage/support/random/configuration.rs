//! Random configurations with every key that shapes entities.

use std::str::FromStr;

use authentik_entity_provider::catalog::shape::{
    AnnotationKey, LabelKey, LabelValue, NamePrefix, Namespace,
};
use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value, json};

use super::values::{some_of, text, words};

/// Texts around the rules for keys, label values and namespaces; those that a rule refuses are not
/// used for it.
const KEYS: &str = "[a-z][a-z0-9-]{0,3}(\\.[a-z0-9]{1,3}){0,2}/[A-Za-z0-9._-]{1,4}|[a-zA-Z0-9._-]{1,4}|[a-z]{60}(\\.[a-z]{62}){3}\
                    /x{60,63}|constructor|toString|[a-z0-9-]{61,63}";
/// Sources of users.
const OF_USERS: &[&str] = &[
    "username",
    "name",
    "email",
    "avatar",
    "type",
    "pk",
    "uid",
    "uuid",
    "path",
    "date_joined",
];
/// Sources of groups.
const OF_GROUPS: &[&str] = &["name", "pk", "num_pk"];
/// Sources of both.
const ATTRIBUTES: &[&str] = &[
    "attributes.title",
    "attributes.picture",
    "attributes.email",
    "attributes.kind",
    "attributes.nested",
    "attributes.nested.deep",
    "attributes.nested.a.b",
    "attributes.a.b",
    "attributes.$text",
    "attributes.ключ",
    "attributes.missing",
    "attributes.title.$text",
];

/// Generates a whole configuration.
pub fn configuration() -> impl Strategy<Value = Value> {
    let service = some_of(
        0.5,
        vec![
            ("names", words(&["npm-module", "backstage", "slug"])),
            ("namespace", accepted::<Namespace>()),
            ("membership", words(&["direct", "transitive"])),
            ("users", users()),
            ("groups", groups()),
        ],
    );
    let own = some_of(
        0.3,
        vec![
            (
                "excludeGroups",
                words(&["a", "tech-ops-"])
                    .prop_map(|name| json!([name]))
                    .boxed(),
            ),
            (
                "includeServiceAccounts",
                any::<bool>().prop_map(Value::from).boxed(),
            ),
        ],
    );
    let base_urls = words(&[
        "https://authentik.example.com",
        "http://sso.example.com:9000/auth/",
    ]);
    (service, own, base_urls).prop_map(|(service, mut own, base_url)| {
        own["baseUrl"] = base_url;
        own["token"] = json!("a-token-for-tests-only");
        json!({"catalog": {"providers": {"authentik": own}}, "entityProvider": service})
    })
}

fn users() -> BoxedStrategy<Value> {
    let filter = vec![
        ("groups", patterns()),
        ("subgroups", any::<bool>().prop_map(Value::from).boxed()),
        ("types", words(&["internal", "external"])),
        ("path", words(&["users", "users/staff/"])),
        (
            "attributes",
            words(&["x", "true"])
                .prop_map(|value| json!({"title": value, "kind": ["🚀", 7]}))
                .boxed(),
        ),
        ("email", words(&["required", "optional"])),
        ("exclude", patterns()),
    ];
    let profile = ["displayName", "email", "picture"];
    let section = vec![
        ("filter", some_of(0.1, filter)),
        ("map", map(OF_USERS, &profile)),
        ("set", some_of(0.5, set())),
        ("pictures", words(&["all", "urls", "none"])),
        ("namePrefix", accepted::<NamePrefix>()),
    ];
    some_of(0.8, section)
}

fn groups() -> BoxedStrategy<Value> {
    let filter = vec![
        ("include", patterns()),
        ("exclude", patterns()),
        (
            "attributes",
            words(&["x", "true"])
                .prop_map(|value| json!({"title": value}))
                .boxed(),
        ),
        ("empty", words(&["keep", "prune"])),
    ];
    let mut set = set();
    set.push(("type", fixed_text()));
    let profile = ["displayName", "email", "picture", "type"];
    let section = vec![
        ("filter", some_of(0.15, filter)),
        ("map", map(OF_GROUPS, &profile)),
        ("set", some_of(0.5, set)),
        ("namePrefix", accepted::<NamePrefix>()),
    ];
    some_of(0.8, section)
}

fn map(own: &'static [&'static str], profile: &[&'static str]) -> BoxedStrategy<Value> {
    let mut keys: Vec<_> = profile.iter().map(|key| (*key, sources(own))).collect();
    keys.push(("description", sources(own)));
    keys.push(("name", sources_of_name(own)));
    keys.push(("annotations", keyed::<AnnotationKey>(sources(own))));
    keys.push(("labels", keyed::<LabelKey>(sources(own))));
    some_of(0.6, keys)
}

fn set() -> Vec<(&'static str, BoxedStrategy<Value>)> {
    vec![
        ("annotations", keyed::<AnnotationKey>(fixed_text())),
        ("labels", keyed::<LabelKey>(accepted::<LabelValue>())),
    ]
}

/// Generates one source, or a list of them.
fn sources(own: &'static [&'static str]) -> BoxedStrategy<Value> {
    let list = vec(source(own), 0..4).prop_map(Value::from);
    prop_oneof![source(own), list].boxed()
}

/// Generates one source, or a list of at least one.
fn sources_of_name(own: &'static [&'static str]) -> BoxedStrategy<Value> {
    let list = vec(source(own), 1..4).prop_map(Value::from);
    prop_oneof![source(own), list].boxed()
}

fn source(own: &'static [&'static str]) -> BoxedStrategy<Value> {
    prop_oneof![words(own), words(ATTRIBUTES), words(ATTRIBUTES)].boxed()
}

fn patterns() -> BoxedStrategy<Value> {
    let pattern = words(&[
        "a*",
        "*",
        "team-?",
        "tech*",
        "Ann",
        "ключ*",
        "*-a",
        "missing",
    ]);
    vec(pattern, 0..3).prop_map(Value::from).boxed()
}

/// Generates a text that the configuration accepts and that names no variable.
fn fixed_text() -> BoxedStrategy<Value> {
    let usable = |text: &String| !text.contains('$') && !text.trim().is_empty();
    text()
        .prop_filter("no text", usable)
        .prop_map(Value::from)
        .boxed()
}

/// Generates a mapping whose keys follow a rule.
fn keyed<Key: FromStr + 'static>(values: BoxedStrategy<Value>) -> BoxedStrategy<Value> {
    let keys = accepted::<Key>().prop_map(|key| key.as_str().unwrap().to_owned());
    let entries = btree_map(keys, values, 0..4);
    entries
        .prop_map(|entries| Value::Object(Map::from_iter(entries)))
        .boxed()
}

/// Generates a text that a rule accepts.
fn accepted<Rule: FromStr + 'static>() -> BoxedStrategy<Value> {
    let usual =
        select(vec!["a", "acme", "example.com/phone", "department"]).prop_map(str::to_owned);
    let accepts = |text: &String| text.parse::<Rule>().is_ok();
    let texts = prop_oneof![usual, KEYS].prop_filter("refused", accepts);
    texts.prop_map(Value::from).boxed()
}
