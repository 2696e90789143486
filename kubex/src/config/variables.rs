//! What `KUBEX_*` variables say.
//!
//! `KUBEX_SOURCES__KUBECONFIG__CONTEXT` is `sources.kubeconfig.context`: two underscores part the keys, one stands
//! for a hyphen. A name that a file has is meant as the file writes it. A list is written with commas.
//!
//! A variable holds a text, so what it becomes is the schema's to say: [`typed`].

use kubex_core::options::{Value, ValueKind};
use kubex_core::origin::Place;
use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind, Host, Origin, Result};

use super::layer::{Layer, insert};
use super::places::FILE_VARIABLE;

/// The variable that chooses the profile.
pub(super) const PROFILE_VARIABLE: &str = "KUBEX_PROFILE";

const PREFIX: &str = "KUBEX_";

/// Variables that are not of the configuration: what a plugin is told by the provider `exec`.
const OTHERS: &[&str] = &[FILE_VARIABLE, PROFILE_VARIABLE, "KUBEX_EXEC_STACK"];

/// The layer of the variables. The tree is what the files say, for the names in it.
///
/// # Errors
/// `InvalidValue` for a value that is no Unicode, or a name that fits two that the files have.
pub(super) fn layer(host: &Host, files: &Value) -> Result<Layer> {
    let mut names: Vec<String> = host
        .environment()
        .variables()
        .into_iter()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with(PREFIX) && !OTHERS.contains(&name.as_str()) && !is_service_link(name))
        .collect();
    names.sort_unstable();
    let mut root = Value::new(Vec::<(String, Value)>::new(), Origin::variable("KUBEX_*"));
    for name in names {
        let Some(text) = host.environment().unicode(&name)? else {
            continue;
        };
        let origin = Origin::variable(&name);
        let keys = keys(&name, files, &origin)?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        insert(&mut root, &keys, Value::new(text, origin));
    }
    Ok(Layer::global(root))
}

/// Whether it is one of those that Kubernetes sets in every pod for a service whose name begins with `kubex`.
fn is_service_link(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| !rest.contains("__")) else {
        return false;
    };
    let words: Vec<&str> = rest.split('_').collect();
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    matches!(words.as_slice(), [.., "PORT"])
        || words.windows(2).any(|pair| match pair {
            ["SERVICE", "HOST" | "PORT"] => true,
            ["PORT", number] => is_number(number),
            _ => false,
        })
}

/// The keys that a variable's name stands for.
fn keys(name: &str, files: &Value, origin: &Origin) -> Result<Vec<String>> {
    let mut found = Some(files);
    let mut keys = Vec::new();
    for part in name.strip_prefix(PREFIX).unwrap_or(name).split("__") {
        let wanted = normal(part);
        let known: Vec<&str> = match found.map(Value::kind) {
            Some(ValueKind::Mapping(entries)) => entries
                .iter()
                .map(|(key, _)| key.as_str())
                .filter(|key| normal(key) == wanted)
                .collect(),
            _ => Vec::new(),
        };
        let key = match known.as_slice() {
            [] => wanted,
            [key] => (*key).to_owned(),
            [one, other, ..] => {
                let message = format!(
                    "the variable may mean \"{}\" or \"{}\"",
                    clean_line(one),
                    clean_line(other)
                );
                return Err(Error::new(ErrorKind::InvalidValue, message)
                    .with_origin(origin)
                    .with_help("give the two names that differ by more than case, hyphens and underscores"));
            }
        };
        found = found.and_then(|value| value.get(&key));
        keys.push(key);
    }
    Ok(keys)
}

fn normal(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

/// Whether a text looks like the name of a variable, as names of variables are commonly written.
pub(super) fn is_name_of_a_variable(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

/// A variable's text as what the schema says it is: a boolean, a number, a list. Any other value stays as it is.
///
/// # Errors
/// `InvalidValue` for a text that is none.
pub(super) fn typed(
    value: Value,
    schema: Option<&serde_json::Value>,
    root: &serde_json::Value,
) -> Result<Value> {
    let Some(schema) = schema.map(|schema| resolved(schema, root)) else {
        return Ok(value);
    };
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
    let expected = |what: &str| {
        Err(Error::new(
            ErrorKind::InvalidValue,
            format_args!("expected {what}, found a text"),
        )
        .with_origin(&origin))
    };
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
        return expected("a mapping, which a variable cannot hold").map_err(|error: Error| {
            error.with_help("add the key that is meant to the variable's name, after two underscores")
        });
    } else {
        return Ok(value);
    };
    Ok(Value::new(kind, origin))
}

/// What a schema says of a key.
pub(super) fn property<'s>(schema: &'s serde_json::Value, key: &str) -> Option<&'s serde_json::Value> {
    schema.get("properties")?.get(key)
}

/// The schema that a reference leads to, and of a choice with nothing the other one.
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
    use kubex_core::host::SimulatedHost;

    use super::*;

    #[test]
    fn a_service_called_kubex_configures_nothing() {
        let world = SimulatedHost::new();
        for (name, value) in [
            ("KUBEX_SERVICE_HOST", "10.0.0.1"),
            ("KUBEX_SERVICE_PORT", "443"),
            ("KUBEX_SERVICE_PORT_HTTPS", "443"),
            ("KUBEX_PORT", "tcp://10.0.0.1:443"),
            ("KUBEX_PORT_443_TCP", "tcp://10.0.0.1:443"),
            ("KUBEX_PORT_443_TCP_ADDR", "10.0.0.1"),
            ("KUBEX_API_PORT_443_TCP_PROTO", "tcp"),
            ("KUBEX_API_SERVICE_HOST", "10.0.0.2"),
        ] {
            world.set_variable(name, value);
        }
        let layer = layer(&world.host(), &Value::default()).unwrap();
        assert_eq!(format!("{layer:?}").matches("[a text]").count(), 0, "{layer:?}");
    }

    #[test]
    fn the_schema_says_what_a_text_is() {
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
            ("t", "30s", "[a text]"),
            ("o", "30", "[a number]"),
            ("unknown", "30", "[a text]"),
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
