use super::*;

#[test]
fn a_variable_wins_over_the_file_and_an_empty_one_does_not() {
    let yaml = "catalog: {providers: {authentik: {baseUrl: 'https://file.example.com', token: filetoken}}}";
    let config = loaded(yaml, &MINIMAL);
    assert_eq!(
        config.authentik.base_url.as_str(),
        "https://authentik.example.com"
    );
    assert_eq!(config.authentik.token.expose_secret(), SECRET);
    let config = loaded(
        yaml,
        &[
            ("AUTHENTIK_BASE_URL", ""),
            ("AUTHENTIK_TOKEN", ""),
            ("AUTHENTIK_TOKEN_FILE", ""),
        ],
    );
    assert_eq!(
        config.authentik.base_url.as_str(),
        "https://file.example.com"
    );
    assert_eq!(config.authentik.token.expose_secret(), "filetoken");
}

#[test]
fn a_flag_wins_over_a_variable() {
    let flags = env(&[("AUTHENTIK_BASE_URL", "https://flag.example.com")]);
    let config = Config::load(&[], &(flags, env(&MINIMAL))).unwrap();
    assert_eq!(
        config.authentik.base_url.as_str(),
        "https://flag.example.com"
    );
    assert_eq!(config.authentik.token.expose_secret(), SECRET);
}

#[test]
fn two_variables_for_the_token_are_an_error() {
    assert_eq!(
        message(
            "",
            &[
                MINIMAL[0],
                MINIMAL[1],
                ("AUTHENTIK_TOKEN_FILE", "/run/secrets/token")
            ]
        ),
        "AUTHENTIK_TOKEN and AUTHENTIK_TOKEN_FILE are both set; unset one of them"
    );
}

#[test]
fn every_key_has_a_variable_that_wins_over_the_file() {
    let yaml = "entityProvider: {listen: '127.0.0.1:1', names: npm-module, pageSize: 1}\n\
                catalog: {providers: {authentik: {schedule: {frequency: {minutes: 1}, scope: global}}}}";
    let config = loaded(
        yaml,
        &[
            MINIMAL[0],
            MINIMAL[1],
            ("ENTITY_PROVIDER_EXCLUDE_GROUPS", "a, b c,"),
            ("ENTITY_PROVIDER_INCLUDE_SERVICE_ACCOUNTS", "true"),
            ("ENTITY_PROVIDER_SCHEDULE_FREQUENCY", "2h"),
            (
                "ENTITY_PROVIDER_SCHEDULE_TIMEOUT",
                "{minutes: 2, seconds: 5}",
            ),
            ("ENTITY_PROVIDER_SCHEDULE_INITIAL_DELAY", "PT0S"),
            ("ENTITY_PROVIDER_SCHEDULE_SCOPE", "local"),
            ("ENTITY_PROVIDER_LISTEN", "[::]:9000"),
            ("ENTITY_PROVIDER_PUBLIC_URL", "https://e.example.com/"),
            ("ENTITY_PROVIDER_TRUSTED_PROXIES", "127.0.0.1, 10.0.0.0/8"),
            ("ENTITY_PROVIDER_LOCATION_PREFIX", "people"),
            ("ENTITY_PROVIDER_NAMES", "backstage"),
            ("ENTITY_PROVIDER_CONCURRENCY", "8"),
            ("ENTITY_PROVIDER_PAGE_SIZE", "50"),
            ("ENTITY_PROVIDER_REQUEST_TIMEOUT", "5s"),
            ("ENTITY_PROVIDER_DRAIN_DELAY", "1s"),
            ("ENTITY_PROVIDER_DRAIN_TIMEOUT", "2s"),
            ("ENTITY_PROVIDER_STATE_DIR", "/var/lib/x"),
            ("ENTITY_PROVIDER_MAX_AGE", "1d"),
        ],
    );
    assert!(config.warnings.is_empty());
    assert_eq!(config.authentik.exclude_groups, ["a", "b c"]);
    assert!(config.authentik.include_service_accounts);
    let schedule = config.authentik.schedule;
    assert!(
        matches!(schedule.frequency, Frequency::Every(period) if period == Duration::from_hours(2))
    );
    assert_eq!(
        (schedule.timeout.as_secs(), schedule.initial_delay),
        (125, Duration::ZERO)
    );
    assert_eq!(schedule.scope, Scope::Local);
    let service = config.service;
    assert_eq!(service.listen.to_string(), "[::]:9000");
    assert_eq!(
        (service.public_url.as_deref(), service.names),
        (Some("https://e.example.com"), NamePolicy::Backstage)
    );
    assert_eq!(
        (
            service.trusted_proxies.len(),
            service.location_prefix.as_str()
        ),
        (2, "people")
    );
    assert_eq!((service.concurrency, service.page_size), (8, 50));
    let times = [
        service.request_timeout,
        service.drain_delay,
        service.drain_timeout,
    ];
    assert_eq!(times, [5, 1, 2].map(Duration::from_secs));
    assert_eq!(service.state_dir, StateDir::At("/var/lib/x".into()));
    assert_eq!(service.max_age, Some(Duration::from_hours(24)));
}

#[test]
fn structured_variables_are_mappings_in_braces_and_lists_in_brackets() {
    let frequency = |text| {
        loaded(
            "",
            &[
                MINIMAL[0],
                MINIMAL[1],
                ("ENTITY_PROVIDER_SCHEDULE_FREQUENCY", text),
            ],
        )
        .authentik
        .schedule
        .frequency
    };
    assert!(matches!(
        frequency("{cron: '0 */2 * * *'}"),
        Frequency::Cron(_)
    ));
    assert!(matches!(
        frequency("{\"trigger\": \"manual\"}"),
        Frequency::Manual
    ));
    assert!(
        matches!(frequency(" {\"minutes\": 5} "), Frequency::Every(period) if period.as_secs() == 300)
    );
    let groups = |text| {
        loaded(
            "",
            &[
                MINIMAL[0],
                MINIMAL[1],
                ("ENTITY_PROVIDER_EXCLUDE_GROUPS", text),
            ],
        )
        .authentik
        .exclude_groups
    };
    assert_eq!(groups("[\"a, b\", c]"), ["a, b", "c"]);
    assert_eq!(groups("one"), ["one"]);
    assert!(groups("[]").is_empty() && groups(" , ").is_empty());
}

#[test]
fn a_bad_value_in_a_variable_is_named_by_the_variable() {
    for (variable, value, expected) in [
        (
            "ENTITY_PROVIDER_LISTEN",
            "8080",
            "`8080` is not an address to listen on; ",
        ),
        (
            "ENTITY_PROVIDER_SCHEDULE_FREQUENCY",
            "30",
            "`30` is a plain number; ",
        ),
        (
            "ENTITY_PROVIDER_SCHEDULE_FREQUENCY",
            "{minutes: 5",
            "`{minutes: 5` is not a duration; ",
        ),
        (
            "ENTITY_PROVIDER_SCHEDULE_FREQUENCY",
            "{minute: 5}",
            "unknown unit `minute`; ",
        ),
        (
            "ENTITY_PROVIDER_SCHEDULE_SCOPE",
            "x",
            "expected `global` or `local`, found `x`",
        ),
        (
            "ENTITY_PROVIDER_EXCLUDE_GROUPS",
            "[5]",
            "expected a string, found `5`; put it in quotes",
        ),
        (
            "ENTITY_PROVIDER_INCLUDE_SERVICE_ACCOUNTS",
            "maybe",
            "expected `true` or `false`, found `maybe`",
        ),
        (
            "ENTITY_PROVIDER_PAGE_SIZE",
            "0",
            "expected a whole number from 1 to 100, found `0`",
        ),
    ] {
        let error = message(
            "entityProvider: {}",
            &[MINIMAL[0], MINIMAL[1], (variable, value)],
        );
        assert!(
            error.starts_with(&format!("{variable}: {expected}")),
            "{error}"
        );
    }
}

#[test]
fn a_variable_does_not_hide_that_its_block_is_no_mapping() {
    let error = message(
        "entityProvider: []",
        &[MINIMAL[0], MINIMAL[1], ("ENTITY_PROVIDER_LISTEN", "[::]:1")],
    );
    assert_eq!(
        error,
        "app-config.yaml: entityProvider: expected a mapping of keys to values, found a list"
    );
}

#[test]
fn backstages_variables_win_over_files_and_ours_over_them() {
    let yaml = "entityProvider: {pageSize: 1, concurrency: 1, listen: '127.0.0.1:1'}";
    let service = loaded(
        yaml,
        &[
            MINIMAL[0],
            MINIMAL[1],
            (
                "APP_CONFIG_entityProvider",
                "{\"drainDelay\": {\"seconds\": 1}, \"listen\": \"[::]:5\"}",
            ),
            ("APP_CONFIG_entityProvider_pageSize", "2"),
            ("APP_CONFIG_entityProvider_concurrency", "2"),
            ("APP_CONFIG_entityProvider_drainDelay_minutes", "1"),
            ("ENTITY_PROVIDER_CONCURRENCY", "3"),
        ],
    )
    .service;
    assert_eq!((service.page_size, service.concurrency), (2, 3));
    assert_eq!(
        (service.listen.port(), service.drain_delay.as_secs()),
        (5, 61)
    );
}

#[test]
fn backstages_variables_alone_are_enough() {
    let config = loaded(
        "",
        &[
            (
                "APP_CONFIG_catalog_providers_authentik_baseUrl",
                "https://a.example.com",
            ),
            ("APP_CONFIG_catalog_providers_authentik_token", SECRET),
            (
                "APP_CONFIG_catalog_providers_authentik_excludeGroups",
                "[\"a\", \"${NONE}\"]",
            ),
            (
                "APP_CONFIG_catalog",
                "{\"rules\": 5, \"providers\": {\"authentik\": {\"includeServiceAccounts\": true}}}",
            ),
        ],
    );
    assert_eq!(config.authentik.exclude_groups, ["a", "${NONE}"]);
    assert!(config.authentik.include_service_accounts);
    assert_eq!(config.authentik.token.expose_secret(), SECRET);
}

#[test]
fn backstages_variables_for_others_are_ignored() {
    let config = loaded(
        "",
        &[
            MINIMAL[0],
            MINIMAL[1],
            ("APP_CONFIG_app_title", "x"),
            ("APP_CONFIG_", "x"),
            ("APP_CONFIG_backend__x", "null"),
            ("APP_CONFIG_catalog_rules", "[]"),
            ("APP_CONFIG_catalog_providers_github", "5"),
            ("APP_CONFIG_entityProvider_listen", ""),
            ("app_config_entityProvider_listen", "5"),
        ],
    );
    assert!(config.warnings.is_empty());
}

#[test]
fn a_bad_value_in_backstages_variable_is_named_by_variable_and_key() {
    for (variable, value, expected) in [
        (
            "APP_CONFIG_entityProvider_pageSize",
            "0",
            "entityProvider.pageSize: expected a whole number from 1",
        ),
        (
            "APP_CONFIG_entityProvider",
            "{\"names\": \"x\"}",
            "entityProvider.names: expected `npm-module`",
        ),
        (
            "APP_CONFIG_entityProvider_port",
            "80",
            "entityProvider.port: unknown key; ",
        ),
        (
            "APP_CONFIG_entityProvider",
            SECRET,
            "entityProvider: expected a mapping of keys to values, found a string",
        ),
        (
            "APP_CONFIG_entityProvider_names",
            "null",
            "null has no effect in a variable; unset the variable instead",
        ),
        (
            "APP_CONFIG_catalog_providers_authentik_token",
            "123456789",
            "catalog.providers.authentik.token: expected the token as a string; put it in quotes",
        ),
    ] {
        let token = if value == "123456789" {
            ("NONE", "")
        } else {
            MINIMAL[1]
        };
        let error = message("", &[(variable, value), MINIMAL[0], token]);
        assert!(
            error.starts_with(&format!("{variable}: {expected}")),
            "{error}"
        );
        assert!(!error.contains("123456789"), "{error}");
    }
}

#[test]
fn a_variable_that_nearly_has_our_name_is_a_warning() {
    let config = loaded(
        "",
        &[
            MINIMAL[0],
            MINIMAL[1],
            ("ENTITY_PROVIDER_LISTN", "x"),
            ("ENTITY_PROVIDER_PORT", "tcp://10.0.0.1:80"),
            ("ENTITY_PROVIDER_SERVICE_HOST", "10.0.0.1"),
            ("ENTITY_PROVIDER_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ],
    );
    assert_eq!(
        config.warnings,
        ["ENTITY_PROVIDER_LISTN: unknown variable, ignored; did you mean ENTITY_PROVIDER_LISTEN?"]
    );
}
