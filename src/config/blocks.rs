//! The two blocks that are ours, and which keys they know.

use serde_json::{Map, Value};

use super::error::ConfigError;
use super::origin::Origin;
use super::scalar::found;

/// Backstage's own block.
pub(super) const AUTHENTIK: &str = "catalog.providers.authentik";
/// The block of this service.
pub(super) const SERVICE: &str = "entityProvider";

const AUTHENTIK_KEYS: [&str; 5] = ["baseUrl", "token", "excludeGroups", "includeServiceAccounts", "schedule"];
const SCHEDULE_KEYS: [&str; 4] = ["frequency", "timeout", "initialDelay", "scope"];
const SERVICE_KEYS: [&str; 8] = [
    "listen",
    "publicUrl",
    "names",
    "concurrency",
    "requestTimeout",
    "pageSize",
    "drainDelay",
    "drainTimeout",
];

/// A mapping somewhere in the configuration, without its nulls; it may hold the token, so no `Debug`.
pub(super) struct Block {
    /// Where it stands.
    pub(super) key: &'static str,
    /// What it holds.
    pub(super) values: Map<String, Value>,
}

/// Picks Backstage's block; keys that nobody reads are dropped with a warning.
pub(super) fn authentik(
    document: &Value,
    origin: &Origin,
    warnings: &mut Vec<String>,
) -> Result<Block, ConfigError> {
    let mut block = pick(document, AUTHENTIK, origin)?;
    refuse_misplaced(&block, &SERVICE_KEYS, SERVICE, origin)?;
    drop_unknown(&mut block.values, AUTHENTIK, &AUTHENTIK_KEYS, origin, warnings);
    if let Some(Value::Object(schedule)) = block.values.get_mut("schedule") {
        let key = format!("{AUTHENTIK}.schedule");
        drop_unknown(schedule, &key, &SCHEDULE_KEYS, origin, warnings);
    }
    Ok(block)
}

/// Picks this service's block; an unknown key is an error.
pub(super) fn service(document: &Value, origin: &Origin) -> Result<Block, ConfigError> {
    let block = pick(document, SERVICE, origin)?;
    refuse_misplaced(&block, &AUTHENTIK_KEYS, AUTHENTIK, origin)?;
    match block.values.keys().find(|key| !is_known(key, &SERVICE_KEYS)) {
        Some(key) => Err(ConfigError::UnknownKey {
            place: origin.place(&format!("{SERVICE}.{key}")),
            known: listed(&SERVICE_KEYS),
        }),
        None => Ok(block),
    }
}

/// Walks down to a block; an absent one is empty.
fn pick(document: &Value, key: &'static str, origin: &Origin) -> Result<Block, ConfigError> {
    let mut value = document;
    let mut walked = 0;
    for part in key.split('.') {
        value = mapping(value, &key[..walked], origin)?.and_then(|map| map.get(part)).unwrap_or(&Value::Null);
        walked += part.len() + usize::from(walked > 0);
    }
    let values = mapping(value, key, origin)?.map(without_nulls).unwrap_or_default();
    Ok(Block { key, values })
}

/// A value as a mapping; null is none, and anything else is an error.
fn mapping<'a>(
    value: &'a Value,
    key: &str,
    origin: &Origin,
) -> Result<Option<&'a Map<String, Value>>, ConfigError> {
    let key = if key.is_empty() { "the top level" } else { key };
    match value {
        Value::Null => Ok(None),
        Value::Object(map) => Ok(Some(map)),
        other => {
            Err(origin.invalid(key, format!("expected a mapping of keys to values, found {}", kind(other))))
        }
    }
}

/// What a misplaced value is, without repeating it: it may be anything, even a token.
fn kind(value: &Value) -> String {
    if value.is_string() { "a string".to_owned() } else { found(value) }
}

/// A copy without nulls: a key without a value counts as absent.
fn without_nulls(map: &Map<String, Value>) -> Map<String, Value> {
    let set = map.iter().filter(|(_, value)| !value.is_null());
    set.map(|(key, value)| match value {
        Value::Object(inner) => (key.clone(), Value::Object(without_nulls(inner))),
        other => (key.clone(), other.clone()),
    })
    .collect()
}

fn refuse_misplaced(
    block: &Block,
    foreign: &[&str],
    owner: &'static str,
    origin: &Origin,
) -> Result<(), ConfigError> {
    let Some(key) = block.values.keys().find(|key| foreign.contains(&key.as_str())) else { return Ok(()) };
    let place = origin.place(&format!("{}.{key}", block.key));
    Err(ConfigError::Misplaced { place, key: key.clone(), owner })
}

fn drop_unknown(
    values: &mut Map<String, Value>,
    parent: &str,
    known: &[&str],
    origin: &Origin,
    warnings: &mut Vec<String>,
) {
    values.retain(|key, _| {
        let keep = is_known(key, known);
        if !keep {
            let place = origin.place(&format!("{parent}.{key}"));
            warnings.push(format!("{place}: unknown key, ignored; expected one of {}", listed(known)));
        }
        keep
    });
}

/// Whether a key is read; Backstage's directives (`$file`) are kept, to be refused with a remedy.
fn is_known(key: &str, known: &[&str]) -> bool {
    known.contains(&key) || key.starts_with('$')
}

fn listed(keys: &[&str]) -> String {
    keys.iter().map(|key| format!("`{key}`")).collect::<Vec<_>>().join(", ")
}
