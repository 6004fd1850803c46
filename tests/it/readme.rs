//! The README says what the code does: its configuration loads, and it names every key and code.

use std::collections::BTreeMap;
use std::path::PathBuf;

use authentik_entity_provider::catalog::policy::NamePolicy;
use authentik_entity_provider::config::{Config, ConfigErrors, Frequency, Scope};

const README: &str = include_str!("../../README.md");
const GUIDE: &str = include_str!("../../docs/backstage.md");

/// The YAML blocks that are meant for this service: those with the info string `yaml app-config`.
fn configurations() -> Vec<String> {
    let blocks = README.split("```yaml app-config\n").skip(1);
    blocks
        .map(|rest| rest.split("\n```").next().unwrap().to_owned())
        .collect()
}

/// Loads a configuration as a file, with the variable that the README sets.
fn load(name: &str, text: &str) -> Result<Config, ConfigErrors> {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("readme-{name}.yaml"));
    std::fs::write(&file, text).unwrap();
    let variables = BTreeMap::from([("AUTHENTIK_TOKEN".to_owned(), "a-token".to_owned())]);
    Config::load(&[file], &variables)
}

/// The words in double quotes in a part of a source file.
fn quoted<'a>(source: &'a str, from: &str, to: &str) -> Vec<&'a str> {
    let (_, rest) = source
        .split_once(from)
        .unwrap_or_else(|| panic!("no {from:?}"));
    let (part, _) = rest
        .split_once(to)
        .unwrap_or_else(|| panic!("no {to:?} after {from:?}"));
    part.split('"').skip(1).step_by(2).collect()
}

/// The variants of an enum in a source file, as `kebab-case` writes them.
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

/// The part of the README below a heading.
fn section(heading: &str) -> &'static str {
    section_of(README, heading)
}

fn section_of(page: &'static str, heading: &str) -> &'static str {
    let (_, rest) = page
        .split_once(&format!("\n## {heading}\n"))
        .unwrap_or_else(|| panic!("no {heading}"));
    rest.split("\n## ").next().unwrap()
}

/// Fails unless a table below a heading has a row for each word, and enough words were found.
fn assert_rows(heading: &str, words: &[impl AsRef<str>], at_least: usize) {
    assert_rows_of(section(heading), words, at_least);
}

fn assert_rows_of(section: &str, words: &[impl AsRef<str>], at_least: usize) {
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
fn every_configuration_in_the_readme_loads_without_a_warning() {
    let configurations = configurations();
    assert!(
        configurations.len() >= 2,
        "the README shows a short and a whole configuration"
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
fn the_whole_configuration_in_the_readme_shows_the_defaults() {
    let texts = configurations();
    let shown = load("whole", texts.last().unwrap()).unwrap();
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
    assert_eq!(NamePolicy::default(), NamePolicy::Seed);
}

#[test]
fn the_readme_names_every_finding() {
    assert_rows(
        "Findings",
        &variants(include_str!("../../src/catalog/finding.rs"), "Code"),
        10,
    );
}

#[test]
fn the_readme_names_every_failure() {
    let of_reading = quoted(
        include_str!("../../src/authentik/error.rs"),
        "pub fn code(&self)",
        "\n    }",
    );
    assert_rows("Failures", &of_reading, 14);
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
    assert_rows("Failures", &of_runs, 3);
}

#[test]
fn the_readme_names_every_reason_of_a_full_run() {
    let reasons = variants(include_str!("../../src/snapshot/reading.rs"), "FullReason");
    assert_rows_of(section("Configuration"), &reasons, 9);
}

#[test]
fn the_guide_names_every_failure_of_telling_backstage() {
    let source = include_str!("../../src/backstage/client.rs");
    let section = section_of(GUIDE, "Telling Backstage at once");
    assert_rows_of(section, &quoted(source, "pub fn code(&self)", "\n    }"), 4);
}

#[test]
fn every_configuration_in_the_guide_loads_beside_a_short_one() {
    let minimal = "catalog: {providers: {authentik: {baseUrl: 'https://authentik.example.com'}}}\n";
    let file = |name: &str, text: &str| {
        let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("guide-{name}.yaml"));
        std::fs::write(&file, text).unwrap();
        file
    };
    let names = ["AUTHENTIK_TOKEN", "BACKSTAGE_TOKEN"];
    let variables =
        BTreeMap::from(names.map(|name| (name.to_owned(), "a-token-for-tests-only".to_owned())));
    let blocks: Vec<_> = GUIDE
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
fn the_readme_names_every_problem_and_path() {
    let source = include_str!("../../src/http/error.rs");
    assert_rows("HTTP", &quoted(source, "pub fn code(&self)", "\n    }"), 8);
    let description = serde_json::to_value(authentik_entity_provider::http::description()).unwrap();
    for path in description["paths"].as_object().unwrap().keys() {
        assert!(
            section("HTTP").contains(&format!("{path}`")),
            "HTTP has no row for {path}"
        );
    }
}

#[test]
fn the_readme_names_every_command() {
    use clap::CommandFactory;
    let program = authentik_entity_provider::cli::Cli::command();
    let names: Vec<_> = program
        .get_subcommands()
        .map(|command| command.get_name().to_owned())
        .collect();
    assert_rows("Commands", &names, 7);
}

#[test]
fn the_page_about_check_names_every_step_and_code() {
    let page = include_str!("../../docs/check.md");
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
