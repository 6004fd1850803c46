use super::*;

/// Loads several texts as the files `a.yaml`, `b.yaml` and so on.
fn merge(texts: &[&str], variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let variables = env(variables);
    let names: Vec<_> = ('a'..='z')
        .zip(texts)
        .map(|(name, _)| format!("{name}.yaml"))
        .collect();
    let files = texts.iter().zip(&names);
    let nodes = files
        .map(|(text, name)| expand::document(text, &Including::first(Path::new(name)), &variables));
    ParsedConfig::of(nodes.collect(), &names.join(", "), &variables).into_config()
}

fn merged(texts: &[&str]) -> Config {
    merge(texts, &MINIMAL).unwrap_or_else(|error| panic!("{texts:?}: {error}"))
}

fn refused(texts: &[&str], variables: &[(&str, &str)]) -> String {
    let error = merge(texts, variables).expect_err(texts[0]);
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    error.to_string()
}

#[test]
fn mappings_merge_deeply_and_the_later_file_wins() {
    let config = merged(&[
        "catalog: {providers: {authentik: {schedule: {timeout: 1m, initialDelay: 1s}}}}\n\
         entityProvider: {pageSize: 7, concurrency: 3}",
        "catalog: {providers: {authentik: {schedule: {timeout: 2m}}}}\nentityProvider: {concurrency: 5}",
    ]);
    let schedule = config.authentik.schedule;
    assert_eq!(
        (schedule.timeout, schedule.initial_delay),
        (Duration::from_mins(2), Duration::from_secs(1))
    );
    assert_eq!(
        (config.service.page_size, config.service.concurrency),
        (7, 5)
    );
}

#[test]
fn lists_are_replaced_and_never_joined() {
    let config = merged(&[
        &authentik("excludeGroups: [a, b]"),
        &authentik("excludeGroups: [c]"),
    ]);
    assert_eq!(config.authentik.exclude_groups, ["c"]);
}

#[test]
fn a_mapping_and_another_value_replace_each_other() {
    let seconds = |texts: &[&str]| merged(texts).service.request_timeout.as_secs();
    assert_eq!(
        seconds(&[
            &service("requestTimeout: 5s"),
            &service("requestTimeout: {minutes: 1}")
        ]),
        60
    );
    assert_eq!(
        seconds(&[
            &service("requestTimeout: {minutes: 1}"),
            &service("requestTimeout: 5s")
        ]),
        5
    );
    let both = [
        service("requestTimeout: {minutes: 1}"),
        service("requestTimeout: {seconds: 1}"),
    ];
    assert_eq!(seconds(&[&both[0], &both[1]]), 61);
}

#[test]
fn a_null_takes_away_what_earlier_files_gave() {
    let first = "entityProvider: {pageSize: 7}";
    for null in [
        "entityProvider: {pageSize: ~}",
        "entityProvider:",
        "entityProvider: null",
    ] {
        assert_eq!(merged(&[first, null]).service.page_size, 100, "{null}");
        assert_eq!(
            merged(&[first, null, "entityProvider: {concurrency: 2}"])
                .service
                .page_size,
            100,
            "{null}"
        );
        assert_eq!(merged(&[null, first]).service.page_size, 7, "{null}");
    }
    for nothing in [
        "",
        "{}",
        "app: {title: x}",
        "entityProvider: {}",
        "entityProvider: {pageSize: '${NONE:-}'}",
    ] {
        assert_eq!(merged(&[first, nothing]).service.page_size, 7, "{nothing}");
    }
}

#[test]
fn a_null_for_a_required_key_makes_it_missing() {
    let texts = [
        "catalog: {providers: {authentik: {token: abc}}}",
        "catalog: {providers: {authentik: ~}}",
    ];
    assert_eq!(
        refused(&texts, &MINIMAL[..1]),
        "a.yaml, b.yaml: catalog.providers.authentik.token: not set; set it in the configuration file \
         or in the environment variable AUTHENTIK_TOKEN (or AUTHENTIK_TOKEN_FILE)"
    );
}

#[test]
fn a_message_names_the_file_of_the_key() {
    let good = "entityProvider: {pageSize: 7}\ncatalog: {providers: {authentik: {schedule: {timeout: 1m}}}}";
    for (texts, expected) in [
        (
            [good, "entityProvider: {concurrency: 0}"],
            "b.yaml: entityProvider.concurrency: expected a whole",
        ),
        (
            ["entityProvider: {concurrency: 0}", good],
            "a.yaml: entityProvider.concurrency: expected a whole",
        ),
        (
            [good, "entityProvider: {port: 0}"],
            "b.yaml: entityProvider.port: unknown key",
        ),
        (
            ["entityProvider: {port: 0}", good],
            "a.yaml: entityProvider.port: unknown key",
        ),
        (
            [good, "entityProvider: []"],
            "b.yaml: entityProvider: expected a mapping",
        ),
        ([good, "[]"], "b.yaml: the top level: expected a mapping"),
        (["5", good], "a.yaml: the top level: expected a mapping"),
        (
            [good, "a: ]"],
            "b.yaml: line 1, column 4: this is not valid YAML",
        ),
        (
            [good, &authentik("schedule: {scope: x}")],
            "b.yaml: catalog.providers.authentik.schedule.scope: ",
        ),
        (
            [&authentik("excludeGroups: [5]"), good],
            "a.yaml: catalog.providers.authentik.excludeGroups[0]: ",
        ),
        (
            [&authentik("listen: x"), good],
            "a.yaml: catalog.providers.authentik.listen: `listen` belongs",
        ),
    ] {
        let error = refused(&texts, &MINIMAL);
        assert!(error.starts_with(expected), "{error}");
    }
    let config = merged(&[&authentik("foo: 1"), &authentik("bar: 1")]);
    let starts: Vec<_> = config
        .warnings
        .iter()
        .map(|warning| warning.split(": unknown").next())
        .collect();
    assert_eq!(
        starts,
        [
            Some("b.yaml: catalog.providers.authentik.bar"),
            Some("a.yaml: catalog.providers.authentik.foo")
        ]
    );
}

#[test]
fn an_unset_variable_matters_only_if_no_later_file_replaces_the_value() {
    let unset = service("listen: ${NONE}");
    assert_eq!(
        merged(&[&unset, &service("listen: '127.0.0.1:5'")])
            .service
            .listen
            .port(),
        5
    );
    assert_eq!(
        merged(&[&unset, &service("listen: ~")])
            .service
            .listen
            .port(),
        8080
    );
    assert_eq!(
        merged(&[
            &service("requestTimeout: {seconds: '${NONE}'}"),
            &service("requestTimeout: 5s")
        ])
        .service
        .request_timeout,
        Duration::from_secs(5)
    );
    let error = refused(&[&service("listen: '127.0.0.1:5'"), &unset], &MINIMAL);
    assert!(
        error.starts_with("b.yaml: entityProvider.listen: environment variable `NONE` is not set"),
        "{error}"
    );
}

#[test]
fn files_on_disk_merge_in_the_order_in_which_they_are_named() {
    let [first, second] = ["first.yaml", "second.yaml"].map(|name| {
        Scratch::new(
            name,
            service(&format!(
                "{{listen: '127.0.0.1:{}', publicUrl: 'https://{name}'}}",
                name.len()
            )),
        )
    });
    let files = [first.0.clone(), second.0.clone()];
    let service = Config::load(&files, &env(&MINIMAL)).unwrap().service;
    assert_eq!(
        (service.listen.port(), service.public_url.as_deref()),
        (11, Some("https://second.yaml"))
    );
}
