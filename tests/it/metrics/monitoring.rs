//! The alert rules and the dashboard of `deploy` use the metrics that docs/metrics.md describes.

use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../../docs/metrics.md");
const RULES: &str = include_str!("../../../deploy/prometheus/rules.yaml");
const RULE_TESTS: &str = include_str!("../../../deploy/prometheus/rules-test.yaml");
const DASHBOARD: &str = include_str!("../../../deploy/grafana/dashboard.json");
const RUNBOOK: &str = include_str!("../../../docs/alerts.md");

const OWN: &str = "authentik_entity_provider_";

/// Returns the names of the service's metrics in a text, without the prefix, and those of the process.
fn metrics(text: &str) -> BTreeSet<String> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    let names = words.filter_map(|word| {
        let own = word.strip_prefix(OWN);
        own.or_else(|| word.starts_with("process_").then_some(word))
    });
    names
        .filter(|name| !name.is_empty())
        .map(|name| name.strip_suffix("_bucket").unwrap_or(name).to_owned())
        .collect()
}

/// Returns the metrics that the page describes, as [`metrics`] does.
fn described() -> BTreeSet<String> {
    let (page, _) = PAGE.split_once("\n## ").unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let own = rows.map(|row| row.split('`').next().unwrap().to_owned());
    own.chain(metrics(page)).collect()
}

#[test]
fn the_dashboard_shows_every_metric_and_no_other() {
    let board: serde_json::Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = board["panels"].as_array().unwrap();
    let queries = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().into_iter().flatten());
    let queries: Vec<_> = queries
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert_eq!(metrics(&queries.join(" ")), described());
}

#[test]
fn every_alert_uses_described_metrics_and_has_a_test_and_a_section_of_the_manual() {
    let unknown: Vec<_> = metrics(RULES).difference(&described()).cloned().collect();
    assert_eq!(unknown, [""; 0]);
    let rules: serde_json::Value = serde_saphyr::from_str(RULES).unwrap();
    let rules = rules["groups"][0]["rules"].as_array().unwrap();
    let mut alerts = Vec::new();
    for rule in rules {
        let alert = rule["alert"].as_str().unwrap();
        let link = format!("docs/alerts.md#{}", alert.to_lowercase());
        assert_eq!(rule["annotations"]["runbook_url"], link.as_str());
        let name = format!("alertname: {alert}\n");
        let tests = RULE_TESTS.matches(&name).count();
        assert_eq!(tests, 2, "{alert} fires, and is silent otherwise");
        alerts.push(alert);
    }
    let sections: Vec<_> = RUNBOOK
        .lines()
        .filter_map(|line| line.strip_prefix("## "))
        .collect();
    assert_eq!(sections, alerts);
}
