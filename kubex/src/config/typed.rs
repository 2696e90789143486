//! Gives the text of a variable the type that the schema of its key expects.

use kubex_core::options::{Value, ValueKind};
use kubex_core::origin::Place;
use kubex_core::{Error, Origin, Result};

/// Converts the text of a variable to the type of the schema: a boolean, a number or a list. Other values are unchanged.
///
/// # Errors
/// `InvalidValue` for a text that is not of that type.
pub(super) fn typed(
    value: Value,
    schema: Option<&serde_json::Value>,
    root: &serde_json::Value,
) -> Result<Value> {
    let Some(schema) = schema.map(|schema| resolved(schema, root)) else {
        return Ok(value);
    };
    if types(schema).contains(&"array")
        && let (ValueKind::Mapping(_), Some(variable)) = (value.kind(), variable_of(&value))
    {
        return Err(list_in_variables(schema, root, "a mapping", variable));
    }
    let origin = value.origin().clone();
    let text = match value.kind() {
        ValueKind::String(text) if matches!(origin.place(), Place::Variable(_)) => text.clone(),
        ValueKind::Mapping(entries) => {
            let entries = entries.clone().into_iter().map(|(key, value)| {
                let below = property(schema, &key).or(schema.get("additionalProperties"));
                typed(value, below, root).map(|value| (key, value))
            });
            return Ok(Value::new(entries.collect::<Result<Vec<_>>>()?, origin));
        }
        _ => return Ok(value),
    };
    let expected = |what: &str| Err(Error::wrong_type(what, "a string").with_origin(&origin));
    let is = |name| types(schema).contains(&name);
    let number = text.parse::<i64>().ok();
    let kind = if is("boolean") {
        match text.as_str() {
            "true" => ValueKind::Boolean(true),
            "false" => ValueKind::Boolean(false),
            _ => return expected("true or false"),
        }
    } else if is("integer") || is("number") {
        match number {
            Some(number) => number.into(),
            None if is("string") => return Ok(value),
            None => return expected("a number"),
        }
    } else if is("array") && has_mappings(schema, root) {
        return Err(list_in_variables(schema, root, "a string", &origin));
    } else if is("array") {
        let items = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .enumerate();
        let items = items.map(|(index, item)| {
            let item = Value::new(item, origin.clone().key(&format!("[{index}]")));
            typed(item, schema.get("items"), root)
        });
        ValueKind::Sequence(items.collect::<Result<_>>()?)
    } else if is("object") {
        return expected("a mapping, which a variable cannot contain").map_err(|error: Error| {
            error.with_help("append the key to the variable's name, after two underscores")
        });
    } else {
        return Ok(value);
    };
    Ok(Value::new(kind, origin))
}

/// Whether the items of this list are mappings.
fn has_mappings(schema: &serde_json::Value, root: &serde_json::Value) -> bool {
    let items = schema.get("items").map(|items| resolved(items, root));
    items.is_some_and(|items| types(items).contains(&"object"))
}

/// The first variable that sets a part of this value.
fn variable_of(value: &Value) -> Option<&Origin> {
    match value.kind() {
        ValueKind::Mapping(entries) => entries.iter().find_map(|(_, value)| variable_of(value)),
        _ => Some(value.origin()).filter(|origin| matches!(origin.place(), Place::Variable(_))),
    }
}

/// The error of a list that variables set in a way in which none can be set.
fn list_in_variables(
    schema: &serde_json::Value,
    root: &serde_json::Value,
    found: &str,
    variable: &Origin,
) -> Error {
    let (what, help) = if has_mappings(schema, root) {
        (
            "a list of mappings, which variables cannot contain",
            "set the list in a configuration file",
        )
    } else {
        (
            "a list, which is one variable",
            "write the items into the variable of the list, separated by commas",
        )
    };
    Error::wrong_type(what, found)
        .with_origin(variable)
        .with_help(help)
}

/// The schema of a key.
pub(super) fn property<'s>(schema: &'s serde_json::Value, key: &str) -> Option<&'s serde_json::Value> {
    schema.get("properties")?.get(key)
}

/// The schema that a reference leads to; of an optional one, the schema of its value.
pub(super) fn resolved<'s>(
    mut schema: &'s serde_json::Value,
    root: &'s serde_json::Value,
) -> &'s serde_json::Value {
    for _ in 0..8 {
        let named = schema
            .get("$ref")
            .and_then(|name| root.pointer(name.as_str()?.strip_prefix('#')?));
        let chosen = || {
            let choices = schema.get("anyOf")?.as_array()?;
            choices
                .iter()
                .find(|choice| choice.get("type").is_none_or(|name| name != "null"))
        };
        match named.or_else(chosen) {
            Some(next) => schema = next,
            None => break,
        }
    }
    schema
}

fn types(schema: &serde_json::Value) -> Vec<&str> {
    match schema.get("type") {
        Some(serde_json::Value::String(name)) => vec![name],
        Some(serde_json::Value::Array(names)) => names.iter().filter_map(|name| name.as_str()).collect(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_gets_the_type_of_the_schema() {
        let schema = serde_json::json!({
            "properties": {
                "on": {"type": "boolean"}, "n": {"type": ["integer", "null"]}, "l": {"type": "array", "items": {"type": "integer"}},
                "t": {"$ref": "#/$defs/t"}, "o": {"anyOf": [{"$ref": "#/$defs/t"}, {"type": "null"}]}, "m": {"type": "object"}
            },
            "$defs": {"t": {"type": ["string", "integer"]}}
        });
        let typed = |key: &str, text: &str| {
            typed(
                Value::new(text, Origin::variable("V")),
                property(&schema, key),
                &schema,
            )
            .map(|value| format!("{:?}", value.kind()))
        };
        for (key, text, expected) in [
            ("on", "true", "[a boolean]"),
            ("n", "-5", "[a number]"),
            ("l", "1, 2,", "[[a number], [a number]]"),
            ("t", "30s", "[a string]"),
            ("o", "30", "[a number]"),
            ("unknown", "30", "[a string]"),
        ] {
            assert_eq!(typed(key, text).unwrap(), expected, "{key}");
        }
        for (key, text) in [
            ("on", "s3cret"),
            ("n", "s3cret"),
            ("l", "1,s3cret"),
            ("m", "s3cret"),
        ] {
            let error = typed(key, text).unwrap_err();
            assert!(
                error.to_string().contains("$V") && !error.to_string().contains("s3cret"),
                "{error}"
            );
        }
    }
}
