//! `--config`, and what is said of a configuration that cannot be used.

use fake_authentik::FakeAuthentik;
use serde_json::Value;

use super::{LISTEN, assert_syncs, authentik, directory_with};
use crate::support::process::{Ended, Process, get};

/// A token that no message may repeat.
const SECRET: &str = "tOkEn0123456789-never-to-be-shown";

/// A whole Backstage configuration, most of which is none of our business.
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

/// The configuration of our blocks alone.
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
async fn a_relative_path_is_meant_from_where_the_command_runs() {
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
        "runs are asked for only"
    );
    assert_syncs(&service).await;
}

/// Runs `serve` with a configuration that must be refused.
async fn refused(content: &str, variables: &[(&str, &str)]) -> String {
    let (_directory, file) = directory_with("app-config.yaml", content);
    let arguments = [&LISTEN[..], &["--config", &file]].concat();
    let Ended { status, out, error } = Process::run(&arguments, variables).await;
    assert_eq!((status.code(), out.as_str()), (Some(1), ""), "{error}");
    assert_eq!(error.lines().count(), 1, "one message: {error}");
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
async fn a_token_is_not_repeated_wherever_it_stands() {
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
            "catalog: {{ providers: {{ authentik: {{ baseUrl: 'https://user:{SECRET}@a.example' }} }} }}"
        ),
        format!("entityProvider: {{ token: {SECRET} }}"),
    ] {
        refused(&content, &[]).await;
    }
    let both = [
        ("AUTHENTIK_TOKEN", SECRET),
        ("AUTHENTIK_TOKEN_FILE", "/nowhere"),
    ];
    assert!(refused("{}", &both).await.contains("AUTHENTIK_TOKEN_FILE"));
}

#[tokio::test]
async fn what_is_missing_is_named_with_the_variable_that_gives_it() {
    let error = refused("{}", &[]).await;
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
async fn a_file_that_is_not_there_is_named() {
    let ended = Process::run(&["serve", "--config", "/nowhere/app-config.yaml"], &[]).await;
    assert_eq!(ended.status.code(), Some(1));
    assert!(
        ended.error.contains("/nowhere/app-config.yaml"),
        "{}",
        ended.error
    );
}

#[tokio::test]
async fn a_misspelt_key_is_refused_in_our_block_and_warned_of_in_backstages() {
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
