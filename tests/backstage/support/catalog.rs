//! A catalog in a normal form, to compare the service's entities with Backstage's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

/// Annotations that Backstage overwrites with the location of an entity.
const WRITTEN_BY_BACKSTAGE: [&str; 3] = [
    "backstage.io/managed-by-location",
    "backstage.io/managed-by-origin-location",
    "backstage.io/view-url",
];

/// Users and groups by their refs, each with its metadata, spec and relations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Catalog(BTreeMap<String, Value>);

impl Catalog {
    /// Converts entities of the service; derives their relations.
    pub fn promised(entities: &[Value]) -> Self {
        let promised: BTreeSet<_> = entities.iter().flat_map(relations_of).collect();
        Self::of(entities, |entity| {
            let entity = entity_ref(entity);
            let of_entity = promised.iter().filter(|(source, ..)| *source == entity);
            of_entity
                .map(|(_, relation, target)| format!("{relation} {target}"))
                .collect()
        })
    }

    /// Converts entities of Backstage's API.
    pub fn held(entities: &[Value]) -> Self {
        Self::of(entities, |entity| {
            let relations = entity["relations"].as_array().into_iter().flatten();
            let text = |relation: &Value, key: &str| relation[key].as_str().unwrap().to_owned();
            relations
                .map(|held| format!("{} {}", text(held, "type"), text(held, "targetRef")))
                .collect()
        })
    }

    fn of(entities: &[Value], relations: impl Fn(&Value) -> BTreeSet<String>) -> Self {
        let seen = entities.iter().map(|entity| {
            let seen = json!({
                "metadata": metadata(entity),
                "spec": entity["spec"],
                "relations": relations(entity),
            });
            (entity_ref(entity), seen)
        });
        Self(seen.collect())
    }

    /// Returns the refs of all entities.
    pub fn refs(&self) -> BTreeSet<String> {
        self.0.keys().cloned().collect()
    }

    /// Returns an entity that must exist.
    pub fn entity(&self, entity_ref: &str) -> &Value {
        self.0
            .get(entity_ref)
            .unwrap_or_else(|| panic!("no {entity_ref} among {:?}", self.0.keys()))
    }

    /// Returns true if any entity has a relation of this type.
    pub fn has_relation(&self, relation: &str) -> bool {
        self.relations().any(|(_, held)| {
            held.split_once(' ')
                .is_some_and(|(kind, _)| kind == relation)
        })
    }

    /// Adds the entities of another catalog.
    pub fn with(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Removes some entities, but not the relations to them.
    pub fn without(mut self, refs: &BTreeSet<String>) -> Self {
        self.0.retain(|entity_ref, _| !refs.contains(entity_ref));
        self
    }

    /// Returns the relations to missing entities.
    pub fn dangling(&self) -> Vec<String> {
        let ends = |relation: &str| self.0.contains_key(relation.split_once(' ').unwrap().1);
        self.relations()
            .filter(|(_, to)| !ends(to))
            .map(|(source, to)| format!("{source} {to}"))
            .collect()
    }

    /// Returns all relations, each as its source and as "type target".
    fn relations(&self) -> impl Iterator<Item = (&String, &str)> {
        self.0.iter().flat_map(|(source, entity)| {
            let relations = entity["relations"].as_array().into_iter().flatten();
            relations.map(move |relation| (source, relation.as_str().unwrap()))
        })
    }

    /// Fails with the first differences if another catalog is not equal.
    pub fn compare(&self, other: &Self) -> Result<(), String> {
        let refs: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        let differ = |entity_ref: &&&String| self.0.get(**entity_ref) != other.0.get(**entity_ref);
        let differences: Vec<_> = refs
            .iter()
            .filter(differ)
            .map(|at| self.difference(other, at))
            .collect();
        if differences.is_empty() {
            Ok(())
        } else {
            Err(format!(
                "{} differ:\n{}",
                differences.len(),
                differences[..differences.len().min(5)].join("\n")
            ))
        }
    }

    fn difference(&self, other: &Self, entity_ref: &str) -> String {
        let side = |catalog: &Self| {
            catalog
                .0
                .get(entity_ref)
                .map_or("missing".into(), Value::to_string)
        };
        format!(
            "{entity_ref}\n  promised {}\n  held     {}",
            side(self),
            side(other)
        )
    }
}

/// Returns the ref of an entity, in the form used in relations.
pub fn entity_ref(entity: &Value) -> String {
    let name = entity["metadata"]["name"].as_str().unwrap();
    format!(
        "{}:{}/{name}",
        entity["kind"].as_str().unwrap(),
        namespace(entity)
    )
    .to_lowercase()
}

/// Returns the namespace of an entity.
fn namespace(entity: &Value) -> &str {
    entity["metadata"]["namespace"]
        .as_str()
        .unwrap_or("default")
}

/// Returns an entity's metadata without Backstage's additions, except the mark of an orphan.
fn metadata(entity: &Value) -> Value {
    let mut metadata = entity["metadata"].as_object().unwrap().clone();
    metadata.retain(|key, value| {
        !matches!(key.as_str(), "uid" | "etag") && (key != "namespace" || value != "default")
    });
    if let Some(annotations) = metadata
        .get_mut("annotations")
        .and_then(Value::as_object_mut)
    {
        annotations.retain(|key, _| !WRITTEN_BY_BACKSTAGE.contains(&key.as_str()));
    }
    Value::Object(metadata)
}

/// Returns the relations that Backstage derives from an entity's spec: source, type and target.
fn relations_of(entity: &Value) -> Vec<(String, &'static str, String)> {
    let (own, spec) = (entity_ref(entity), &entity["spec"]);
    let both_ways = |key: &str, kind: &str, there: &'static str, back: &'static str| {
        let named = if spec[key].is_string() {
            vec![&spec[key]]
        } else {
            spec[key].as_array().into_iter().flatten().collect()
        };
        let refs = named.into_iter().map(|name| {
            format!("{kind}:{}/{}", namespace(entity), name.as_str().unwrap()).to_lowercase()
        });
        refs.flat_map(|other| {
            [
                (own.clone(), there, other.clone()),
                (other, back, own.clone()),
            ]
        })
        .collect::<Vec<_>>()
    };
    [
        both_ways("memberOf", "group", "memberOf", "hasMember"),
        both_ways("members", "user", "hasMember", "memberOf"),
        both_ways("parent", "group", "childOf", "parentOf"),
        both_ways("children", "group", "parentOf", "childOf"),
    ]
    .concat()
}
