//! A file and a variable of any content: the configuration loads or is rejected, and no message
//! contains the token.
#![no_main]

use std::collections::BTreeMap;

use authentik_entity_provider::config::Config;
use libfuzzer_sys::fuzz_target;

const TOKEN: &str = "s3cret0123456789";

fuzz_target!(|input: &str| {
    // The text after the first NUL is the value of the variables.
    let (file, variable) = input.split_once('\0').unwrap_or((input, input));
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("app-config.yaml");
    std::fs::write(&path, file).expect("a file");
    let variables = BTreeMap::from([
        ("AUTHENTIK_BASE_URL".to_owned(), "https://authentik.example.com".to_owned()),
        ("AUTHENTIK_TOKEN".to_owned(), TOKEN.to_owned()),
        ("A".to_owned(), variable.to_owned()),
        ("APP_CONFIG_entityProvider".to_owned(), variable.to_owned()),
    ]);
    let output = match Config::load(&[path], &variables) {
        Ok(config) => format!("{config:?} {:?}", config.warnings),
        Err(error) => format!("{error} {error:?}"),
    };
    assert!(!output.contains(TOKEN) || file.contains(TOKEN) || variable.contains(TOKEN), "{output}");
});
