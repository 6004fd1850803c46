//! Compares two sets of entities, given as JSON from any source.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

/// Entities by ref, such as `user:default/alice`.
pub type ByRef = BTreeMap<String, Value>;

/// The differences between two sets of entities; every list is sorted by ref.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct EntityDiff {
    /// Refs that only the new set has.
    pub added: Vec<String>,
    /// Entities that both sets have and that differ.
    pub changed: Vec<ChangedEntity>,
    /// Refs that only the old set has.
    pub removed: Vec<String>,
}

/// An entity that differs.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct ChangedEntity {
    /// The entity's ref.
    #[serde(rename = "ref")]
    pub entity_ref: String,
    /// The paths of the fields that differ; a list counts as one field.
    pub paths: Vec<String>,
}

impl EntityDiff {
    /// Compares entities by ref.
    #[must_use]
    pub fn between(old: &ByRef, new: &ByRef) -> Self {
        let only = |one: &ByRef, other: &ByRef| {
            one.keys()
                .filter(|entity_ref| !other.contains_key(*entity_ref))
                .cloned()
                .collect()
        };
        let both = old
            .iter()
            .filter_map(|(entity_ref, old)| Some((entity_ref, old, new.get(entity_ref)?)));
        let changed = both
            .filter(|(_, old, new)| old != new)
            .map(|(entity_ref, old, new)| {
                let mut paths = Vec::new();
                differing(Some(old), Some(new), String::new(), &mut paths);
                ChangedEntity {
                    entity_ref: entity_ref.clone(),
                    paths,
                }
            });
        Self {
            added: only(new, old),
            changed: changed.collect(),
            removed: only(old, new),
        }
    }

    /// Whether both sets are equal.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.added.is_empty() && self.changed.is_empty() && self.removed.is_empty()
    }
}

/// The ref of an entity, if it has a kind and a name.
#[must_use]
pub fn entity_ref(entity: &Value) -> Option<String> {
    let kind = entity.get("kind")?.as_str()?.to_lowercase();
    let metadata = entity.get("metadata")?;
    let namespace = metadata
        .get("namespace")
        .and_then(Value::as_str)
        .unwrap_or("default");
    Some(format!(
        "{kind}:{namespace}/{}",
        metadata.get("name")?.as_str()?
    ))
}

/// Collects the paths at which two values differ.
fn differing(old: Option<&Value>, new: Option<&Value>, path: String, paths: &mut Vec<String>) {
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let keys: BTreeSet<_> = old.keys().chain(new.keys()).collect();
            for key in keys {
                differing(old.get(key), new.get(key), below(&path, key), paths);
            }
        }
        _ if old == new => {}
        _ => paths.push(path),
    }
}

/// The path of a key below `path`; a key outside `[A-Za-z0-9_-]+` is written in brackets.
fn below(path: &str, key: &str) -> String {
    let plain = !key.is_empty()
        && key
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    match (path, plain) {
        (_, false) => format!("{path}[{key:?}]"),
        ("", true) => key.to_owned(),
        (_, true) => format!("{path}.{key}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn by_ref(entities: &[Value]) -> ByRef {
        entities
            .iter()
            .map(|entity| (entity_ref(entity).unwrap(), entity.clone()))
            .collect()
    }

    fn user(name: &str, spec: &Value) -> Value {
        json!({"kind": "User", "metadata": {"name": name, "annotations": {"a.b/pk": "1"}}, "spec": spec})
    }

    #[test]
    fn added_removed_and_changed_entities_are_listed_by_ref() {
        let old = by_ref(&[user("a", &json!({"memberOf": []})), user("b", &json!({}))]);
        let new = by_ref(&[
            user("a", &json!({"memberOf": ["x"]})),
            user("c", &json!({})),
        ]);
        let diff = EntityDiff::between(&old, &new);
        assert_eq!(
            (diff.added, diff.removed),
            (
                vec!["user:default/c".to_owned()],
                vec!["user:default/b".to_owned()]
            )
        );
        let expected = ChangedEntity {
            entity_ref: "user:default/a".to_owned(),
            paths: vec!["spec.memberOf".to_owned()],
        };
        assert_eq!(diff.changed, [expected]);
        assert!(EntityDiff::between(&old, &old).is_empty());
    }

    #[test]
    fn a_path_leads_to_the_deepest_field_and_brackets_a_key_with_dots() {
        let mut changed = user("a", &json!({"profile": {"email": "new"}, "parent": null}));
        changed["metadata"]["annotations"]["a.b/pk"] = "2".into();
        let old = by_ref(&[user("a", &json!({"profile": {"email": "old"}}))]);
        let paths = &EntityDiff::between(&old, &by_ref(&[changed])).changed[0].paths;
        assert_eq!(
            paths,
            &[
                "metadata.annotations[\"a.b/pk\"]",
                "spec.parent",
                "spec.profile.email"
            ]
        );
    }

    #[test]
    fn a_namespace_is_part_of_the_ref() {
        let entity = json!({"kind": "Group", "metadata": {"name": "a", "namespace": "n"}});
        assert_eq!(entity_ref(&entity).as_deref(), Some("group:n/a"));
        assert_eq!(entity_ref(&json!({"kind": "Group"})), None);
    }
}
