use super::*;

#[test]
fn unknown_keys_in_backstages_block_are_warnings() {
    let yaml = authentik("{baseurl: x, schedule: {every: 5}, includeServiceAccounts: true}");
    let config = loaded(&yaml, &MINIMAL);
    assert_eq!(
        config.warnings,
        [
            "app-config.yaml: catalog.providers.authentik.baseurl: unknown key, ignored; did you mean `baseUrl`?",
            "app-config.yaml: catalog.providers.authentik.schedule.every: unknown key, ignored; expected one of \
             `frequency`, `timeout`, `initialDelay`, `scope`",
        ]
    );
    assert!(config.authentik.include_service_accounts);
    let yaml = authentik(
        "{excludeGroup: [], frequency: 5m, shedule: {timeout: 1m}, schedule: {timeOut: 1m}}",
    );
    let warnings = loaded(&yaml, &MINIMAL).warnings;
    let expected = [
        ("excludeGroup", "excludeGroups"),
        (
            "frequency",
            "catalog.providers.authentik.schedule.frequency",
        ),
        ("shedule", "schedule"),
        ("schedule.timeOut", "timeout"),
    ];
    assert_eq!(warnings.len(), expected.len());
    for (key, nearest) in expected {
        let sentence = format!(
            "app-config.yaml: catalog.providers.authentik.{key}: unknown key, ignored; did you mean `{nearest}`?"
        );
        assert!(
            warnings.contains(&sentence),
            "{sentence} is not in {warnings:?}"
        );
    }
}

#[test]
fn an_unknown_key_without_a_value_counts_as_absent() {
    assert!(
        loaded(&authentik("listen: ~"), &MINIMAL)
            .warnings
            .is_empty()
    );
    assert!(loaded(&service("nonsense:"), &MINIMAL).warnings.is_empty());
}

#[test]
fn a_key_of_our_block_in_backstages_is_an_error() {
    for key in [
        "listen",
        "publicUrl",
        "trustedProxies",
        "locationPrefix",
        "names",
        "concurrency",
        "requestTimeout",
        "pageSize",
        "drainDelay",
        "drainTimeout",
    ] {
        assert_eq!(
            message(&authentik(&format!("{key}: x")), &MINIMAL),
            format!(
                "app-config.yaml: catalog.providers.authentik.{key}: `{key}` belongs to `entityProvider`; \
                 move it there"
            )
        );
        assert!(
            message(&service(&format!("{key}: {{}}")), &MINIMAL)
                .starts_with(&format!("app-config.yaml: entityProvider.{key}: ")),
            "every known key is read"
        );
    }
}

#[test]
fn a_block_that_is_no_mapping_is_an_error_without_its_value() {
    for (yaml, expected) in [
        (
            "[]",
            "the top level: expected a mapping of keys to values, found a list",
        ),
        (
            "- a: 1",
            "the top level: expected a mapping of keys to values, found a list",
        ),
        (
            SECRET,
            "the top level: expected a mapping of keys to values, found a string",
        ),
        (
            "5",
            "the top level: expected a mapping of keys to values, found `5`",
        ),
        (
            "catalog: []",
            "catalog: expected a mapping of keys to values, found a list",
        ),
        (
            "catalog: {providers: 5}",
            "catalog.providers: expected a mapping of keys to values, found `5`",
        ),
        (
            "catalog: {providers: {authentik: s3cret0123456789}}",
            "catalog.providers.authentik: expected a mapping of keys to values, found a string",
        ),
        (
            "entityProvider: true",
            "entityProvider: expected a mapping of keys to values, found `true`",
        ),
    ] {
        assert_eq!(
            message(yaml, &MINIMAL),
            format!("app-config.yaml: {expected}")
        );
    }
}

#[test]
fn a_file_that_is_no_yaml_is_named_with_line_and_column() {
    for (yaml, expected) in [
        (
            "a: 1\na: 2",
            "line 2, column 1: this key occurs twice in one mapping; remove one of the two",
        ),
        (
            "a: 1\n---\nb: 2\n",
            "line 3, column 1: a second document starts here; expected a single one, so remove the `---`",
        ),
        (
            "a:\n  - b: [1, 2\n",
            "line 2, column 8: this is not valid YAML (unclosed bracket '['); correct it there",
        ),
        (
            "app:\n\ttitle: x",
            "line 2, column 2: this is not valid YAML (tabs disallowed within this context (block indentation)); \
             correct it there",
        ),
        (
            "app: {when: !!timestamp 2026-01-01}",
            "line 1, column 25: this value cannot be read; correct it there, or put it in quotes without a tag",
        ),
    ] {
        assert_eq!(
            message(yaml, &MINIMAL),
            format!("app-config.yaml: {expected}")
        );
    }
    let deep = format!("app: {}{}", "[".repeat(100), "]".repeat(100));
    let error = message(&deep, &MINIMAL);
    assert!(
        error.ends_with("too large or too deep; give this service a file with only its own blocks"),
        "{error}"
    );
}

#[test]
fn a_parser_error_never_shows_the_line_of_the_token() {
    for value in [
        "s3cret0123456789: x",
        "[s3cret0123456789",
        "\"s3cret0123456789",
        "'s3cret0123456789",
        "*s3cret0123456789",
        "@s3cret0123456789",
        "!!int s3cret0123456789",
        "!!bool s3cret0123456789",
        "!!binary s3cret0123456789",
        "!!float s3cret0123456789",
        "!!map s3cret0123456789",
        "!s3cret0123456789!x y",
        "!<s3cret0123456789 y",
        "\"\\q s3cret0123456789\"",
        "&s3cret0123456789 &x y",
        "|s3cret0123456789",
        ">9 s3cret0123456789",
        "{s3cret0123456789: 1, s3cret0123456789: 2}",
        "\"a\" s3cret0123456789",
        "%s3cret0123456789",
        "? s3cret0123456789",
        "- s3cret0123456789",
        "a\n   s3cret0123456789: x",
        "{[a]: s3cret0123456789}",
    ] {
        let yaml = authentik(&format!("token: {value}\n      baseUrl: [}}"));
        assert!(
            message(&yaml, &[]).starts_with("app-config.yaml: line "),
            "{value}"
        );
        let _ = load(&authentik(&format!("token: {value}")), &MINIMAL[..1])
            .map_err(|error| assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}"));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Config::load(&["/nowhere/app-config.yaml".into()], &env(&MINIMAL)).unwrap_err();
    let error = error.to_string();
    assert!(
        error.starts_with("cannot read the configuration file /nowhere/app-config.yaml: "),
        "{error}"
    );
    assert!(
        error.ends_with("; check the path and its permissions"),
        "{error}"
    );
    let binary = Scratch::new("binary.yaml", [0xff, 0xfe, 0x00]);
    let error = Config::load(std::slice::from_ref(&binary.0), &env(&MINIMAL))
        .unwrap_err()
        .to_string();
    assert!(error.contains("it is not UTF-8 text"), "{error}");
}

#[test]
fn a_file_is_loaded_from_disk() {
    let scratch = Scratch::new("app-config.yaml", authentik("excludeGroups: [a]"));
    let config = Config::load(std::slice::from_ref(&scratch.0), &env(&MINIMAL)).unwrap();
    assert_eq!(config.authentik.exclude_groups, ["a"]);
}
