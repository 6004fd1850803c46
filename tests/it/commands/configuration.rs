//! `--config`, and the errors of an invalid configuration.

use fake_authentik::FakeAuthentik;
use serde_json::Value;

use super::{LISTEN, assert_syncs, authentik, directory_with};
use crate::support::process::{Ended, Process, get};

/// A token that no message may contain.
const SECRET: &str = "tOkEn0123456789-never-to-be-shown";

/// A complete Backstage configuration with many foreign keys.
const BACKSTAGE: &str = r#"
app:
  title: ${APP_TITLE_THAT_IS_NOT_SET}
  baseUrl: http://localhost:3000
backend:
  database:
    client: pg
    connection: { host: "${POSTGRES_HOST}", password: "${POSTGRES_PASSWORD}" }
  reading: { allow: [{ host: "localhost:8080" }] }
integrations:
  github: [{ host: github.com, token: "${GITHUB_TOKEN}" }]
auth:
  providers:
    oidc: { $include: oidc.yaml }
catalog:
  rules: [{ allow: [Component, System] }]
  locations:
    - { type: url, target: "http://localhost:8080/entities", rules: [{ allow: [User, Group] }] }
  providers:
    github: { organization: "${ORG}" }
    authentik:
      baseUrl: ${OUR_AUTHENTIK}
      token: ${OUR_TOKEN}
      schedule: { frequency: { trigger: manual }, timeout: PT2M }
entityProvider:
  listen: 127.0.0.1:0
  names: backstage
  publicUrl: https://entities.example.com/
"#;

/// A configuration with only the keys of this service.
fn ours(authentik: &str) -> String {
    format!(
        "catalog: {{ providers: {{ authentik: {{ baseUrl: '{authentik}', token: {} }} }} }}\n\
         entityProvider: {{ listen: '127.0.0.1:0' }}\n",
        FakeAuthentik::TOKEN
    )
}

#[tokio::test]
async fn the_configuration_may_be_named_before_and_after_the_command() {
    let authentik = authentik().await;
    let (_directory, file) = directory_with("app-config.yaml", &ours(&authentik.base));
    for arguments in [["--config", &file, "serve"], ["serve", "--config", &file]] {
        let mut serve = Process::spawn(&arguments, &[]);
        assert_syncs(&serve.serving().await).await;
    }
}

#[tokio::test]
async fn a_relative_path_is_relative_to_the_working_directory() {
    let authentik = authentik().await;
    let (directory, _) = directory_with("app-config.yaml", &ours(&authentik.base));
    let mut serve = Process::spawn_in(
        directory.path(),
        &["serve", "--config", "app-config.yaml"],
        &[],
    );
    serve.serving().await;
}

#[tokio::test]
async fn a_whole_backstage_configuration_is_read_without_its_foreign_variables() {
    let authentik = authentik().await;
    let (_directory, file) = directory_with("app-config.yaml", BACKSTAGE);
    let variables = [
        ("OUR_AUTHENTIK", authentik.base.as_str()),
        ("OUR_TOKEN", FakeAuthentik::TOKEN),
    ];
    let mut serve = Process::spawn(&["serve", "--config", &file], &variables);
    let listening = serve.logged("listening").await;
    assert_eq!(listening["target"], "https://entities.example.com/entities");
    let service = format!("http://{}", listening["address"].as_str().unwrap());
    assert_eq!(
        get(&format!("{service}/health/ready")).await.status(),
        503,
        "runs start on request only"
    );
    assert_syncs(&service).await;
}

/// Runs `serve` with a configuration that must be rejected.
async fn refused(content: &str, variables: &[(&str, &str)]) -> String {
    let error = refused_for(content, variables).await;
    assert_eq!(error.lines().count(), 1, "one message: {error}");
    error
}

/// Runs `serve` with a configuration that must be refused.
async fn refused_for(content: &str, variables: &[(&str, &str)]) -> String {
    let (_directory, file) = directory_with("app-config.yaml", content);
    let arguments = [&LISTEN[..], &["--config", &file]].concat();
    let Ended { status, out, error } = Process::run(&arguments, variables).await;
    assert_eq!((status.code(), out.as_str()), (Some(1), ""), "{error}");
    assert_eq!(error.lines().count(), 1, "one event: {error}");
    let entry: Value = serde_json::from_str(&error).expect("the log is JSON");
    assert_eq!(entry["level"], "ERROR", "{error}");
    assert!(!error.contains(SECRET), "{error}");
    assert!(!error.contains("never-to-be-shown"), "{error}");
    entry["message"].as_str().unwrap().replace(&file, "FILE")
}

#[tokio::test]
async fn a_wrong_value_is_refused_with_file_key_and_remedy() {
    for (values, key, remedy) in [
        (
            "baseUrl: 'https://a.example/if/admin/'",
            "baseUrl",
            "https://a.example",
        ),
        ("baseUrl: 'ftp://a.example'", "baseUrl", "http"),
        ("schedule: { timeout: soon }", "schedule.timeout", "30m"),
        (
            "schedule: { frequency: { cron: '* *' } }",
            "schedule.frequency",
            "5",
        ),
        ("token: { $file: token.txt }", "token", "check the path"),
        ("token: '${NOT_SET}'", "token", "NOT_SET"),
        (
            "includeServiceAccounts: perhaps",
            "includeServiceAccounts",
            "true",
        ),
    ] {
        let mut keys = vec![
            "baseUrl: 'https://a.example'".to_owned(),
            format!("token: {SECRET}"),
        ];
        keys.retain(|line| line.split(':').next() != values.split(':').next());
        keys.push(values.to_owned());
        let content = format!(
            "catalog:\n  providers:\n    authentik:\n      {}\n",
            keys.join("\n      ")
        );
        let error = refused(&content, &[]).await;
        let place = format!("FILE: catalog.providers.authentik.{key}");
        assert!(error.contains(&place) && error.contains(remedy), "{error}");
    }
}

#[tokio::test]
async fn no_message_contains_a_token() {
    for content in [
        format!("catalog: {{ providers: {{ authentik: {SECRET} }} }}"),
        format!(
            "catalog: {{ providers: {{ authentik: {{ baseUrl: 'https://a.example', token: [{SECRET}] }} }} }}"
        ),
        format!(
            "catalog: {{ providers: {{ authentik: {{ baseUrl: 'https://a.example', token: 'Bearer {SECRET}' }} }} }}"
        ),
        format!("catalog: {{ providers: {{ authentik: {{ token: {SECRET}\n  x: [}} }} }}"),
        format!(
            "catalog: {{ providers: {{ authentik: {{ baseUrl: 'https://user:{SECRET}@a.example', token: abc }} }} }}"
        ),
        format!("entityProvider: {{ token: {SECRET} }}"),
    ] {
        refused_for(&content, &[]).await;
    }
    let both = [
        ("AUTHENTIK_TOKEN", SECRET),
        ("AUTHENTIK_TOKEN_FILE", "/nowhere"),
    ];
    assert!(
        refused_for("{}", &both)
            .await
            .contains("AUTHENTIK_TOKEN_FILE")
    );
}

#[tokio::test]
async fn a_missing_key_is_named_with_its_variable() {
    let error = refused("{}", &[("AUTHENTIK_TOKEN", "abc")]).await;
    assert!(
        error.contains("catalog.providers.authentik.baseUrl"),
        "{error}"
    );
    assert!(error.contains("AUTHENTIK_BASE_URL"), "{error}");
    let error = refused("{}", &[("AUTHENTIK_BASE_URL", "https://a.example")]).await;
    assert!(
        error.contains("catalog.providers.authentik.token"),
        "{error}"
    );
    assert!(error.contains("AUTHENTIK_TOKEN"), "{error}");
}

#[tokio::test]
async fn all_errors_of_a_start_are_one_list() {
    let content = "
catalog: { providers: { authentik: { baseUrl: 'https://a.example', schedule: { timeout: soon } } } }
entityProvider:
  lisen: x
  caFile: /nowhere/ca.pem
  tls: { certFile: /nowhere/tls.pem, keyFile: /nowhere/tls.key }
";
    let variables = [
        ("AUTHENTIK_TOKEN", "abc"),
        ("ENTITY_PROVIDER_LISTEN", "0.0.0.0:0"),
        ("ENTITY_PROVIDER_PAGE_SIZE", "0"),
    ];
    let (_directory, file) = directory_with("app-config.yaml", content);
    let ended = Process::run(&["serve", "--config", &file], &variables).await;
    assert_eq!(ended.status.code(), Some(1));
    let entry: Value = serde_json::from_str(&ended.error).unwrap();
    let error = entry["message"].as_str().unwrap().replace(&file, "FILE");
    let lines: Vec<_> = error.lines().collect();
    assert_eq!(lines[0], "the configuration has 6 errors:", "{error}");
    for (line, beginning) in lines[1..].iter().zip([
        "  FILE: entityProvider.lisen: ",
        "  FILE: catalog.providers.authentik.schedule.timeout: ",
        "  ENTITY_PROVIDER_PAGE_SIZE: ",
        "  `entityProvider.auth.readTokens` is not set",
        "  entityProvider.tls.certFile: cannot read /nowhere/tls.pem",
    ]) {
        assert!(line.starts_with(beginning), "{error}");
    }
    assert!(
        lines.len() == 7 && lines[6].contains("/nowhere/ca.pem"),
        "{error}"
    );
}

#[tokio::test]
async fn a_container_without_variables_reports_all_missing_keys() {
    let listen = [("ENTITY_PROVIDER_LISTEN", "0.0.0.0:0")];
    let error = Process::run(&["serve"], &listen).await.error;
    for name in [
        "AUTHENTIK_BASE_URL",
        "AUTHENTIK_TOKEN",
        "ENTITY_PROVIDER_AUTH_READ_TOKENS",
    ] {
        assert!(error.contains(name), "{name} is missing in: {error}");
    }
}

#[tokio::test]
async fn a_missing_file_is_named() {
    let ended = Process::run(&["serve", "--config", "/nowhere/app-config.yaml"], &[]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.error.contains("/nowhere/app-config.yaml"),
        "{}",
        ended.error
    );
}

#[tokio::test]
async fn a_misspelt_key_is_an_error_in_our_block_and_a_warning_in_backstages() {
    let authentik = authentik().await;
    let misspelt = ours(&authentik.base).replace("listen:", "lisen:");
    let error = refused(&misspelt, &[]).await;
    assert!(
        error.contains("entityProvider.lisen") && error.contains("`listen`"),
        "{error}"
    );
    let (_directory, file) = directory_with(
        "app-config.yaml",
        &ours(&authentik.base).replace("token:", "excludeGroup: [a], token:"),
    );
    let mut serve = Process::spawn(&["serve", "--config", &file], &[]);
    let warning = serve.until(|line| {
        let entry = crate::support::process::log_entry(line)?;
        (entry["level"] == "WARN").then(|| entry["message"].as_str().unwrap().to_owned())
    });
    let warning = warning.await;
    assert!(
        warning.contains("catalog.providers.authentik.excludeGroup"),
        "{warning}"
    );
}

#[tokio::test]
async fn a_block_in_the_wrong_place_is_refused_with_the_right_one() {
    let keys = format!("{{ baseUrl: 'https://a.example', token: {SECRET} }}");
    let right = format!("catalog: {{ providers: {{ authentik: {keys} }} }}");
    for (content, place, remedy) in [
        (
            format!("{right}\nentityprovider: {{ names: backstage }}"),
            "FILE: entityprovider: ",
            "move its keys to `entityProvider`",
        ),
        (
            format!("{right}\nentity-provider: {{ names: backstage }}"),
            "FILE: entity-provider: ",
            "move its keys to `entityProvider`",
        ),
        (
            format!("catalog: {{ authentik: {keys} }}"),
            "FILE: catalog.authentik: ",
            "move its keys to `catalog.providers.authentik`",
        ),
        (
            format!("catalog: {{ providers: {{ authentik: {{ default: {keys} }} }} }}"),
            "FILE: catalog.providers.authentik.default: ",
            "one process reads one Authentik",
        ),
    ] {
        let error = refused(&content, &[]).await;
        assert!(error.contains(place) && error.contains(remedy), "{error}");
    }
}

#[tokio::test]
async fn an_unknown_time_zone_is_refused_together_with_the_other_errors() {
    let content =
        "catalog: { providers: { authentik: { baseUrl: 'https://a.example', token: abc } } }";
    for zone in ["Mars/Phobos", "Europe/Berlim", "/nowhere/zone"] {
        let error = refused(content, &[("TZ", zone)]).await;
        assert!(
            error.starts_with("TZ: `") && error.contains("Europe/Berlin"),
            "{error}"
        );
    }
    let error = refused_for("{}", &[("TZ", "Mars/Phobos")]).await;
    assert_eq!(error.lines().count(), 4, "{error}");
    assert!(error.contains("\n  TZ: `Mars/Phobos` is not"), "{error}");
}

#[tokio::test]
async fn a_zone_that_the_system_lacks_is_built_in() {
    // A database with one zone, as a stripped image has.
    let directory = tempfile::tempdir().unwrap();
    let zone = [b"TZif2".as_slice(), &[0; 39]].concat();
    std::fs::write(directory.path().join("Here"), zone).unwrap();
    let zones = directory.path().to_str().unwrap();
    let variables = [
        ("AUTHENTIK_BASE_URL", "http://127.0.0.1:1"),
        ("AUTHENTIK_TOKEN", "unused"),
        ("TZDIR", zones),
        ("TZ", "Pacific/Chatham"),
    ];
    Process::spawn(&LISTEN, &variables).serving().await;
}

#[tokio::test]
async fn a_frequency_under_a_second_is_an_error_and_under_ten_seconds_a_warning() {
    let authentik = authentik().await;
    let content = |frequency: &str| {
        ours(&authentik.base).replace(
            "token:",
            &format!("schedule: {{ frequency: {frequency} }}, token:"),
        )
    };
    let error = refused(&content("100ms"), &[]).await;
    assert!(
        error.contains("schedule.frequency: must be at least one second"),
        "{error}"
    );
    let (_directory, file) = directory_with("app-config.yaml", &content("5s"));
    let mut serve = Process::spawn(&["serve", "--config", &file], &[]);
    let is_warning = |line: &_| {
        let entry = crate::support::process::log_entry(line)?;
        (entry["level"] == "WARN").then(|| entry["message"].as_str().unwrap().to_owned())
    };
    let warning = serve.until(is_warning).await;
    assert!(
        warning.contains("schedule.frequency: a start every 5s"),
        "{warning}"
    );
}
