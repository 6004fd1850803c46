//! README and manual agree with the code: their configurations load, and they name every code.

use std::collections::BTreeMap;
use std::path::PathBuf;

use authentik_entity_provider::catalog::policy::NamePolicy;
use authentik_entity_provider::config::{Config, ConfigErrors, Frequency, Scope};

const README: &str = include_str!("../../README.md");
const OPERATIONS: &str = include_str!("../../docs/operations.md");
const BACKSTAGE: &str = include_str!("../../docs/backstage.md");
const COMMANDS: &str = include_str!("../../docs/commands.md");
const PROBLEMS: &str = include_str!("../../docs/findings-and-failures.md");
const HTTP_API: &str = include_str!("../../docs/http-api.md");
const SYNC: &str = include_str!("../../docs/how-sync-works.md");

/// Returns the YAML blocks of a page for this service: those with the info string `yaml
/// app-config`.
fn configurations(page: &str) -> Vec<&str> {
    let blocks = page.split("```yaml app-config\n").skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap())
        .collect()
}

/// Returns the values of an enum of the OpenAPI description.
fn enumeration(schema: &str) -> Vec<String> {
    let description = serde_json::to_value(authentik_entity_provider::http::description()).unwrap();
    let values = description["components"]["schemas"][schema]["enum"]
        .as_array()
        .unwrap_or_else(|| panic!("{schema} is no enum"));
    values
        .iter()
        .map(|value| value.as_str().unwrap().to_owned())
        .collect()
}

/// Loads a configuration from a file, with the variable that the README sets.
fn load(name: &str, text: &str) -> Result<Config, ConfigErrors> {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("readme-{name}.yaml"));
    std::fs::write(&file, text).unwrap();
    let variables = BTreeMap::from([("AUTHENTIK_TOKEN".to_owned(), "a-token".to_owned())]);
    Config::load(&[file], &variables)
}

/// Returns the quoted strings in a part of a source file.
fn quoted<'a>(source: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    let (_, rest) = source
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from:?}"));
    let (part, _) = rest
        .split_once(to)
        .unwrap_or_else(|| panic!("no {to:?} after {from:?}"));
    part.split('"').skip(1).step_by(2).collect()
}

/// Returns the variants of an enum in a source file, in `kebab-case`.
fn variants(source: &str, name: &str) -> Vec<String> {
    let (_, rest) = source.split_once(&format!("enum {name} {{")).unwrap();
    let (body, _) = rest.split_once("\n}").unwrap();
    let lines = body.lines().map(str::trim);
    lines
        .filter(|line| line.starts_with(char::is_uppercase))
        .map(kebab)
        .collect()
}

fn kebab(variant: &str) -> String {
    let name = variant.trim_end_matches(',');
    let parts = name.char_indices().map(|(at, c)| match c {
        'A'..='Z' if at > 0 => format!("-{}", c.to_ascii_lowercase()),
        c => c.to_ascii_lowercase().to_string(),
    });
    parts.collect()
}

/// Returns the part of a page below a heading.
fn section(page: &'static str, heading: &str) -> &'static str {
    let (_, rest) = page
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("no {heading}"));
    rest.split("\n## ").next().unwrap()
}

/// Fails unless a table has a row for each word, and enough words were found.
fn assert_rows(section: &str, words: &[impl AsRef<str>], at_least: usize) {
    assert!(
        words.len() >= at_least,
        "only {} words were found for {section}",
        words.len()
    );
    for word in words.iter().map(AsRef::as_ref) {
        assert!(
            section.contains(&format!("\n| `{word}` |")),
            "no row for `{word}` in {section}"
        );
    }
}

#[test]
fn the_readme_is_short() {
    assert!(README.len() <= 10_000, "{} bytes", README.len());
}

#[test]
fn every_configuration_for_this_service_loads_without_a_warning() {
    let pages = [README, OPERATIONS];
    let configurations: Vec<_> = pages.into_iter().flat_map(configurations).collect();
    assert!(
        configurations.len() >= 2,
        "there is a short and a complete configuration"
    );
    for (at, text) in configurations.iter().enumerate() {
        let config = load(&at.to_string(), text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        assert!(config.warnings.is_empty(), "{:?}", config.warnings);
        assert_eq!(
            config.authentik.base_url.as_str(),
            "https://authentik.example.com"
        );
    }
}

#[test]
fn the_complete_configuration_shows_the_defaults() {
    let [complete] = configurations(OPERATIONS)[..] else {
        panic!("one complete configuration")
    };
    let shown = load("complete", complete).unwrap();
    let minimal =
        "catalog:\n  providers:\n    authentik:\n      baseUrl: https://authentik.example.com\n";
    let plain = load("minimal", minimal).unwrap();
    assert_eq!(
        format!("{:?}", shown.service),
        format!("{:?}", plain.service)
    );
    let (shown, plain) = (shown.authentik, plain.authentik);
    assert_eq!(shown.exclude_groups, plain.exclude_groups);
    assert_eq!(
        shown.include_service_accounts,
        plain.include_service_accounts
    );
    assert_eq!(
        format!("{:?}", shown.schedule),
        format!("{:?}", plain.schedule)
    );
    assert!(matches!(plain.schedule.frequency, Frequency::Every(every) if every.as_secs() == 1800));
    assert_eq!(plain.schedule.scope, Scope::Global);
    assert_eq!(NamePolicy::default(), NamePolicy::NpmModule);
}

#[test]
fn every_finding_is_described() {
    assert_rows(
        section(PROBLEMS, "Findings"),
        &enumeration("FindingCode"),
        10,
    );
}

#[test]
fn every_failure_is_described() {
    let of_reading = quoted(
        include_str!("../../src/authentik/error.rs"),
        "pub fn code(&self)",
        "\n    }",
    );
    assert_rows(section(PROBLEMS, "Failures"), &of_reading, 14);
    let sources = [
        include_str!("../../src/sync.rs"),
        include_str!("../../src/sync/cycle.rs"),
    ];
    let of_runs: Vec<_> = sources
        .iter()
        .flat_map(|source| source.split("Failure::new(").skip(1))
        .filter_map(|rest| rest.trim_start().strip_prefix('"'))
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_rows(section(PROBLEMS, "Failures"), &of_runs, 3);
}

#[test]
fn every_reason_of_a_full_sync_is_described() {
    let section = section(SYNC, "Full and incremental syncs");
    assert_rows(section, &enumeration("FullReason"), 9);
}

#[test]
fn every_failure_of_a_notification_is_described() {
    let source = include_str!("../../src/backstage/client.rs");
    let section = section(BACKSTAGE, "Notify Backstage");
    assert_rows(section, &quoted(source, "pub fn code(&self)", "\n    }"), 4);
}

#[test]
fn every_configuration_about_backstage_loads_beside_a_short_one() {
    let minimal = "catalog: {providers: {authentik: {baseUrl: 'https://authentik.example.com'}}}\n";
    let file = |name: &str, text: &str| {
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("guide-{name}.yaml"));
        std::fs::write(&file, text).unwrap();
        file
    };
    let names = ["AUTHENTIK_TOKEN", "BACKSTAGE_TOKEN"];
    let variables =
        BTreeMap::from(names.map(|name| (name.to_owned(), "a-token-for-tests-only".to_owned())));
    let blocks: Vec<_> = BACKSTAGE
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap())
        .collect();
    assert!(blocks.len() >= 6, "only {} blocks", blocks.len());
    for (at, block) in blocks.iter().enumerate() {
        let files = [file("minimal", minimal), file(&at.to_string(), block)];
        let config =
            Config::load(&files, &variables).unwrap_or_else(|error| panic!("{error}\n{block}"));
        assert!(config.warnings.is_empty(), "{:?}\n{block}", config.warnings);
    }
}

#[test]
fn every_problem_and_path_is_described() {
    let source = include_str!("../../src/http/error.rs");
    assert_rows(
        section(HTTP_API, "Errors"),
        &quoted(source, "pub fn code(&self)", "\n    }"),
        8,
    );
    let description = serde_json::to_value(authentik_entity_provider::http::description()).unwrap();
    for path in description["paths"].as_object().unwrap().keys() {
        assert!(
            section(HTTP_API, "Requests").contains(&format!("{path}`")),
            "there is no row for {path}"
        );
    }
}

#[test]
fn every_command_is_described() {
    use clap::CommandFactory;
    let program = authentik_entity_provider::cli::Cli::command();
    let names: Vec<_> = program
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    assert_rows(COMMANDS, &names, 7);
}

#[test]
fn every_step_and_code_of_check_is_described() {
    let page = section(COMMANDS, "`check`");
    for step in variants(include_str!("../../src/cli/check/report.rs"), "Subject") {
        assert!(page.contains(&format!("\n| `{step}` |")), "{step}");
    }
    let sources = [
        include_str!("../../src/cli/check/examination.rs"),
        include_str!("../../src/cli/check/outcome.rs"),
    ];
    let codes = sources
        .iter()
        .flat_map(|source| source.split("Status::").skip(1))
        .filter_map(|rest| {
            let code = rest.lines().next()?.split_once(", \"")?.1;
            code.split_once('"').map(|(code, _)| code)
        });
    let codes: Vec<_> = codes.filter(|code| *code != "timeout").collect();
    assert!(codes.len() >= 8, "{codes:?}");
    for code in codes {
        assert!(page.contains(&format!("`{code}`")), "{code}");
    }
}
