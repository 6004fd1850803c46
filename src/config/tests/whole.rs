use super::*;

#[test]
fn two_variables_are_enough_and_the_rest_has_defaults() {
    let config = Config::load(&[], &env(&MINIMAL)).unwrap();
    assert_eq!(
        config.authentik.base_url.as_str(),
        "https://authentik.example.com"
    );
    assert_eq!(config.authentik.token.expose_secret(), SECRET);
    assert!(config.authentik.exclude_groups.is_empty());
    assert!(!config.authentik.include_service_accounts);
    let schedule = config.authentik.schedule;
    assert!(
        matches!(schedule.frequency, Frequency::Every(period) if period == Duration::from_mins(30))
    );
    assert_eq!(
        (schedule.timeout, schedule.initial_delay),
        (Duration::from_mins(3), Duration::from_secs(15))
    );
    assert_eq!(schedule.scope, Scope::Global);
    let service = config.service;
    assert_eq!(service.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(
        (service.public_url, service.names),
        (None, NamePolicy::NpmModule)
    );
    assert_eq!(
        (
            service.trusted_proxies.len(),
            service.location_prefix.as_str()
        ),
        (0, "authentik")
    );
    assert_eq!((service.concurrency, service.page_size), (4, 100));
    assert_eq!(service.request_timeout, Duration::from_secs(30));
    assert_eq!(
        (service.drain_delay, service.drain_timeout),
        (Duration::ZERO, Duration::from_secs(10))
    );
    assert!(config.warnings.is_empty());
}

#[test]
fn a_whole_app_config_gives_our_two_blocks() {
    let yaml = r#"
app: &app
  title: ${UNSET_TITLE}
  baseUrl: http://localhost:3000
backend:
  <<: *app
  database: {client: pg, connection: !Custom {password: "${UNSET_PASSWORD}"}}
  limits: [.inf, .nan, 0755, 123456789012345678901234567890]
  ~: null key
  ? [complex, key]
  : value
auth: {$include: other.yaml}
catalog:
  rules: [{allow: [User, Group]}]
  locations: ["${UNSET_LOCATION}"]
  providers:
    github: {org: "${UNSET_ORG}"}
    authentik:
      baseUrl: https://${HOST}/
      token: ${TOKEN}
      excludeGroups: ["authentik Admins", "${GROUP:-on}", yes]
      includeServiceAccounts: yes
      schedule: &schedule
        frequency: {hours: 1, minutes: 30}
        timeout: PT5M
        initialDelay: "${DELAY:-0}s"
        scope: local
entityProvider:
  listen: 0.0.0.0:7000
  publicUrl: https://entities.example.com/authentik/
  trustedProxies: [10.1.2.3/8, "::1"]
  locationPrefix: people
  names: backstage
  concurrency: "${CONCURRENCY}"
  pageSize: 50
  requestTimeout: 5s
  drainDelay: {seconds: 3}
  drainTimeout: 1m
"#;
    let config = loaded(
        yaml,
        &[
            ("HOST", "authentik.example.com"),
            ("TOKEN", SECRET),
            ("CONCURRENCY", "8"),
        ],
    );
    assert_eq!(config.warnings, Vec::<String>::new());
    let authentik = config.authentik;
    assert_eq!(authentik.base_url.as_str(), "https://authentik.example.com");
    assert_eq!(authentik.token.expose_secret(), SECRET);
    assert_eq!(authentik.exclude_groups, ["authentik Admins", "on", "yes"]);
    assert!(authentik.include_service_accounts);
    assert!(
        matches!(authentik.schedule.frequency, Frequency::Every(period) if period.as_secs() == 5400)
    );
    assert_eq!(authentik.schedule.timeout, Duration::from_mins(5));
    assert_eq!(authentik.schedule.initial_delay, Duration::ZERO);
    assert_eq!(authentik.schedule.scope, Scope::Local);
    let service = config.service;
    assert_eq!(service.listen.to_string(), "0.0.0.0:7000");
    assert_eq!(
        service.public_url.as_deref(),
        Some("https://entities.example.com/authentik")
    );
    let proxies: Vec<_> = service
        .trusted_proxies
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        (proxies.join(" "), service.location_prefix.as_str()),
        ("10.0.0.0/8 ::1/128".into(), "people")
    );
    assert_eq!(service.names, NamePolicy::Backstage);
    assert_eq!((service.concurrency, service.page_size), (8, 50));
    assert_eq!(service.request_timeout, Duration::from_secs(5));
    assert_eq!(
        (service.drain_delay, service.drain_timeout),
        (Duration::from_secs(3), Duration::from_mins(1))
    );
}

#[test]
fn an_empty_file_and_empty_blocks_are_an_empty_configuration() {
    for yaml in [
        "",
        "\n",
        "# nothing\n",
        "---\n",
        "{}",
        "null",
        "catalog:\n",
        "catalog: {providers: ~}\n",
        "entityProvider:\n",
        "\u{feff}app: {}",
    ] {
        loaded(yaml, &MINIMAL);
    }
    loaded(&authentik("schedule:"), &MINIMAL);
    loaded(&authentik("excludeGroups: ~"), &MINIMAL);
    loaded(&authentik("token: ~"), &MINIMAL);
}

#[test]
fn cron_and_manual_frequencies_are_read() {
    let cron = loaded(
        &authentik("schedule: {frequency: {cron: '0 */2 * * *'}}"),
        &MINIMAL,
    );
    assert!(matches!(
        cron.authentik.schedule.frequency,
        Frequency::Cron(_)
    ));
    let six = loaded(
        &authentik("schedule: {frequency: {cron: '30 0 */2 * * *'}}"),
        &MINIMAL,
    );
    assert!(matches!(
        six.authentik.schedule.frequency,
        Frequency::Cron(_)
    ));
    let manual = loaded(
        &authentik("schedule: {frequency: {trigger: manual}}"),
        &MINIMAL,
    );
    assert!(matches!(
        manual.authentik.schedule.frequency,
        Frequency::Manual
    ));
}

#[test]
fn an_anchor_and_a_merge_key_may_give_a_block() {
    let yaml = "entityProvider: &defaults {concurrency: 7}\nfoo: *defaults\n";
    assert_eq!(loaded(yaml, &MINIMAL).service.concurrency, 7);
    let yaml = "x: &x {concurrency: 7}\nentityProvider: {<<: *x, pageSize: 9}\n";
    let service = loaded(yaml, &MINIMAL).service;
    assert_eq!((service.concurrency, service.page_size), (7, 9));
}

#[test]
fn a_frequency_that_keeps_authentik_busy_is_a_warning() {
    let warning = |time: &str| {
        format!(
            "a start every {time} overloads Authentik; expected at least 10s, such as `{{minutes: 30}}`"
        )
    };
    let yaml = authentik("schedule: {frequency: 1s}")
        + &service("fullSync: {frequency: {cron: '*/5 * * * * *'}}");
    assert_eq!(
        loaded(&yaml, &MINIMAL).warnings,
        [
            format!(
                "{FILE}: catalog.providers.authentik.schedule.frequency: {}",
                warning("1s")
            ),
            format!(
                "{FILE}: entityProvider.fullSync.frequency: {}",
                warning("5s")
            ),
        ]
    );
    let variable = ("ENTITY_PROVIDER_SCHEDULE_FREQUENCY", "9900ms");
    assert_eq!(
        loaded("", &[MINIMAL[0], MINIMAL[1], variable]).warnings,
        [format!(
            "ENTITY_PROVIDER_SCHEDULE_FREQUENCY: {}",
            warning("9.9s")
        )]
    );
    let yaml = authentik("schedule: {frequency: 10s}");
    assert_eq!(loaded(&yaml, &MINIMAL).warnings, Vec::<String>::new());
}
