//! Random directories with random configurations, the same in each run.

mod configuration;
mod rows;
mod values;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use authentik_entity_provider::catalog::entity::Kind;
use authentik_entity_provider::catalog::finding::Code;
use authentik_entity_provider::catalog::plan::{Names, Plan};
use authentik_entity_provider::config::Config;
use authentik_entity_provider::directory::Directory;
use authentik_entity_provider::snapshot::document::Document;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use serde_json::Value;

/// The entities that a random configuration makes of random rows.
pub struct Sample {
    /// The configuration, for messages.
    pub configuration: Value,
    /// The body that Backstage reads.
    pub body: String,
    /// The entities of the body.
    pub entities: Vec<Value>,
    /// The kind and name of each entity that Backstage is said to refuse.
    pub refused: Vec<(Kind, String)>,
}

/// Generates samples.
pub fn samples(count: usize) -> Vec<Sample> {
    let mut runner = TestRunner::deterministic();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("app-config.yaml");
    let strategy = (configuration::configuration(), rows::rows());
    let generated = (0..count).map(|_| strategy.new_tree(&mut runner).unwrap().current());
    generated
        .map(|(configuration, rows)| Sample::of(configuration, &rows, &file))
        .collect()
}

impl Sample {
    fn of(configuration: Value, rows: &rows::Rows, file: &Path) -> Self {
        std::fs::write(file, yaml(&configuration)).unwrap();
        let loaded = Config::load(&[file.to_owned()], &BTreeMap::new());
        let loaded = loaded.unwrap_or_else(|errors| panic!("{errors}: {configuration:#}"));
        let policy = loaded.policy();
        let selection = Arc::new(policy.shape.selection());
        let (users, groups) = rows.read(&selection);
        let directory = Directory::new(users, groups).with_selection(selection);
        let plan = Plan::new(&directory, &policy, &Names::default());
        let document = Document::render(&plan, None);
        let refused = plan
            .findings()
            .iter()
            .filter(|finding| finding.code == Code::NameRefused);
        Self {
            body: String::from_utf8(document.bytes().to_vec()).unwrap(),
            entities: document
                .entities(None)
                .map(|(_, json)| serde_json::from_slice(json).unwrap())
                .collect(),
            refused: refused
                .filter_map(|finding| Some((finding.kind?, finding.name.clone()?)))
                .collect(),
            configuration,
        }
    }
}

/// Returns JSON in which characters that YAML refuses are escaped.
fn yaml(value: &Value) -> String {
    let is_refused = |c: char| c.is_control() || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}');
    let mut yaml = String::new();
    for c in value.to_string().chars() {
        if is_refused(c) {
            write!(yaml, "\\u{:04x}", u32::from(c)).unwrap();
        } else {
            yaml.push(c);
        }
    }
    yaml
}
