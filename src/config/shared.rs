//! The keys that have to be equal at all replicas.

use std::collections::BTreeMap;

use serde_json::Value;

use super::file;
use super::key_filter::KeyFilter;
use super::keys::{KEYS, Key, SERVICE, Unset, ValueKind};
use super::reader::Reader;
use crate::digest::sha256_hex;

/// The keys and sections of our block that may differ between replicas.
const OWN: [&str; 10] = [
    "listen",
    "logFormat",
    "tls",
    "auth",
    "trustedProxies",
    "requestTimeout",
    "caFile",
    "drainDelay",
    "drainTimeout",
    "stateDir",
];
/// Digits of a digest; enough to see that two values differ.
const DIGITS: usize = 16;

/// Returns a digest of the value of each key that has to be equal at all replicas.
pub(super) fn digests(reader: &Reader<'_>) -> BTreeMap<String, String> {
    let shared = KEYS.iter().filter(|key| is_shared(key));
    let digests = shared.filter_map(|key| {
        let value = reader.value(&key.path).ok().flatten().or(default(key))?;
        // Variables are always strings.
        let text = value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned);
        Some((key.path.clone(), sha256_hex(text.as_bytes(), DIGITS)))
    });
    digests.collect()
}

fn is_shared(key: &Key) -> bool {
    let is_secret = matches!(key.kind, ValueKind::Secret | ValueKind::Secrets);
    let below = key.below(SERVICE).unwrap_or_default();
    let section = below.split('.').next().unwrap_or_default();
    !is_secret && !OWN.contains(&section)
}

fn default(key: &Key) -> Option<Value> {
    match key.unset {
        Unset::Default(text) => file::yaml(text, KeyFilter::all()).ok(),
        Unset::Required | Unset::Absent => None,
    }
}
