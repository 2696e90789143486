//! The JSON Schema of a configuration file, for editors and other checkers.
//!
//! It is in draft 7, the newest draft that the common editors and SchemaStore support completely. Sources require no options,
//! because another layer may set them. The elements of a list require theirs, because lists are never merged.

use serde_json::{Map, Value, json};

use kubex_core::Registry;

use super::schema::{
    common_schema, entry_schema, format_of, is_hidden, is_secret, overrides_schema, plugin_schema, references,
};

/// Returns the JSON Schema of a configuration file, with the options of the providers in this registry.
///
/// The schema requires no option, because another file or a variable may set it. It accepts any options for a source whose
/// provider is not in the registry.
///
/// ```
/// # fn main() -> kubex::Result<()> {
/// let schema = kubex::config::schema(&kubex::registry()?);
/// assert_eq!(schema["properties"]["chain"]["type"][0], "array");
/// # Ok(())
/// # }
/// ```
pub fn schema(registry: &Registry) -> Value {
    let mut definitions = Map::new();
    let mut by_name = Map::new();
    let mut choices = Vec::new();
    for registration in registry.iter() {
        let name = registration.name();
        let mut of = std::sync::Arc::unwrap_or_clone(entry_schema(Some(registration)));
        describe(
            &mut of,
            &format!("A source of the provider {name}"),
            registration.summary(),
        );
        define(name, of, &mut definitions);
        let reference = json!({"$ref": format!("#/$defs/{name}")});
        let is_other =
            json!({"required": ["provider"], "properties": {"provider": {"not": {"const": name}}}});
        by_name.insert(
            name.to_owned(),
            json!({"if": is_other, "then": {"$ref": "#/$defs/source"}, "else": reference}),
        );
        let is_this = json!({"required": ["provider"], "properties": {"provider": {"const": name}}});
        choices.push(json!({"if": is_this, "then": reference}));
    }
    definitions.insert("source".to_owned(), any_source(&choices));
    let mut overrides = overrides_schema().clone();
    describe(
        &mut overrides,
        "Overrides",
        "Values that replace those of the source that is chosen.",
    );
    define("overrides", overrides, &mut definitions);
    let mut rules = plugin_schema().clone();
    describe(
        &mut rules,
        "Rules for exec plugins",
        "Which exec plugins may run, for how long, and which variables they inherit.",
    );
    define("exec-rules", rules, &mut definitions);

    let sections = sections(by_name);
    definitions.insert(
        "profile".to_owned(),
        json!({
            "title": "A profile",
            "description": "Sections that apply only when KUBEX_PROFILE selects this profile.",
            "type": "object",
            "properties": sections,
            "additionalProperties": false,
        }),
    );
    let mut properties = sections;
    set(
        &mut properties,
        "profiles",
        json!({
            "description": "Profiles by name. The one that KUBEX_PROFILE selects wins over the rest of the files.",
            "type": "object",
            "propertyNames": {"not": {"enum": ["default", "global"]}},
            "additionalProperties": {"$ref": "#/$defs/profile"},
        }),
    );
    allow_null(&mut properties);
    set(
        &mut properties,
        "$schema",
        json!({"description": "The schema of this file, for editors. Kubex ignores it.", "type": "string"}),
    );
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "The configuration of Kubex",
        "description": "Where to look for a Kubernetes API server and a credential, in which order, with which options.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": definitions,
    });
    write_as_draft_7(&mut schema);
    schema
}

/// The sections that a file and each of its profiles have.
fn sections(by_name: Map<String, Value>) -> Value {
    let mut by_name = Value::Object(by_name);
    allow_null(&mut by_name);
    let mut sections = json!({
        "chain": {
            "description": "The names of the sources, in the order in which they are tried.",
            "type": "array",
            "items": {"type": "string", "minLength": 1},
            "minItems": 1,
            "uniqueItems": true,
            "examples": [["kubeconfig", "in-cluster"]],
        },
        "sources": {
            "description": "The sources by name. A source with the name of a provider uses that provider by default.",
            "type": "object",
            "properties": by_name,
            "additionalProperties": {"anyOf": [{"$ref": "#/$defs/source"}, {"type": "null"}]},
        },
        "overrides": {
            "description": "Values that replace those of the source that is chosen.",
            "$ref": "#/$defs/overrides",
        },
        "exec": {
            "description": "Which exec plugins may run, for how long, and which variables they inherit.",
            "$ref": "#/$defs/exec-rules",
        },
    });
    allow_null(&mut sections);
    sections
}

/// A source under a name of its own: its options depend on its provider.
fn any_source(choices: &[Value]) -> Value {
    let mut properties = common_schema()
        .get("properties")
        .cloned()
        .unwrap_or_else(|| json!({}));
    allow_null(&mut properties);
    json!({
        "title": "A source",
        "description": "A named use of a provider. Its options depend on the provider.",
        "type": "object",
        "properties": properties,
        "allOf": choices,
    })
}

/// Adds a schema to the definitions. The names of its own definitions get its name as a prefix.
fn define(name: &str, mut schema: Value, definitions: &mut Map<String, Value>) {
    rename_references(&mut schema, name);
    refuse_secrets(&mut schema);
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        // Another layer may contain a required option.
        schema.remove("required");
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        if let Some(properties) = schema.get_mut("properties") {
            allow_null(properties);
        }
        if let Some(Value::Object(own)) = schema.remove("$defs") {
            for (key, mut value) in own {
                refuse_secrets(&mut value);
                definitions.insert(format!("{name}.{key}"), value);
            }
        }
    }
    definitions.insert(name.to_owned(), schema);
}

fn describe(schema: &mut Value, title: &str, description: &str) {
    set(schema, "title", json!(title));
    set(schema, "description", json!(description));
}

/// Lets an editor refuse a secret in the file. Adds the keys that name the variable of a secret, and refuses such a key
/// beside the secret itself.
fn refuse_secrets(schema: &mut Value) {
    let references = references(schema);
    let Some(properties) = schema.get_mut("properties") else {
        return;
    };
    for property in properties.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if is_secret(property) {
            set(property, "not", json!({"type": "string", "minLength": 1}));
        } else if is_hidden(property) && format_of(property) == Some("uri") {
            set(property, "not", json!({"type": "string", "pattern": "@"}));
        }
    }
    let mut exclusions = Vec::new();
    for reference in references {
        let Some(secret) = reference.strip_suffix("-env") else {
            continue;
        };
        let description = format!("The name of the environment variable that contains the {secret}.");
        set(
            properties,
            &reference,
            json!({"description": description, "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*$"}),
        );
        exclusions.push(json!({"not": {"required": [secret, reference]}}));
    }
    if !exclusions.is_empty() {
        set(schema, "allOf", Value::Array(exclusions));
    }
}

/// Lets each of these properties be `null`, which unsets the value of an earlier layer.
fn allow_null(properties: &mut Value) {
    for property in properties.as_object_mut().into_iter().flat_map(Map::values_mut) {
        if let Some(choices) = property.get_mut("enum").and_then(Value::as_array_mut)
            && !choices.contains(&Value::Null)
        {
            choices.push(Value::Null);
        }
        match property.get_mut("type") {
            Some(Value::Array(types)) => {
                if !types.iter().any(|name| name == "null") {
                    types.push(json!("null"));
                }
            }
            Some(Value::String(name)) => {
                let name = std::mem::take(name);
                set(property, "type", json!([name, "null"]));
            }
            _ => or_null(property),
        }
    }
}

/// Wraps what is not described by a type: a reference, or a choice between schemas.
fn or_null(property: &mut Value) {
    let description = property
        .as_object_mut()
        .and_then(|property| property.remove("description"));
    let of = std::mem::take(property);
    *property = json!({"anyOf": [of, {"type": "null"}]});
    if let Some(description) = description {
        set(property, "description", description);
    }
}

/// Rewrites what draft 7 has in another form: where definitions are, and that a reference stands alone.
fn write_as_draft_7(schema: &mut Value) {
    match schema {
        Value::Object(entries) => {
            if let Some(definitions) = entries.remove("$defs") {
                entries.insert("definitions".to_owned(), definitions);
            }
            if let Some(Value::String(target)) = entries.remove("$ref") {
                let reference = json!({"$ref": target.replace("#/$defs/", "#/definitions/")});
                if entries.is_empty() {
                    *schema = reference;
                    return;
                }
                entries.insert("allOf".to_owned(), json!([reference]));
            }
            if let Some(Value::String(description)) = entries.get_mut("description") {
                *description = description.replace('\n', " ");
            }
            entries.values_mut().for_each(write_as_draft_7);
        }
        Value::Array(items) => items.iter_mut().for_each(write_as_draft_7),
        _ => {}
    }
}

fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

fn rename_references(schema: &mut Value, name: &str) {
    match schema {
        Value::Object(entries) => {
            for (key, value) in entries {
                match value {
                    Value::String(text) if key == "$ref" => {
                        *text = text.replace("#/$defs/", &format!("#/$defs/{name}."));
                    }
                    _ => rename_references(value, name),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename_references(item, name)),
        _ => {}
    }
}
