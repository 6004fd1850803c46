use std::collections::BTreeMap;

use serde_json::json;

use super::super::{Config, ParsedConfig, expand, include::Including};
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
    let nodes =
        lines.map(|line| expand::document(&line, &Including::first("a.yaml".as_ref()), &env));
    let config = ParsedConfig::of(nodes.collect(), "a.yaml", &env).into_config();
    config.map_err(|error| error.to_string())
}

#[test]
fn a_default_that_is_written_out_changes_nothing() {
    let written: Vec<_> = KEYS
        .iter()
        .filter_map(|key| match key.unset {
            Unset::Default(text) => Some((key.path.as_str(), text)),
            Unset::Required | Unset::Absent => None,
        })
        .collect();
    assert!(written.len() > 20);
    assert!(load(&written).unwrap().is_same(&load(&[]).unwrap()));
}

#[test]
fn only_required_keys_are_missed() {
    for key in KEYS.iter().filter(|key| key.unset == Unset::Required) {
        assert!(key.path.starts_with(AUTHENTIK));
    }
    let error = Config::load(&[], &BTreeMap::new()).unwrap_err().to_string();
    assert!(error.contains("AUTHENTIK_BASE_URL"), "{error}");
}

#[test]
fn a_key_takes_exactly_what_its_description_says() {
    for key in KEYS.iter() {
        match &key.kind {
            ValueKind::Integer(least, most) => {
                for (number, good) in [
                    (least - 1, false),
                    (*least, true),
                    (*most, true),
                    (most + 1, false),
                ] {
                    assert_eq!(
                        load(&[(&key.path, &number.to_string())]).is_ok(),
                        good,
                        "{} {number}",
                        key.path
                    );
                }
            }
            ValueKind::Choice(words) => {
                assert!(
                    words.iter().all(|word| load(&[(&key.path, word)]).is_ok()),
                    "{}",
                    key.path
                );
                let error = load(&[(&key.path, "unknown")]).unwrap_err();
                let listed = alternatives(words);
                assert!(
                    error.contains(&format!("expected {listed}, found")),
                    "{error}"
                );
            }
            _ if key.unset == Unset::Required => {}
            _ => assert!(load(&[(&key.path, "[[]]")]).is_err(), "{}", key.path),
        }
    }
}

#[test]
fn a_variable_is_named_after_its_path() {
    for (path, name) in [
        ("catalog.providers.authentik.baseUrl", "AUTHENTIK_BASE_URL"),
        ("catalog.providers.authentik.token", "AUTHENTIK_TOKEN"),
        (
            "catalog.providers.authentik.schedule.initialDelay",
            "ENTITY_PROVIDER_SCHEDULE_INITIAL_DELAY",
        ),
        ("entityProvider.caFile", "ENTITY_PROVIDER_CA_FILE"),
        (
            "entityProvider.backstage.baseUrl",
            "ENTITY_PROVIDER_BACKSTAGE_BASE_URL",
        ),
    ] {
        assert_eq!(key(path).unwrap().variable, name);
    }
    for key in KEYS.iter() {
        let same = KEYS.iter().filter(|other| other.variable == key.variable);
        assert_eq!(same.count(), 1, "{}", key.variable);
        assert_eq!(
            key.file_variable().is_some(),
            [ValueKind::Secret, ValueKind::Secrets].contains(&key.kind)
        );
        assert!(
            key.meaning.ends_with('.') && !key.meaning.contains('|'),
            "{}",
            key.path
        );
    }
}

#[test]
fn a_change_that_needs_a_restart_is_named_by_its_key() {
    let tls = [
        ("entityProvider.tls.certFile", "a.pem"),
        ("entityProvider.tls.keyFile", "b.pem"),
    ];
    let other = [tls[0], ("entityProvider.tls.keyFile", "c.pem")];
    for (old, new, expected) in [
        (&[][..], &[][..], &[][..]),
        (&[], &tls, &["entityProvider.tls"]),
        (&tls, &other, &["entityProvider.tls.keyFile"]),
        (
            &[
                ("entityProvider.maxAge", "1h"),
                ("entityProvider.pageSize", "5"),
            ],
            &[
                ("entityProvider.listen", "'[::]:1'"),
                ("entityProvider.pageSize", "6"),
            ],
            &["entityProvider.listen", "entityProvider.maxAge"],
        ),
        // The same value in other words.
        (
            &[("entityProvider.drainDelay", "1m")],
            &[("entityProvider.drainDelay", "{seconds: 60}")],
            &[],
        ),
    ] {
        let [old, new] = [old, new].map(|keys| load(keys).unwrap().service);
        assert_eq!(old.restart_needed_for(&new), expected);
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
    for key in KEYS.iter() {
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
                .starts_with(&key.meaning)
        );
        assert_eq!(
            schema.get("default").is_some(),
            matches!(key.unset, Unset::Default(_)),
            "{}",
            key.path
        );
    }
    assert_eq!(
        schema["properties"]["entityProvider"]["anyOf"][0]["additionalProperties"],
        json!(false)
    );
}
