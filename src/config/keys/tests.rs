use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor, value};
use serde::forward_to_deserialize_any;
use serde_json::json;

use super::super::{
    AuthConfig, AuthentikConfig, Config, FullSync, Schedule, ServiceConfig, ShrinkGuard, expand,
    include::Including,
};
use super::*;

/// Loads texts for single keys; what is required comes from the two variables.
fn load(keys: &[(&str, &str)]) -> Result<Config, String> {
    let lines = keys.iter().map(|(path, text)| {
        let parts: Vec<_> = path.split('.').collect();
        parts.iter().rev().fold((*text).to_owned(), |below, part| {
            format!("{{{part}: {below}}}")
        })
    });
    let env: BTreeMap<String, String> = [
        ("AUTHENTIK_BASE_URL", "https://a.example.com"),
        ("AUTHENTIK_TOKEN", "abc"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .into();
    let nodes = lines
        .map(|line| expand::document(&line, &Including::first("a.yaml".as_ref()), &env).unwrap());
    Config::from_nodes(nodes.collect(), "a.yaml", &env).map_err(|error| error.to_string())
}

#[test]
fn the_defaults_of_the_table_are_those_of_the_program() {
    let written: Vec<_> = KEYS
        .iter()
        .filter_map(|key| match key.fallback {
            Fallback::Value(text) => Some((key.path, text)),
            Fallback::Required | Fallback::Absent => None,
        })
        .collect();
    assert_eq!(
        format!("{:?}", load(&written).unwrap()),
        format!("{:?}", load(&[]).unwrap())
    );
}

#[test]
fn only_required_keys_are_missed() {
    for key in KEYS.iter().filter(|key| key.fallback == Fallback::Required) {
        assert!(key.path.starts_with(AUTHENTIK));
    }
    let error = Config::load(&[], &BTreeMap::new()).unwrap_err().to_string();
    assert!(error.contains("AUTHENTIK_BASE_URL"), "{error}");
}

/// The names of a struct's fields, as serde asks for them.
fn fields<T: for<'de> Deserialize<'de>>() -> Vec<String> {
    struct Fields;

    impl<'de> Deserializer<'de> for Fields {
        type Error = value::Error;

        fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(Error::custom(""))
        }

        fn deserialize_struct<V: Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Self::Error> {
            Err(Error::custom(fields.join(" ")))
        }

        forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit
            unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }

    let Err(error) = T::deserialize(Fields) else {
        panic!("a struct asks for its fields")
    };
    let mut names: Vec<String> = error.to_string().split(' ').map(str::to_owned).collect();
    names.sort();
    names
}

fn sorted(parent: &str) -> Vec<&'static str> {
    let mut names = children(parent);
    names.sort_unstable();
    names
}

#[test]
fn no_key_is_missing_in_the_table_or_in_the_program() {
    assert_eq!(fields::<AuthentikConfig>(), sorted(AUTHENTIK));
    assert_eq!(
        fields::<Schedule>(),
        sorted("catalog.providers.authentik.schedule")
    );
    assert_eq!(fields::<ServiceConfig>(), sorted(SERVICE));
    assert_eq!(fields::<AuthConfig>(), sorted("entityProvider.auth"));
    assert_eq!(fields::<FullSync>(), sorted("entityProvider.fullSync"));
    assert_eq!(
        fields::<ShrinkGuard>(),
        sorted("entityProvider.shrinkGuard")
    );
}

#[test]
fn bounds_and_choices_of_the_table_are_those_of_the_program() {
    for key in KEYS {
        match key.kind {
            Kind::Integer(least, most) => {
                for (number, good) in [
                    (least - 1, false),
                    (least, true),
                    (most, true),
                    (most + 1, false),
                ] {
                    assert_eq!(
                        load(&[(key.path, &number.to_string())]).is_ok(),
                        good,
                        "{} {number}",
                        key.path
                    );
                }
            }
            Kind::Choice(words) => {
                assert!(
                    words.iter().all(|word| load(&[(key.path, word)]).is_ok()),
                    "{}",
                    key.path
                );
                let error = load(&[(key.path, "none")]).unwrap_err();
                let listed = words
                    .iter()
                    .map(|word| format!("`{word}`"))
                    .collect::<Vec<_>>()
                    .join(" or ");
                assert!(
                    error.contains(&format!("expected {listed}, found")),
                    "{error}"
                );
            }
            _ if key.fallback == Fallback::Required => {}
            _ => assert!(load(&[(key.path, "[[]]")]).is_err(), "{}", key.path),
        }
    }
}

#[test]
fn a_variable_is_named_after_its_path() {
    let shouted = |path: &str| {
        let mut name = String::from("ENTITY_PROVIDER_");
        for letter in path.chars() {
            match letter {
                '.' => name.push('_'),
                letter if letter.is_ascii_uppercase() => name.extend(['_', letter]),
                letter => name.push(letter.to_ascii_uppercase()),
            }
        }
        name
    };
    for key in KEYS {
        let below = key.below(AUTHENTIK).or(key.below(SERVICE)).unwrap();
        match below {
            "baseUrl" => assert_eq!(key.variable, "AUTHENTIK_BASE_URL"),
            "token" => assert_eq!(key.variable, "AUTHENTIK_TOKEN"),
            below => assert_eq!(key.variable, shouted(below)),
        }
        assert_eq!(
            key.file_variable().is_some(),
            [Kind::Secret, Kind::Secrets].contains(&key.kind)
        );
        assert!(
            key.meaning.ends_with('.') && !key.meaning.contains('|'),
            "{}",
            key.path
        );
    }
}

#[test]
fn the_nearest_name_is_similar() {
    for (name, expected) in [
        ("listn", Some("listen")),
        ("Listen", Some("listen")),
        ("public_url", Some("publicUrl")),
        ("page_size", Some("pageSize")),
        ("timeout", None),
        ("", None),
        ("x", None),
    ] {
        assert_eq!(nearest(name, children(SERVICE)), expected, "{name}");
    }
}

#[test]
fn the_schema_knows_every_key() {
    let schema = super::super::json_schema();
    for key in KEYS {
        let mut schema = &schema;
        for part in key.path.split('.') {
            schema = [schema, &schema["anyOf"][0]]
                .into_iter()
                .find_map(|schema| schema["properties"].get(part))
                .unwrap_or_else(|| panic!("{}", key.path));
        }
        assert!(
            schema["description"]
                .as_str()
                .unwrap()
                .starts_with(key.meaning)
        );
        assert_eq!(
            schema.get("default").is_some(),
            matches!(key.fallback, Fallback::Value(_)),
            "{}",
            key.path
        );
    }
    assert_eq!(
        schema["properties"]["entityProvider"]["anyOf"][0]["additionalProperties"],
        json!(false)
    );
}
