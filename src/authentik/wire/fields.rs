//! The additional fields of a row that a configuration names.

use serde_json::{Map, Value};

use crate::directory::{FieldPaths, FieldValue, Fields};

/// The maximum size of a value in bytes: enough for a small image as a `data:` URL.
const LONGEST: usize = 64 << 10;
/// The field with the free attributes of a row.
const ATTRIBUTES: &str = "attributes";

/// Reads the additional fields of a row. A row that is not an object has none of them.
#[must_use]
pub fn read_fields(json: &str, paths: &FieldPaths) -> Fields {
    let row: Map<String, Value> = serde_json::from_str(json).unwrap_or_default();
    paths.iter().map(|path| value(&row, path)).collect()
}

/// The value at a path.
fn value(row: &Map<String, Value>, path: &str) -> FieldValue {
    let (field, attribute) = path.split_once('.').unwrap_or((path, ""));
    match row.get(field) {
        None => FieldValue::NotSent,
        Some(Value::Object(attributes)) if field == ATTRIBUTES => {
            find(attributes, attribute).map_or(FieldValue::Absent, plain)
        }
        Some(value) => plain(value),
    }
}

/// The attribute at a path. A key may have dots itself, so the longest key wins.
fn find<'v>(attributes: &'v Map<String, Value>, path: &str) -> Option<&'v Value> {
    if let Some(value) = attributes.get(path) {
        return Some(value);
    }
    path.rmatch_indices('.').find_map(|(dot, _)| {
        let below = attributes.get(&path[..dot])?.as_object()?;
        find(below, &path[dot + 1..])
    })
}

/// A value as plain text: never an object, which Backstage could read as a reference to a URL.
fn plain(value: &Value) -> FieldValue {
    let text = match value {
        Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
            texts.map(|mut texts| {
                texts.retain(|text| !text.is_empty());
                texts.join(", ")
            })
        }
        other => scalar(other),
    };
    match text {
        None => FieldValue::Unusable,
        Some(text) if text.is_empty() => FieldValue::Absent,
        Some(text) if text.len() > LONGEST => FieldValue::Unusable,
        Some(text) => FieldValue::Text(text.into()),
    }
}

/// A scalar as text on one line, without control characters. `None` for an object or a list.
fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::String(text) => {
            let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
            Some(line.chars().filter(|c| !c.is_control()).collect())
        }
        Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str, path: &str) -> FieldValue {
        read_fields(json, &[path].into_iter().collect())
            .value(0)
            .clone()
    }

    fn text(text: &str) -> FieldValue {
        FieldValue::Text(text.into())
    }

    #[test]
    fn every_value_becomes_plain_text_or_nothing() {
        let row = r#"{"uid": "abc", "attributes": {
            "title": " Head\n of  <b>Ops</b>\u0000 ", "number": 7, "switch": false, "none": null, "empty": " ",
            "list": ["a", "", 2, null], "nested": {"deep": {"er": "x"}, "a.b": "y"}, "dotted.key": "z",
            "object": {"$text": "https://example.com"}, "objects": [{"a": 1}]
        }}"#;
        for (path, expected) in [
            ("uid", text("abc")),
            ("path", FieldValue::NotSent),
            ("attributes.title", text("Head of <b>Ops</b>")),
            ("attributes.number", text("7")),
            ("attributes.switch", text("false")),
            ("attributes.none", FieldValue::Absent),
            ("attributes.empty", FieldValue::Absent),
            ("attributes.missing", FieldValue::Absent),
            ("attributes.list", text("a, 2")),
            ("attributes.nested.deep.er", text("x")),
            ("attributes.nested.a.b", text("y")),
            ("attributes.dotted.key", text("z")),
            ("attributes.object", FieldValue::Unusable),
            ("attributes.object.$text", text("https://example.com")),
            ("attributes.objects", FieldValue::Unusable),
        ] {
            assert_eq!(read(row, path), expected, "{path}");
        }
    }

    #[test]
    fn a_huge_value_is_not_stored() {
        let row = format!(
            r#"{{"attributes": {{"a": "{}"}}}}"#,
            "x".repeat(LONGEST + 1)
        );
        assert_eq!(read(&row, "attributes.a"), FieldValue::Unusable);
    }
}
