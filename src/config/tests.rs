use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::ExposeSecret;

use super::include::Including;
use super::*;
use crate::catalog::policy::NamePolicy;

mod auth;
mod backstage;
mod fuzz;
mod inclusion;
mod merging;
mod pages;
mod substitution;
mod variable;

const FILE: &str = "app-config.yaml";
const SECRET: &str = "s3cret0123456789";
const MINIMAL: [(&str, &str); 2] =
    [("AUTHENTIK_BASE_URL", "https://authentik.example.com"), ("AUTHENTIK_TOKEN", SECRET)];

fn env(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn load(yaml: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let variables = env(variables);
    let node = expand::document(yaml, &Including::first(Path::new(FILE)), &variables)?;
    Config::from_nodes(vec![node], FILE, &variables)
}

fn loaded(yaml: &str, variables: &[(&str, &str)]) -> Config {
    load(yaml, variables).unwrap_or_else(|error| panic!("{yaml}: {error}"))
}

/// The message of a file that does not load; nothing in it may repeat the token.
fn message(yaml: &str, variables: &[(&str, &str)]) -> String {
    let error = load(yaml, variables).expect_err(yaml);
    assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
    error.to_string()
}

/// A file whose only content is one line in Backstage's block.
fn authentik(line: &str) -> String {
    format!("catalog:\n  providers:\n    authentik:\n      {line}\n")
}

/// A file whose only content is one line in this service's block.
fn service(line: &str) -> String {
    format!("entityProvider:\n  {line}\n")
}

/// A file on disk that goes away with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: impl AsRef<[u8]>) -> Self {
        let path = std::env::temp_dir().join(format!("entity-provider-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }

    fn path(&self) -> &str {
        self.0.to_str().unwrap()
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

#[test]
fn two_variables_are_enough_and_the_rest_has_defaults() {
    let config = Config::load(&[], &env(&MINIMAL)).unwrap();
    assert_eq!(config.authentik.base_url.as_str(), "https://authentik.example.com");
    assert_eq!(config.authentik.token.expose_secret(), SECRET);
    assert!(config.authentik.exclude_groups.is_empty());
    assert!(!config.authentik.include_service_accounts);
    let schedule = config.authentik.schedule;
    assert!(matches!(schedule.frequency, Frequency::Every(period) if period == Duration::from_mins(30)));
    assert_eq!((schedule.timeout, schedule.initial_delay), (Duration::from_mins(3), Duration::from_secs(15)));
    assert_eq!(schedule.scope, Scope::Global);
    let service = config.service;
    assert_eq!(service.listen.to_string(), "127.0.0.1:8080");
    assert_eq!((service.public_url, service.names), (None, NamePolicy::Seed));
    assert_eq!((service.trusted_proxies.len(), service.location_prefix.as_str()), (0, "authentik"));
    assert_eq!((service.concurrency, service.page_size), (4, 100));
    assert_eq!(service.request_timeout, Duration::from_secs(30));
    assert_eq!((service.drain_delay, service.drain_timeout), (Duration::ZERO, Duration::from_secs(10)));
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
    let config = loaded(yaml, &[("HOST", "authentik.example.com"), ("TOKEN", SECRET), ("CONCURRENCY", "8")]);
    assert_eq!(config.warnings, Vec::<String>::new());
    let authentik = config.authentik;
    assert_eq!(authentik.base_url.as_str(), "https://authentik.example.com");
    assert_eq!(authentik.token.expose_secret(), SECRET);
    assert_eq!(authentik.exclude_groups, ["authentik Admins", "on", "yes"]);
    assert!(authentik.include_service_accounts);
    assert!(matches!(authentik.schedule.frequency, Frequency::Every(period) if period.as_secs() == 5400));
    assert_eq!(authentik.schedule.timeout, Duration::from_mins(5));
    assert_eq!(authentik.schedule.initial_delay, Duration::ZERO);
    assert_eq!(authentik.schedule.scope, Scope::Local);
    let service = config.service;
    assert_eq!(service.listen.to_string(), "0.0.0.0:7000");
    assert_eq!(service.public_url.as_deref(), Some("https://entities.example.com/authentik"));
    let proxies: Vec<_> = service.trusted_proxies.iter().map(ToString::to_string).collect();
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
    let cron = loaded(&authentik("schedule: {frequency: {cron: '0 */2 * * *'}}"), &MINIMAL);
    assert!(matches!(cron.authentik.schedule.frequency, Frequency::Cron(_)));
    let six = loaded(&authentik("schedule: {frequency: {cron: '30 0 */2 * * *'}}"), &MINIMAL);
    assert!(matches!(six.authentik.schedule.frequency, Frequency::Cron(_)));
    let manual = loaded(&authentik("schedule: {frequency: {trigger: manual}}"), &MINIMAL);
    assert!(matches!(manual.authentik.schedule.frequency, Frequency::Manual));
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
fn a_missing_value_tells_both_ways_to_set_it() {
    assert_eq!(
        message("", &[]),
        "app-config.yaml: catalog.providers.authentik.baseUrl: not set; set it in the configuration file \
         or in the environment variable AUTHENTIK_BASE_URL"
    );
    assert_eq!(
        Config::load(&[], &env(&MINIMAL[..1])).unwrap_err().to_string(),
        "catalog.providers.authentik.token: not set; set it in the configuration file \
         or in the environment variable AUTHENTIK_TOKEN (or AUTHENTIK_TOKEN_FILE)"
    );
}

#[test]
fn a_token_file_gives_the_token_trimmed() {
    let scratch = Scratch::new("token", format!("\n {SECRET}\r\n"));
    let variables = [MINIMAL[0], ("AUTHENTIK_TOKEN_FILE", scratch.path())];
    assert_eq!(loaded("", &variables).authentik.token.expose_secret(), SECRET);
    let with_empty = [variables[0], variables[1], ("AUTHENTIK_TOKEN", "")];
    assert_eq!(loaded("", &with_empty).authentik.token.expose_secret(), SECRET);
}

#[test]
fn a_bad_token_file_is_named() {
    let missing = message("", &[MINIMAL[0], ("AUTHENTIK_TOKEN_FILE", "/nowhere/token")]);
    assert!(missing.starts_with("AUTHENTIK_TOKEN_FILE: cannot read /nowhere/token: "), "{missing}");
    assert!(missing.ends_with("; check the path and its permissions"), "{missing}");
    let empty = Scratch::new("empty-token", "\n");
    assert_eq!(
        message("", &[MINIMAL[0], ("AUTHENTIK_TOKEN_FILE", empty.path())]),
        "AUTHENTIK_TOKEN_FILE: the token is empty; create one in Authentik under Directory, Tokens and App passwords"
    );
    let two = Scratch::new("two-tokens", format!("{SECRET}\n{SECRET}\n"));
    assert_eq!(
        message("", &[MINIMAL[0], ("AUTHENTIK_TOKEN_FILE", two.path())]),
        "AUTHENTIK_TOKEN_FILE: the token holds white space or a character that no token has; \
         give the token alone, on one line"
    );
}

#[test]
fn a_bad_token_is_refused_and_never_repeated() {
    let place = "app-config.yaml: catalog.providers.authentik.token";
    let not_text = "expected the token as a string; put it in quotes";
    let characters =
        "the token holds white space or a character that no token has; give the token alone, on one line";
    for (value, expected) in [
        (format!("[{SECRET}]"), not_text),
        (format!("{{a: {SECRET}}}"), not_text),
        ("123456789".to_owned(), not_text),
        ("true".to_owned(), not_text),
        (format!("'{SECRET} x'"), characters),
        (format!("\"{SECRET}\\n\""), characters),
        (format!("|\n        {SECRET}"), characters),
        (
            "''".to_owned(),
            "the token is empty; create one in Authentik under Directory, Tokens and App passwords",
        ),
        (
            format!("Bearer {SECRET}"),
            "the token starts with `Bearer `; remove that word and keep the token alone",
        ),
    ] {
        let told = message(&authentik(&format!("token: {value}")), &MINIMAL[..1]);
        assert_eq!(told, format!("{place}: {expected}"));
        assert!(!told.contains("123456789"), "{told}");
    }
    assert_eq!(
        message("", &[MINIMAL[0], ("AUTHENTIK_TOKEN", &format!("Bearer {SECRET}"))]),
        "AUTHENTIK_TOKEN: the token starts with `Bearer `; remove that word and keep the token alone"
    );
}

#[test]
fn nothing_printed_shows_the_token() {
    let config = Config::load(&[], &env(&MINIMAL)).unwrap();
    assert!(!format!("{config:?} {config:#?}").contains(SECRET));
}

#[test]
fn a_base_url_is_checked_where_it_was_given() {
    assert_eq!(
        message(&authentik("baseUrl: authentik"), &MINIMAL[1..]),
        "app-config.yaml: catalog.providers.authentik.baseUrl: this is not an absolute URL; \
         expected something like `https://authentik.example.com`"
    );
    assert_eq!(
        message("", &[("AUTHENTIK_BASE_URL", "ftp://a.example.com"), MINIMAL[1]]),
        "AUTHENTIK_BASE_URL: scheme `ftp` cannot be used; expected `http` or `https`"
    );
    assert_eq!(
        message(&authentik("baseUrl: ''"), &MINIMAL[1..]),
        "app-config.yaml: catalog.providers.authentik.baseUrl: expected a string that is not empty"
    );
}

#[test]
fn a_bad_value_in_backstages_block_is_named_by_its_whole_key() {
    for (line, expected) in [
        (
            "includeServiceAccounts: maybe",
            "includeServiceAccounts: expected `true` or `false`, found `maybe`",
        ),
        ("excludeGroups: [a, 7]", "excludeGroups[1]: expected a string, found `7`; put it in quotes"),
        (
            "excludeGroups: {a: b}",
            "excludeGroups: invalid type: map, expected a list of strings such as `[\"akadmin\"]`",
        ),
        (
            "schedule: 30m",
            "schedule: invalid type: string \"30m\", expected a mapping such as `{frequency: {minutes: 30}}`",
        ),
        ("schedule: {scope: cluster}", "schedule.scope: expected `global` or `local`, found `cluster`"),
        ("schedule: {scope: [local]}", "schedule.scope: expected a string, found a list"),
        (
            "schedule: {frequency: 30}",
            "schedule.frequency: `30` is a plain number; try adding a unit, as in `30m` or `{minutes: 30}`",
        ),
        (
            "schedule: {frequency: {minutes: 0}}",
            "schedule.frequency: must be longer than zero; expected something like `{minutes: 30}`",
        ),
        (
            "schedule: {timeout: 0s}",
            "schedule.timeout: must be longer than zero; expected something like `{minutes: 30}`",
        ),
        (
            "schedule: {timeout: {cron: '* * * * *'}}",
            "schedule.timeout: `cron` works for `frequency` only; expected a duration such as `{minutes: 3}`",
        ),
        (
            "schedule: {initialDelay: {trigger: manual}}",
            "schedule.initialDelay: `trigger` works for `frequency` only; \
             expected a duration such as `{minutes: 3}`",
        ),
    ] {
        let told = message(&authentik(line), &MINIMAL);
        assert_eq!(told, format!("app-config.yaml: catalog.providers.authentik.{expected}"));
    }
}

#[test]
fn a_bad_value_in_our_block_is_named_by_its_whole_key() {
    let address = "is not an address to listen on; expected an IP address and a port, such as";
    let url = "expected an http or https URL without user, query and fragment, \
               such as `https://entities.example.com`";
    for (line, expected) in [
        ("listen: 8081", format!("listen: `8081` {address} `127.0.0.1:8081` or `0.0.0.0:8081`")),
        ("listen: ':8081'", format!("listen: `:8081` {address} `127.0.0.1:8081` or `0.0.0.0:8081`")),
        ("listen: 127.0.0.1", format!("listen: `127.0.0.1` {address} `127.0.0.1:8080` or `0.0.0.0:8080`")),
        ("listen: host:80", format!("listen: `host:80` {address} `127.0.0.1:80` or `0.0.0.0:80`")),
        ("listen: []", format!("listen: a list {address} `127.0.0.1:8080` or `0.0.0.0:8080`")),
        ("publicUrl: entities", format!("publicUrl: {url}")),
        ("publicUrl: ftp://a.example.com", format!("publicUrl: {url}")),
        ("publicUrl: https://a:s3cret0123456789@b", format!("publicUrl: {url}")),
        ("publicUrl: https://a.example.com/?a=b", format!("publicUrl: {url}")),
        (
            "trustedProxies: [10.0.0.0/33]",
            "trustedProxies: expected IP networks or addresses such as `10.0.0.0/8` or `::1`, found `10.0.0.0/33`"
                .into(),
        ),
        (
            "locationPrefix: -a",
            "locationPrefix: expected at most 44 of the characters `A-Z a-z 0-9 - _ .`, \
             the first one a letter or digit, found `-a`"
                .into(),
        ),
        ("names: npm", "names: expected `seed` or `backstage`, found `npm`".into()),
        ("concurrency: 0", "concurrency: expected a whole number from 1 to 32, found `0`".into()),
        ("concurrency: 33", "concurrency: expected a whole number from 1 to 32, found `33`".into()),
        ("pageSize: 101", "pageSize: expected a whole number from 1 to 100, found `101`".into()),
        ("pageSize: many", "pageSize: expected a whole number from 1 to 100, found `many`".into()),
        (
            "requestTimeout: 0s",
            "requestTimeout: must be longer than zero; expected something like `{minutes: 30}`".into(),
        ),
        (
            "drainDelay: 5",
            "drainDelay: `5` is a plain number; try adding a unit, as in `30m` or `{minutes: 30}`".into(),
        ),
        (
            "stateDir: state",
            "stateDir: expected an absolute path such as `/var/lib/authentik-entity-provider`, or `false`, \
             found `state`"
                .into(),
        ),
        ("maxAge: 0s", "maxAge: must be longer than zero; expected something like `{minutes: 30}`".into()),
        (
            "port: 80",
            format!("port: unknown key; expected one of {}", keys::listed(&keys::children(keys::SERVICE))),
        ),
        (
            "shrinkGuard: { percent: 0 }",
            "shrinkGuard.percent: expected a whole number from 1 to 100, found `0`".into(),
        ),
        (
            "shrinkGuard: { percents: 10 }",
            "shrinkGuard.percents: unknown key; did you mean `percent`?".into(),
        ),
        ("listn: x", "listn: unknown key; did you mean `listen`?".into()),
        ("pagesize: 5", "pagesize: unknown key; did you mean `pageSize`?".into()),
        ("baseUrl: x", "baseUrl: `baseUrl` belongs to `catalog.providers.authentik`; move it there".into()),
    ] {
        assert_eq!(message(&service(line), &MINIMAL), format!("app-config.yaml: entityProvider.{expected}"));
    }
}

#[test]
fn the_listen_address_may_be_v6_or_localhost() {
    for (line, expected) in [
        ("listen: localhost:9000", "127.0.0.1:9000"),
        ("listen: '[::]:9000'", "[::]:9000"),
        ("listen: 127.0.0.1:0", "127.0.0.1:0"),
    ] {
        assert_eq!(loaded(&service(line), &MINIMAL).service.listen.to_string(), expected);
    }
}

#[test]
fn the_public_url_loses_its_trailing_slashes() {
    for (given, expected) in [
        ("https://a.example.com", "https://a.example.com"),
        ("https://a.example.com/", "https://a.example.com"),
        ("http://A.example.com:8080/x//", "http://a.example.com:8080/x"),
    ] {
        let config = loaded(&service(&format!("publicUrl: {given}")), &MINIMAL);
        assert_eq!(config.service.public_url.as_deref(), Some(expected));
    }
}

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
    let yaml =
        authentik("{excludeGroup: [], frequency: 5m, shedule: {timeout: 1m}, schedule: {timeOut: 1m}}");
    let told = loaded(&yaml, &MINIMAL).warnings;
    let expected = [
        ("excludeGroup", "excludeGroups"),
        ("frequency", "catalog.providers.authentik.schedule.frequency"),
        ("shedule", "schedule"),
        ("schedule.timeOut", "timeout"),
    ];
    assert_eq!(told.len(), expected.len());
    for (key, nearest) in expected {
        let sentence = format!(
            "app-config.yaml: catalog.providers.authentik.{key}: unknown key, ignored; did you mean `{nearest}`?"
        );
        assert!(told.contains(&sentence), "{sentence} is not in {told:?}");
    }
}

#[test]
fn an_unknown_key_without_a_value_counts_as_absent() {
    assert!(loaded(&authentik("listen: ~"), &MINIMAL).warnings.is_empty());
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
        ("[]", "the top level: expected a mapping of keys to values, found a list"),
        ("- a: 1", "the top level: expected a mapping of keys to values, found a list"),
        (SECRET, "the top level: expected a mapping of keys to values, found a string"),
        ("5", "the top level: expected a mapping of keys to values, found `5`"),
        ("catalog: []", "catalog: expected a mapping of keys to values, found a list"),
        ("catalog: {providers: 5}", "catalog.providers: expected a mapping of keys to values, found `5`"),
        (
            "catalog: {providers: {authentik: s3cret0123456789}}",
            "catalog.providers.authentik: expected a mapping of keys to values, found a string",
        ),
        ("entityProvider: true", "entityProvider: expected a mapping of keys to values, found `true`"),
    ] {
        assert_eq!(message(yaml, &MINIMAL), format!("app-config.yaml: {expected}"));
    }
}

#[test]
fn a_file_that_is_no_yaml_is_named_with_line_and_column() {
    for (yaml, expected) in [
        ("a: 1\na: 2", "line 2, column 1: this key stands twice in one mapping; remove one of the two"),
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
        assert_eq!(message(yaml, &MINIMAL), format!("app-config.yaml: {expected}"));
    }
    let deep = format!("app: {}{}", "[".repeat(100), "]".repeat(100));
    let told = message(&deep, &MINIMAL);
    assert!(
        told.ends_with("too large or too deep; give this service a file with its own blocks alone"),
        "{told}"
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
        assert!(message(&yaml, &[]).starts_with("app-config.yaml: line "), "{value}");
        let _ = load(&authentik(&format!("token: {value}")), &MINIMAL[..1])
            .map_err(|error| assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}"));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let error = Config::load(&["/nowhere/app-config.yaml".into()], &env(&MINIMAL)).unwrap_err();
    let told = error.to_string();
    assert!(told.starts_with("cannot read the configuration file /nowhere/app-config.yaml: "), "{told}");
    assert!(told.ends_with("; check the path and its permissions"), "{told}");
    let binary = Scratch::new("binary.yaml", [0xff, 0xfe, 0x00]);
    let told = Config::load(std::slice::from_ref(&binary.0), &env(&MINIMAL)).unwrap_err().to_string();
    assert!(told.contains("it is not UTF-8 text"), "{told}");
}

#[test]
fn a_file_is_loaded_from_disk() {
    let scratch = Scratch::new("app-config.yaml", authentik("excludeGroups: [a]"));
    let config = Config::load(std::slice::from_ref(&scratch.0), &env(&MINIMAL)).unwrap();
    assert_eq!(config.authentik.exclude_groups, ["a"]);
}
