//! The values of the keys that shape entities: fields, patterns, and mappings of them.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value;

use super::keys::Kind;
use super::scalar;
use super::setting::{Refusal, Setting};
use crate::catalog::entity;
use crate::catalog::shape::{
    AnnotationKey, LabelKey, LabelValue, NamePrefix, Namespace, Pattern, Source, Sources,
};

/// Takes a namespace.
pub(super) fn namespace() -> Setting<Namespace> {
    Setting::new(Kind::Text, |value| {
        scalar::text(value)?.parse().map_err(Refusal::new)
    })
}

/// Takes the name of a field, or a list of them.
pub(super) fn sources(kind: entity::Kind) -> Setting<Sources> {
    Setting::new(Kind::Fields, move |value| read_sources(kind, value))
}

/// Takes the name of a field from which names are made, or a list of at least one.
pub(super) fn name_sources(kind: entity::Kind) -> Setting<Sources> {
    Setting::new(Kind::Fields, move |value| {
        let sources = read_sources(kind, value)?;
        if sources.is_empty() {
            return Err(Refusal::new("expected at least one field, found none"));
        }
        Ok(sources)
    })
}

/// Takes what names begin with.
pub(super) fn name_prefix() -> Setting<NamePrefix> {
    Setting::new(Kind::Text, |value| {
        let text = scalar::text(value)?;
        text.trim().parse().map_err(Refusal::new)
    })
}

/// Takes patterns of names.
pub(super) fn patterns() -> Setting<Vec<Pattern>> {
    Setting::new(Kind::Texts, |value| {
        Ok(one_or_more(value)?
            .iter()
            .map(|text| Pattern::from(text.trim()))
            .collect())
    })
}

/// Takes types of accounts.
pub(super) fn types() -> Setting<Vec<Box<str>>> {
    Setting::new(Kind::Texts, |value| {
        Ok(one_or_more(value)?
            .iter()
            .map(|text| text.trim().into())
            .collect())
    })
}

/// Takes a path of users in Authentik.
pub(super) fn path() -> Setting<Box<str>> {
    Setting::new(Kind::Text, |value| {
        let text = scalar::text(value)?;
        let path = text.trim().trim_matches('/');
        if path.is_empty() {
            return Err(Refusal::new("expected a path such as `users/staff`"));
        }
        Ok(path.into())
    })
}

/// Takes the type of a group.
pub(super) fn type_name() -> Setting<Box<str>> {
    Setting::new(Kind::Text, |value| Ok(scalar::text(value)?.trim().into()))
}

/// Takes the values that attributes may have, by the attribute's name.
pub(super) fn values(kind: entity::Kind) -> Setting<BTreeMap<Source, Vec<Box<str>>>> {
    Setting::new(Kind::ValueMap, move |value| {
        mapping(value, |key, value| {
            let source = Source::parse(kind, &format!("attributes.{key}")).map_err(Refusal::new)?;
            let values = match value {
                Value::Array(items) => items.iter().map(scalar_text).collect::<Result<_, _>>()?,
                one => vec![scalar_text(one)?],
            };
            Ok((source, values))
        })
    })
}

/// Takes the fields for annotations, by key.
pub(super) fn annotation_sources(kind: entity::Kind) -> Setting<BTreeMap<AnnotationKey, Sources>> {
    keyed(Kind::FieldMap, move |value| read_sources(kind, value))
}

/// Takes the fields for labels, by key.
pub(super) fn label_sources(kind: entity::Kind) -> Setting<BTreeMap<LabelKey, Sources>> {
    keyed(Kind::FieldMap, move |value| read_sources(kind, value))
}

/// Takes annotations.
pub(super) fn annotation_texts() -> Setting<BTreeMap<AnnotationKey, Box<str>>> {
    keyed(Kind::TextMap, |value| Ok(scalar::text(value)?.into()))
}

/// Takes labels.
pub(super) fn label_texts() -> Setting<BTreeMap<LabelKey, LabelValue>> {
    keyed(Kind::TextMap, |value| {
        scalar::text(value)?.parse().map_err(Refusal::new)
    })
}

/// Takes a mapping whose keys are annotations or labels.
fn keyed<K, T>(
    kind: Kind,
    read: impl Fn(&Value) -> Result<T, Refusal> + 'static,
) -> Setting<BTreeMap<K, T>>
where
    K: FromStr<Err: std::fmt::Display> + Ord + 'static,
    T: PartialEq + 'static,
{
    Setting::new(kind, move |value| {
        mapping(value, |key, value| {
            let parsed = key.parse().map_err(Refusal::new)?;
            Ok((parsed, read(value)?))
        })
    })
}

/// Reads a mapping; an error names the key.
fn mapping<K: Ord, T>(
    value: &Value,
    read: impl Fn(&str, &Value) -> Result<(K, T), Refusal>,
) -> Result<BTreeMap<K, T>, Refusal> {
    let Value::Object(map) = value else {
        return Err(Refusal::new(format!(
            "expected a mapping, found {}",
            scalar::found(value)
        )));
    };
    let entries = map.iter().map(|(key, value)| {
        read(key, value).map_err(|refusal| Refusal {
            part: format!(".{key}{}", refusal.part),
            ..refusal
        })
    });
    entries.collect()
}

fn read_sources(kind: entity::Kind, value: &Value) -> Result<Sources, Refusal> {
    let texts = one_or_more(value)?;
    let sources = texts.iter().enumerate().map(|(at, text)| {
        Source::parse(kind, text).map_err(|error| match value {
            Value::Array(_) => Refusal::of_item(at, error),
            _ => Refusal::new(error),
        })
    });
    sources.collect()
}

/// One text or a list of texts.
fn one_or_more(value: &Value) -> Result<Vec<String>, Refusal> {
    match value {
        Value::Array(_) => scalar::list(value),
        Value::Object(_) => Err(Refusal::new(
            "expected a text or a list of texts, found a mapping",
        )),
        one => Ok(vec![scalar::text(one)?]),
    }
}

/// A text, number or switch as text.
fn scalar_text(value: &Value) -> Result<Box<str>, Refusal> {
    match value {
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string().into()),
        other => Ok(scalar::text(other)?.into()),
    }
}
