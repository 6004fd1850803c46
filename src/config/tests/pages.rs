use super::*;

fn assert_current(committed: &str, generated: &str) {
    assert!(
        committed == generated,
        "out of date; run `cargo xtask generate`"
    );
}

#[test]
fn the_reference_page_is_current() {
    let committed = include_str!("../../../docs/configuration.md");
    assert_current(committed, &reference_page());
}

#[test]
fn the_schema_is_current() {
    let committed = include_str!("../../../docs/app-config.schema.json");
    assert_current(committed, &format!("{:#}\n", json_schema()));
}

/// The fenced texts of a language in the page.
fn examples(language: &str) -> Vec<String> {
    let page = reference_page();
    let fence = format!("```{language}\n");
    let parts = page.split(&fence).skip(1);
    parts
        .map(|part| part.split("```").next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_configuration_of_the_page_loads_without_a_warning() {
    let examples = examples("yaml");
    assert!(examples.len() > 4);
    for yaml in examples {
        let variables = [
            ("AUTHENTIK_BASE_URL", "https://a.example.com"),
            ("AUTHENTIK_API_TOKEN", SECRET),
        ];
        let token = if yaml.contains("AUTHENTIK_API_TOKEN") {
            "NONE"
        } else {
            "AUTHENTIK_TOKEN"
        };
        let own = [("READ_TOKEN", SECRET), ("OLD_READ_TOKEN", SECRET)];
        let config = loaded(&yaml, &[&variables[..], &own, &[(token, SECRET)]].concat());
        assert_eq!(config.warnings, Vec::<String>::new(), "{yaml}");
    }
}

#[test]
fn every_variable_of_the_page_loads_without_a_warning() {
    let lines: Vec<String> = examples("sh")
        .iter()
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .collect();
    let set: Vec<_> = lines
        .iter()
        .filter(|line| !line.contains(" serve"))
        .filter_map(|line| line.split_once('='))
        .collect();
    assert!(set.len() > 4);
    let unquoted = set
        .iter()
        .map(|(name, value)| (*name, value.trim_matches('\'')));
    let config = loaded("", &unquoted.chain(MINIMAL).collect::<Vec<_>>());
    assert_eq!(config.warnings, Vec::<String>::new());
    assert_eq!(
        config.authentik.exclude_groups,
        ["authentik-admins", "akadmins"]
    );
}
