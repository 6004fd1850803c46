//! The JSON Schema of our two blocks, for editors that complete an `app-config.yaml`.

use serde_json::{Map, Value, json};

use super::auth::{LONGEST, SHORTEST};
use super::duration::UNITS;
use super::file;
use super::keys::{self, BLOCKS, Key, Kind, SERVICE, Unset};
use super::wanted::Wanted;

/// A text with a number and a unit, or in ISO 8601.
const DURATION: &str = r"^\s*(-?[0-9]*\.?[0-9]+ *[A-Za-z]+|P[-0-9,.YMWDTHS]+)\s*$";

/// A bearer token (RFC 6750, section 2.1).
const TOKEN: &str = r"^[-A-Za-z0-9._~+/]+=*$";

/// The schema; draft 7, which every YAML language server knows.
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

/// The key at the top level that holds a block, and the schema below it.
fn top(block: &str) -> (String, Value) {
    let (first, rest) = block.split_once('.').unwrap_or((block, ""));
    let names = rest.rsplit('.').filter(|name| !name.is_empty());
    let schema = names.fold(
        elsewhere(section(block)),
        |below, name| json!({ "properties": { name: below } }),
    );
    (first.to_owned(), schema)
}

/// The schema of a block or of a section in it.
///
/// Other keys are refused in our block alone: Backstage's plugins may know more.
fn section(path: &str) -> Value {
    let properties: Map<String, Value> = keys::children(path)
        .into_iter()
        .map(|name| (name.to_owned(), property(&format!("{path}.{name}"))))
        .collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": !path.starts_with(SERVICE) })
}

fn property(path: &str) -> Value {
    let Some(key) = keys::key(path) else {
        return elsewhere(section(path));
    };
    let mut property = elsewhere(shape(&key.kind));
    property["description"] = format!("{}\nVariable: {}", key.meaning, key.variable).into();
    if let Some(default) = default(key) {
        property["default"] = default;
    }
    property
}

/// What a key takes when it is written out.
fn shape(kind: &Kind) -> Value {
    match kind {
        Kind::Url => json!({ "type": "string", "pattern": "^\\s*[Hh][Tt][Tt][Pp][Ss]?://" }),
        Kind::Secret | Kind::File | Kind::Text => json!({ "type": "string", "minLength": 1 }),
        Kind::Address => json!({ "type": "string", "pattern": ":[0-9]+\\s*$" }),
        Kind::Secrets => {
            let token = json!({ "type": "string", "minLength": SHORTEST, "maxLength": LONGEST, "pattern": TOKEN });
            json!({ "type": "array", "items": elsewhere(token) })
        }
        Kind::Fields => fields(),
        Kind::FieldMap => json!({ "type": "object", "additionalProperties": elsewhere(fields()) }),
        Kind::TextMap => {
            let text = elsewhere(json!({ "type": "string", "minLength": 1 }));
            json!({ "type": "object", "additionalProperties": text })
        }
        Kind::ValueMap => json!({ "type": "object", "additionalProperties": elsewhere(values()) }),
        Kind::Texts => {
            json!({ "type": "array", "items": elsewhere(json!({ "type": "string", "minLength": 1 })) })
        }
        Kind::Prefix(most) => json!({
            "type": "string", "pattern": "^\\s*[A-Za-z0-9][-A-Za-z0-9_.]*\\s*$", "minLength": 1, "maxLength": most,
        }),
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Integer(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Folder => {
            json!({ "anyOf": [{ "const": false }, { "type": "string", "pattern": "^(/|false$)" }] })
        }
        Kind::Duration => json!({ "$ref": "#/definitions/duration" }),
        Kind::Frequency => json!({ "$ref": "#/definitions/frequency" }),
    }
}

/// The name of a field, or a list of them.
fn fields() -> Value {
    let field = json!({ "type": "string", "minLength": 1 });
    json!({ "anyOf": [field, { "type": "array", "items": elsewhere(field.clone()) }] })
}

/// A value, or a list of them.
fn values() -> Value {
    let value = json!({ "type": ["string", "number", "boolean"] });
    json!({ "anyOf": [value, { "type": "array", "items": elsewhere(value.clone()) }] })
}

/// A shape, or something that stands for a value from elsewhere.
fn elsewhere(shape: Value) -> Value {
    let reference = json!({ "$ref": "#/definitions/elsewhere" });
    Map::from_iter([("anyOf".to_owned(), Value::Array(vec![shape, reference]))]).into()
}

fn definitions() -> Value {
    json!({ "elsewhere": references(), "duration": duration(), "frequency": frequency() })
}

/// What may stand in place of any value.
fn references() -> Value {
    let variable = json!({ "type": "string", "description": "The value of this variable" });
    let file = json!({ "type": "string", "description": "The text of this file" });
    let include = json!({
        "type": "string",
        "pattern": "\\.(yaml|yml|json)(#.*)?$|\\$\\{",
        "description": "A value in another file, such as other.yaml#a.b",
    });
    json!({
        "description": "Nothing, a text with ${VARIABLE}, or an inclusion",
        "anyOf": [
            { "type": "null" },
            { "type": "string", "pattern": "\\$\\{[^{}]*\\}" },
            alone("$env", variable),
            alone("$file", file),
            alone("$include", include),
        ],
    })
}

fn duration() -> Value {
    let amount = || elsewhere(json!({ "type": "number" }));
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
            alone("cron", elsewhere(json!({ "type": "string" }))),
            alone("trigger", elsewhere(json!({ "const": "manual" }))),
        ],
    })
}

/// A mapping with one key and no other.
fn alone(name: &str, value: Value) -> Value {
    let properties = Map::from_iter([(name.to_owned(), value)]);
    json!({ "type": "object", "properties": properties, "required": [name], "additionalProperties": false })
}

/// A key's default as a value.
fn default(key: &Key) -> Option<Value> {
    match key.unset {
        Unset::Default(text) => file::yaml(text, Wanted::all()).ok(),
        Unset::Required | Unset::Absent => None,
    }
}
