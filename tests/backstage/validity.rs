//! Whatever the configuration and the rows, Backstage accepts each entity, and no reference dangles.
//!
//! Backstage's parser, policies and schemas check the entities in one Node process.

use std::collections::BTreeSet;
use std::process::Command;

use authentik_entity_provider::catalog::entity::Kind;
use serde_json::Value;

use crate::support::backend;
use crate::support::catalog::entity_ref;
use crate::support::random::{Sample, samples};

/// Number of random directories, unless `SAMPLES` is set.
const SAMPLES: usize = 300;

#[test]
fn backstage_accepts_every_entity_of_any_directory_and_configuration() {
    let count = std::env::var("SAMPLES").map_or(SAMPLES, |count| count.parse().unwrap());
    let samples = samples(count);
    let mut fields = BTreeSet::new();
    for (sample, results) in samples.iter().zip(check(&samples)) {
        assert_eq!(
            results.len(),
            sample.entities.len(),
            "{}",
            describe(sample, &Value::Null)
        );
        let refs: BTreeSet<_> = sample.entities.iter().map(entity_ref).collect();
        assert_eq!(
            refs.len(),
            results.len(),
            "a ref came twice: {}",
            describe(sample, &Value::Null)
        );
        for (entity, result) in sample.entities.iter().zip(&results) {
            assert_eq!(
                result["entity"],
                *entity,
                "Backstage reads another entity: {}",
                describe(sample, entity)
            );
            assert_eq!(result["ref"], entity_ref(entity));
            if is_refused(sample, entity) {
                let error = result["error"].as_str().unwrap_or_default();
                assert!(
                    error.contains("\"metadata.name\" is not valid"),
                    "{result:#}"
                );
                continue;
            }
            assert!(
                result["error"].is_null(),
                "{:#}: {}",
                result["error"],
                describe(sample, entity)
            );
            assert_no_reference_dangles(sample, entity, result, &refs);
            collect_fields("", entity, &mut fields);
        }
    }
    assert_no_field_is_untried(&fields);
}

/// Returns Backstage's results for the entities of each body.
fn check(samples: &[Sample]) -> Vec<Vec<Value>> {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    for sample in samples {
        serde_json::to_writer(&mut file, &sample.body).unwrap();
        std::io::Write::write_all(&mut file, b"\n").unwrap();
    }
    let output = Command::new("node")
        .arg("validity.js")
        .arg(file.path())
        .current_dir(backend())
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let lines = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    let results: Vec<_> = lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!(results.len(), samples.len());
    results
}

/// Returns true if a finding says that Backstage refuses the name of this entity.
fn is_refused(sample: &Sample, entity: &Value) -> bool {
    let kind = if entity["kind"] == "User" {
        Kind::User
    } else {
        Kind::Group
    };
    let name = entity["metadata"]["name"].as_str().unwrap();
    sample
        .refused
        .iter()
        .any(|(of_kind, refused)| *of_kind == kind && refused == name)
}

/// Checks the names in the entity, and the refs that Backstage derives from them.
fn assert_no_reference_dangles(
    sample: &Sample,
    entity: &Value,
    result: &Value,
    refs: &BTreeSet<String>,
) {
    let names = |key: &str, kind: &str| {
        let names: Vec<_> = match &entity["spec"][key] {
            Value::String(name) => vec![name.as_str()],
            names => names
                .as_array()
                .into_iter()
                .flatten()
                .map(|name| name.as_str().unwrap())
                .collect(),
        };
        let of_kind = sample
            .entities
            .iter()
            .filter(|entity| entity["kind"] == kind);
        let known: BTreeSet<_> = of_kind
            .map(|entity| entity["metadata"]["name"].as_str().unwrap())
            .collect();
        assert!(
            names.iter().all(|name| known.contains(name)),
            "{key}: {}",
            describe(sample, entity)
        );
    };
    names("memberOf", "Group");
    names("members", "User");
    names("parent", "Group");
    names("children", "Group");
    let mut related = result["relations"].as_array().unwrap().iter();
    assert!(
        related.all(|end| refs.contains(end.as_str().unwrap())),
        "{:#}: {}",
        result["relations"],
        describe(sample, entity)
    );
}

/// Collects the paths of all fields, and `*` for the keys of annotations and labels.
fn collect_fields(path: &str, value: &Value, fields: &mut BTreeSet<String>) {
    let Value::Object(map) = value else {
        fields.insert(path.to_owned());
        return;
    };
    for (key, value) in map {
        let key = if matches!(path, ".metadata.annotations" | ".metadata.labels") {
            "*"
        } else {
            key
        };
        collect_fields(&format!("{path}.{key}"), value, fields);
    }
}

fn assert_no_field_is_untried(fields: &BTreeSet<String>) {
    let expected = [
        "apiVersion",
        "kind",
        "metadata.annotations.*",
        "metadata.description",
        "metadata.labels.*",
        "metadata.name",
        "metadata.namespace",
        "spec.children",
        "spec.memberOf",
        "spec.members",
        "spec.parent",
        "spec.profile.displayName",
        "spec.profile.email",
        "spec.profile.picture",
        "spec.type",
    ];
    assert_eq!(*fields, expected.map(|field| format!(".{field}")).into());
}

fn describe(sample: &Sample, entity: &Value) -> String {
    format!("{entity:#}\nmade by {:#}", sample.configuration)
}
