//! The settings of the keys that shape entities: fields, patterns, and mappings of them.

use std::collections::BTreeMap;
use std::str::FromStr;

use serde_json::Value;

use super::keys::ValueKind;
use super::scalar;
use super::setting::{InvalidValue, Setting};
use crate::catalog::entity;
use crate::catalog::shape::{
    AnnotationKey, LabelKey, LabelValue, NamePrefix, Namespace, Pattern, Source, Sources,
};

/// Returns the setting of a namespace.
pub(super) fn namespace() -> Setting<Namespace> {
    Setting::new(ValueKind::Text, |value| {
        scalar::text(value)?.parse().map_err(InvalidValue::new)
    })
}

/// Returns the setting of a field, or a list of fields.
pub(super) fn sources(kind: entity::Kind) -> Setting<Sources> {
    Setting::new(ValueKind::Fields, move |value| read_sources(kind, value))
}

/// Returns the setting of a field for names, or a list of at least one field.
pub(super) fn name_sources(kind: entity::Kind) -> Setting<Sources> {
    Setting::new(ValueKind::Fields, move |value| {
        let sources = read_sources(kind, value)?;
        if sources.is_empty() {
            return Err(InvalidValue::new("expected at least one field, found none"));
        }
        Ok(sources)
    })
}

/// Returns the setting of a prefix of names.
pub(super) fn name_prefix() -> Setting<NamePrefix> {
    Setting::new(ValueKind::Text, |value| {
        let text = scalar::text(value)?;
        text.trim().parse().map_err(InvalidValue::new)
    })
}

/// Returns the setting of patterns of names.
pub(super) fn patterns() -> Setting<Vec<Pattern>> {
    Setting::new(ValueKind::Texts, |value| {
        Ok(one_or_more(value)?
            .iter()
            .map(|text| Pattern::from(text.trim()))
            .collect())
    })
}

/// Returns the setting of account types.
pub(super) fn types() -> Setting<Vec<Box<str>>> {
    Setting::new(ValueKind::Texts, |value| {
        Ok(one_or_more(value)?
            .iter()
            .map(|text| text.trim().into())
            .collect())
    })
}

/// Returns the setting of a user path in Authentik.
pub(super) fn path() -> Setting<Box<str>> {
    Setting::new(ValueKind::Text, |value| {
        let text = scalar::text(value)?;
        let path = text.trim().trim_matches('/');
        if path.is_empty() {
            return Err(InvalidValue::new("expected a path such as `users/staff`"));
        }
        Ok(path.into())
    })
}

/// Returns the setting of a group type.
pub(super) fn type_name() -> Setting<Box<str>> {
    Setting::new(ValueKind::Text, |value| {
        Ok(scalar::text(value)?.trim().into())
    })
}

/// Returns the setting of accepted values by the name of an attribute.
pub(super) fn values(kind: entity::Kind) -> Setting<BTreeMap<Source, Vec<Box<str>>>> {
    Setting::new(ValueKind::ValueMap, move |value| {
        mapping(value, |key, value| {
            let source =
                Source::parse(kind, &format!("attributes.{key}")).map_err(InvalidValue::new)?;
            let values = match value {
                Value::Array(items) => items.iter().map(scalar_text).collect::<Result<_, _>>()?,
                one => vec![scalar_text(one)?],
            };
            Ok((source, values))
        })
    })
}

/// Returns the setting of fields for annotations, by key.
pub(super) fn annotation_sources(kind: entity::Kind) -> Setting<BTreeMap<AnnotationKey, Sources>> {
    keyed(ValueKind::FieldMap, move |value| read_sources(kind, value))
}

/// Returns the setting of fields for labels, by key.
pub(super) fn label_sources(kind: entity::Kind) -> Setting<BTreeMap<LabelKey, Sources>> {
    keyed(ValueKind::FieldMap, move |value| read_sources(kind, value))
}

/// Returns the setting of fixed annotations.
pub(super) fn annotation_texts() -> Setting<BTreeMap<AnnotationKey, Box<str>>> {
    keyed(ValueKind::TextMap, |value| Ok(scalar::text(value)?.into()))
}

/// Returns the setting of fixed labels.
pub(super) fn label_texts() -> Setting<BTreeMap<LabelKey, LabelValue>> {
    keyed(ValueKind::TextMap, |value| {
        scalar::text(value)?.parse().map_err(InvalidValue::new)
    })
}

/// Returns the setting of a mapping with annotations or labels as keys.
fn keyed<K, T>(
    kind: ValueKind,
    read: impl Fn(&Value) -> Result<T, InvalidValue> + 'static,
) -> Setting<BTreeMap<K, T>>
where
    K: FromStr<Err: std::fmt::Display> + Ord + 'static,
    T: PartialEq + 'static,
{
    Setting::new(kind, move |value| {
        mapping(value, |key, value| {
            let parsed = key.parse().map_err(InvalidValue::new)?;
            Ok((parsed, read(value)?))
        })
    })
}

/// Parses a mapping. An error names the key.
fn mapping<K: Ord, T>(
    value: &Value,
    read: impl Fn(&str, &Value) -> Result<(K, T), InvalidValue>,
) -> Result<BTreeMap<K, T>, InvalidValue> {
    let Value::Object(map) = value else {
        return Err(InvalidValue::new(format!(
            "expected a mapping, found {}",
            scalar::found(value)
        )));
    };
    let entries = map.iter().map(|(key, value)| {
        read(key, value).map_err(|error| InvalidValue {
            part: format!(".{key}{}", error.part),
            ..error
        })
    });
    entries.collect()
}

fn read_sources(kind: entity::Kind, value: &Value) -> Result<Sources, InvalidValue> {
    let texts = one_or_more(value)?;
    let sources = texts.iter().enumerate().map(|(at, text)| {
        Source::parse(kind, text).map_err(|error| match value {
            Value::Array(_) => InvalidValue::of_item(at, error),
            _ => InvalidValue::new(error),
        })
    });
    sources.collect()
}

/// Parses one text or a list of texts.
fn one_or_more(value: &Value) -> Result<Vec<String>, InvalidValue> {
    match value {
        Value::Array(_) => scalar::list(value),
        Value::Object(_) => Err(InvalidValue::new(
            "expected a text or a list of texts, found a mapping",
        )),
        one => Ok(vec![scalar::text(one)?]),
    }
}

/// Returns a text, number or boolean as text.
fn scalar_text(value: &Value) -> Result<Box<str>, InvalidValue> {
    match value {
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string().into()),
        other => Ok(scalar::text(other)?.into()),
    }
}
