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
mod errors;
mod fuzz;
mod inclusion;
mod merging;
mod misplaced;
mod pages;
mod shape;
mod substitution;
mod tls;
mod token;
mod values;
mod variable;
mod whole;

const FILE: &str = "app-config.yaml";
const SECRET: &str = "s3cret0123456789s3cret0123456789";
const MINIMAL: [(&str, &str); 2] = [
    ("AUTHENTIK_BASE_URL", "https://authentik.example.com"),
    ("AUTHENTIK_TOKEN", SECRET),
];

fn env(variables: &[(&str, &str)]) -> BTreeMap<String, String> {
    variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

fn load(yaml: &str, variables: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    examined(yaml, variables).into_config()
}

fn examined(yaml: &str, variables: &[(&str, &str)]) -> ParsedConfig {
    let variables = env(variables);
    let node = expand::document(yaml, &Including::first(Path::new(FILE)), &variables);
    ParsedConfig::of(vec![node], FILE, &variables)
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
        let path =
            std::env::temp_dir().join(format!("entity-provider-{}-{name}", std::process::id()));
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
