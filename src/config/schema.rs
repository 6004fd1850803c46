//! The JSON Schema of both blocks, for editors.

use serde_json::{Map, Value, json};

use super::auth::{LONGEST, SHORTEST};
use super::duration::UNITS;
use super::file;
use super::key_filter::KeyFilter;
use super::keys::{self, BLOCKS, Key, SERVICE, Unset, ValueKind};

/// The pattern of a duration: a number and a unit, or ISO 8601.
const DURATION: &str = r"^\s*(-?[0-9]*\.?[0-9]+ *[A-Za-z]+|P[-0-9,.YMWDTHS]+)\s*$";

/// The pattern of a bearer token (RFC 6750, section 2.1).
const TOKEN: &str = r"^[-A-Za-z0-9._~+/]+=*$";

/// Returns the schema in draft 7, which every YAML language server supports.
#[must_use]
pub fn json_schema() -> Value {
    let properties: Map<String, Value> = BLOCKS.into_iter().map(top).collect();
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "The blocks of an app-config.yaml that authentik-entity-provider reads",
        "definitions": definitions(),
        "type": "object",
        "properties": properties,
    })
}

/// Returns the top-level key of a block, and the schema below it.
fn top(block: &str) -> (String, Value) {
    let (first, below) = block.split_once('.').unwrap_or((block, ""));
    let names = below.rsplit('.').filter(|name| !name.is_empty());
    let schema = names.fold(
        or_reference(section(block)),
        |below, name| json!({ "properties": { name: below } }),
    );
    (first.to_owned(), schema)
}

/// Returns the schema of a block or section.
///
/// Unknown keys are rejected only in our block: Backstage's plugins may have more keys.
fn section(path: &str) -> Value {
    let properties: Map<String, Value> = keys::children(path)
        .into_iter()
        .map(|name| (name.to_owned(), property(&format!("{path}.{name}"))))
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": !path.starts_with(SERVICE) })
}

fn property(path: &str) -> Value {
    let Some(key) = keys::key(path) else {
        return or_reference(section(path));
    };
    let mut property = or_reference(shape(&key.kind));
    property["description"] = format!("{}\nVariable: {}", key.meaning, key.variable).into();
    if let Some(default) = default(key) {
        property["default"] = default;
    }
    property
}

/// Returns the schema of a value of a kind.
fn shape(kind: &ValueKind) -> Value {
    match kind {
        ValueKind::Url => json!({ "type": "string", "pattern": "^\\s*[Hh][Tt][Tt][Pp][Ss]?://" }),
        ValueKind::Secret | ValueKind::File | ValueKind::Text => {
            json!({ "type": "string", "minLength": 1 })
        }
        ValueKind::Address => json!({ "type": "string", "pattern": ":[0-9]+\\s*$" }),
        ValueKind::Secrets => {
            let token = json!({ "type": "string", "minLength": SHORTEST, "maxLength": LONGEST, "pattern": TOKEN });
            json!({ "type": "array", "items": or_reference(token) })
        }
        ValueKind::Fields => fields(),
        ValueKind::FieldMap => {
            json!({ "type": "object", "additionalProperties": or_reference(fields()) })
        }
        ValueKind::TextMap => {
            let text = or_reference(json!({ "type": "string", "minLength": 1 }));
            json!({ "type": "object", "additionalProperties": text })
        }
        ValueKind::ValueMap => {
            json!({ "type": "object", "additionalProperties": or_reference(values()) })
        }
        ValueKind::Texts => {
            json!({ "type": "array", "items": or_reference(json!({ "type": "string", "minLength": 1 })) })
        }
        ValueKind::Prefix(most) => json!({
            "type": "string", "pattern": "^\\s*[A-Za-z0-9][-A-Za-z0-9_.]*\\s*$", "minLength": 1, "maxLength": most,
        }),
        ValueKind::Switch => json!({ "type": "boolean" }),
        ValueKind::Integer(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        ValueKind::Choice(words) => json!({ "enum": words }),
        ValueKind::Folder => {
            json!({ "anyOf": [{ "const": false }, { "type": "string", "pattern": "^(/|false$)" }] })
        }
        ValueKind::Duration => json!({ "$ref": "#/definitions/duration" }),
        ValueKind::Frequency => json!({ "$ref": "#/definitions/frequency" }),
    }
}

/// Returns the schema of a field, or a list of fields.
fn fields() -> Value {
    let field = json!({ "type": "string", "minLength": 1 });
    json!({ "anyOf": [field, { "type": "array", "items": or_reference(field.clone()) }] })
}

/// Returns the schema of a value, or a list of values.
fn values() -> Value {
    let value = json!({ "type": ["string", "number", "boolean"] });
    json!({ "anyOf": [value, { "type": "array", "items": or_reference(value.clone()) }] })
}

/// Adds references, such as `${VARIABLE}`, to a schema.
fn or_reference(shape: Value) -> Value {
    let reference = json!({ "$ref": "#/definitions/reference" });
    Map::from_iter([("anyOf".to_owned(), Value::Array(vec![shape, reference]))]).into()
}

fn definitions() -> Value {
    json!({ "reference": references(), "duration": duration(), "frequency": frequency() })
}

/// Returns the schema of references, which may replace any value.
fn references() -> Value {
    let variable = json!({ "type": "string", "description": "The value of this variable" });
    let file = json!({ "type": "string", "description": "The text of this file" });
    let include = json!({
        "type": "string",
        "pattern": "\\.(yaml|yml|json)(#.*)?$|\\$\\{",
        "description": "A value in another file, such as other.yaml#a.b",
    });
    json!({
        "description": "Null, a text with ${VARIABLE}, or an inclusion",
        "anyOf": [
            { "type": "null" },
            { "type": "string", "pattern": "\\$\\{[^{}]*\\}" },
            only_key("$env", variable),
            only_key("$file", file),
            only_key("$include", include),
        ],
    })
}

fn duration() -> Value {
    let amount = || or_reference(json!({ "type": "number" }));
    let units: Map<String, Value> = UNITS
        .iter()
        .map(|(unit, _)| ((*unit).to_owned(), amount()))
        .collect();
    json!({
        "description": "Such as 30m, 2 seconds, PT30M or {minutes: 30}",
        "anyOf": [
            { "type": "string", "pattern": DURATION },
            { "type": "object", "properties": units, "additionalProperties": false, "minProperties": 1 },
        ],
    })
}

fn frequency() -> Value {
    json!({
        "description": "A duration, {cron: '0 */2 * * *'} or {trigger: manual}",
        "anyOf": [
            { "$ref": "#/definitions/duration" },
            only_key("cron", or_reference(json!({ "type": "string" }))),
            only_key("trigger", or_reference(json!({ "const": "manual" }))),
        ],
    })
}

/// Returns the schema of a mapping with exactly one key.
fn only_key(name: &str, value: Value) -> Value {
    let properties = Map::from_iter([(name.to_owned(), value)]);
    json!({ "type": "object", "properties": properties, "required": [name], "additionalProperties": false })
}

/// Returns the default of a key.
fn default(key: &Key) -> Option<Value> {
    match key.unset {
        Unset::Default(text) => file::yaml(text, KeyFilter::all()).ok(),
        Unset::Required | Unset::Absent => None,
    }
}
