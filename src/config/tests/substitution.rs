use super::*;

#[test]
fn a_variable_is_not_needed_for_a_key_that_another_one_overrides() {
    let yaml =
        "catalog: {providers: {authentik: {baseUrl: '${NONE}', token: '${NONE}', foo: '${NONE}'}}}";
    assert_eq!(loaded(yaml, &MINIMAL).warnings.len(), 1);
    let verbatim = [
        ("AUTHENTIK_BASE_URL", "https://a.example.com"),
        ("AUTHENTIK_TOKEN", "${NONE}"),
    ];
    assert_eq!(
        loaded("", &verbatim).authentik.token.expose_secret(),
        "${NONE}"
    );
}

#[test]
fn an_unset_variable_is_named_with_file_key_and_remedy() {
    let expected = "app-config.yaml: catalog.providers.authentik.token: environment variable `NONE` is not set \
                    or empty; set it, or set a default as in `${NONE:-default}`";
    assert_eq!(
        message(&authentik("token: ${NONE}"), &MINIMAL[..1]),
        expected
    );
    assert_eq!(
        message(&authentik("token: ${NONE}"), &[MINIMAL[0], ("NONE", "")]),
        expected
    );
    for (line, key) in [
        ("excludeGroups: [a, 'b ${ NONE }']", "excludeGroups[1]"),
        (
            "schedule: {frequency: {minutes: '${NONE}'}}",
            "schedule.frequency.minutes",
        ),
        ("includeServiceAccounts: ${NONE}", "includeServiceAccounts"),
    ] {
        let start = format!(
            "app-config.yaml: catalog.providers.authentik.{key}: environment variable `NONE` is"
        );
        assert!(message(&authentik(line), &MINIMAL).starts_with(&start));
    }
    assert_eq!(
        message(&service("listen: '127.0.0.1:${}'"), &MINIMAL),
        "app-config.yaml: entityProvider.listen: `${}` has no name of a variable; write `${NAME}`, \
         or `$${}` for the characters themselves"
    );
}

#[test]
fn an_empty_default_leaves_a_key_unset() {
    assert_eq!(
        loaded(&service("publicUrl: ${NONE:-}"), &MINIMAL)
            .service
            .public_url,
        None
    );
    let groups = loaded(&authentik("excludeGroups: ['${NONE:-}', a]"), &MINIMAL)
        .authentik
        .exclude_groups;
    assert_eq!(groups, ["a"]);
    assert!(message(&authentik("baseUrl: ${NONE:-}"), &MINIMAL[1..]).contains("baseUrl: not set"));
}
