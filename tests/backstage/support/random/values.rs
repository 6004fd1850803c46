//! Texts and values that a parser, a browser or Backstage could read as something else.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::{Map, Value};

/// Texts with a meaning in YAML, HTML, URLs or a terminal.
const TEXTS: [&str; 36] = [
    "",
    " ",
    "\n",
    "\0",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{2028}",
    "\u{feff}x",
    "\u{202e}abc",
    "e\u{301}",
    "---",
    "\n---\n",
    "...",
    "# no comment",
    "*alias",
    "&anchor",
    "!!binary x",
    "<<",
    "null",
    "true",
    "0x10",
    "1e3",
    "2026-01-01",
    "$text",
    "__proto__",
    "\"quoted\" \\ 'text'",
    "{\"$text\": \"https://example.com\"}",
    "<script>alert(1)</script>",
    "javascript:alert(1)",
    "data:image/svg+xml;base64,PHN2Zz4=",
    "https://example.com/a.png",
    "/media/a b.png",
    "команда",
    "🚀",
    "R&D (EMEA)",
];
/// Lengths around the limits of Backstage and of this service.
const LENGTHS: [usize; 7] = [62, 63, 64, 65, 1023, 1024, 1025];
/// The longest value of an attribute that is read, in bytes.
const LONGEST: usize = 64 << 10;

/// Generates any text.
pub fn text() -> BoxedStrategy<String> {
    let known = select(&TEXTS[..]).prop_map(str::to_owned);
    let arbitrary = vec(any::<char>(), 0..8).prop_map(String::from_iter);
    let long = (
        select(vec!["x", "-", "é", "🚀", "\0"]),
        select(&LENGTHS[..]),
    );
    let long = long.prop_map(|(letter, times)| letter.repeat(times));
    prop_oneof![6 => known, 2 => arbitrary, 1 => long].boxed()
}

/// Generates any JSON value.
pub fn value() -> BoxedStrategy<Value> {
    let huge = (0..2_usize).prop_map(|more| Value::from("x".repeat(LONGEST + more)));
    let scalar = prop_oneof![
        30 => text().prop_map(Value::from),
        5 => Just(Value::Null),
        5 => any::<bool>().prop_map(Value::from),
        5 => any::<i64>().prop_map(Value::from),
        5 => any::<f64>().prop_map(Value::from),
        1 => huge,
    ];
    let nested = scalar.prop_recursive(2, 6, 3, |inner| {
        let list = vec(inner.clone(), 0..4).prop_map(Value::from);
        prop_oneof![list, object(inner)]
    });
    nested.boxed()
}

/// Generates an object, sometimes one that Backstage would replace by the content of a URL.
fn object(values: impl Strategy<Value = Value> + 'static) -> BoxedStrategy<Value> {
    let keys = select(vec!["$text", "$json", "$yaml", "deep", "a.b"]);
    let entries = btree_map(keys.prop_map(str::to_owned), values, 0..3);
    entries
        .prop_map(|entries| Value::Object(Map::from_iter(entries)))
        .boxed()
}

/// Generates an object with some of these keys, each with a probability.
pub fn some_of(
    probability: f64,
    keys: Vec<(&'static str, BoxedStrategy<Value>)>,
) -> BoxedStrategy<Value> {
    let entries = keys.into_iter().map(|(key, values)| {
        let value = prop::option::weighted(probability, values);
        value.prop_map(move |value| Some((key.to_owned(), value?)))
    });
    let entries: Vec<_> = entries.collect();
    entries
        .prop_map(|entries| Value::Object(entries.into_iter().flatten().collect()))
        .boxed()
}

/// Generates one of some words.
pub fn words(words: &'static [&'static str]) -> BoxedStrategy<Value> {
    select(words).prop_map(Value::from).boxed()
}
