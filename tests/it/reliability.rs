//! The tests named in the reliability page exist.

use std::fs;
use std::path::{Path, PathBuf};

const PAGE: &str = include_str!("../../docs/reliability.md");

/// Returns the tests that the table names.
fn named() -> Vec<&'static str> {
    let rows = PAGE
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("::"));
    rows.map(|row| {
        row.rsplit('`')
            .nth(1)
            .unwrap_or_else(|| panic!("no test in {row}"))
    })
    .collect()
}

/// Returns a test's file and name.
fn place(test: &str) -> (PathBuf, &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (module, name) = test.rsplit_once("::").unwrap();
    let file = if module.starts_with("src/") || module.starts_with("tests/") {
        root.join(module)
    } else {
        root.join("tests/it")
            .join(module.replace("::", "/"))
            .with_extension("rs")
    };
    (file, name)
}

#[test]
fn every_promise_names_a_test_that_exists() {
    let named = named();
    assert!(named.len() >= 25, "only {} tests were found", named.len());
    for test in named {
        let (file, name) = place(test);
        let source =
            fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let before = source.split(&format!("fn {name}(")).next().unwrap();
        assert!(before.len() < source.len(), "{test} does not exist");
        let attributes = before.lines().rev().take(2).collect::<String>();
        assert!(
            attributes.contains("test]") || attributes.contains("test("),
            "{test} is no test"
        );
    }
}
