//! The JSON Schema of a configuration, made of the options types of the providers there are.
//!
//! Beside what validates, three marks say what Kubex does with a text:
//!
//! | mark | meaning |
//! |---|---|
//! | `format: path` | a path: `~` and `${VAR}` are replaced, and a relative one starts at its file's directory |
//! | `format: command` | the same, but a bare name is looked up in `PATH` |
//! | `format: password` | a secret: refused in a file, where only a reference to it (`token-env`) is taken |
//! | `writeOnly` | never shown, as it may hold a secret |

use std::sync::LazyLock;

use kubex_core::host::PluginOptions;
use kubex_core::options::ClusterFields;
use kubex_core::{Registration, Registry};
use schemars::{JsonSchema, schema_for};
use serde_json::{Map, Value, json};

use super::variables::resolved;

/// What every source takes, whichever its provider is.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema is made of it, and nothing is stored in it")]
struct EverySource {
    /// The provider; the source's own name unless set.
    provider: String,
    /// Whether the chain asks the source; on unless set to false.
    enabled: bool,
    /// How long the source may take to resolve; 30 s unless set.
    timeout: kubex_core::host::Deadline,
}

/// Who, in place of a source's own identity.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema is made of it, and nothing is stored in it")]
struct OverridingIdentity {
    /// A bearer token. Only by reference: `token-env`.
    #[schemars(extend("format" = "password"))]
    token: String,
    /// The file a bearer token is in.
    #[schemars(extend("format" = "path"))]
    token_file: String,
    /// The user name of a basic pair.
    username: String,
    /// The password of a basic pair. Only by reference: `password-env`.
    #[schemars(extend("format" = "password"))]
    password: String,
    /// The file of the client certificate, in PEM.
    #[schemars(extend("format" = "path"))]
    client_certificate: String,
    /// The client certificate itself: PEM, or base64 of it.
    client_certificate_data: String,
    /// The file of the client certificate's key, in PEM.
    #[schemars(extend("format" = "path"))]
    client_key: String,
    /// The key itself. Only by reference: `client-key-data-env`.
    #[schemars(extend("format" = "password"))]
    client_key_data: String,
}

/// What a configuration lets `static` take beside its own: with it, the source is one of `token-file`.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "the schema is made of it, and nothing is stored in it")]
struct TokenFile {
    /// The file a token is in, which is then read as the provider token-file reads it.
    #[schemars(extend("format" = "path"))]
    token_file: String,
}

/// The schema of the cluster's options.
static OF_CLUSTER: LazyLock<Value> = LazyLock::new(|| schema_for!(ClusterFields).to_value());

/// The schema of what every source takes.
pub(super) fn of_every_source() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema_for!(EverySource).to_value());
    &SCHEMA
}

/// The schema of the section `exec`.
pub(super) fn of_plugin_rules() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema_for!(PluginOptions).to_value());
    &SCHEMA
}

/// The schema of the section `overrides`.
pub(super) fn of_overrides() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let mut schema = OF_CLUSTER.clone();
        extend(&mut schema, &schema_for!(OverridingIdentity).to_value());
        schema
    });
    &SCHEMA
}

/// The schema of what a source of this provider takes: its own options, and the cluster's.
pub(super) fn of_source(registration: &Registration) -> Value {
    let mut schema = registration.schema().to_value();
    extend(&mut schema, &OF_CLUSTER);
    if registration.name() == "static" {
        extend(&mut schema, &schema_for!(TokenFile).to_value());
    }
    schema
}

/// The schema of what a source may say, for a look at it. Of a provider that is not linked, nothing is known.
pub(super) fn of_entry(provider: Option<&Registration>) -> Value {
    let mut schema = provider.map_or_else(|| json!({"type": "object"}), of_source);
    extend(&mut schema, of_every_source());
    schema
}

/// Adds the properties of another schema, and the definitions they lead to; what is there already stays.
fn extend(schema: &mut Value, other: &Value) {
    for part in ["properties", "$defs"] {
        let Some(Value::Object(more)) = other.get(part).cloned() else {
            continue;
        };
        let Some(schema) = schema.as_object_mut() else {
            return;
        };
        let own = schema.entry(part).or_insert_with(|| json!({}));
        if let Some(own) = own.as_object_mut() {
            for (key, value) in more {
                own.entry(key).or_insert(value);
            }
        }
    }
}

/// Whether a text of this schema is a secret.
pub(super) fn is_secret(schema: &Value) -> bool {
    format_of(schema) == Some("password")
}

/// Whether a text of this schema is never shown.
pub(super) fn is_hidden(schema: &Value) -> bool {
    is_secret(schema) || schema.get("writeOnly") == Some(&Value::Bool(true))
}

pub(super) fn format_of(schema: &Value) -> Option<&str> {
    schema.get("format").and_then(Value::as_str)
}

/// The keys under which a text may be given by the name of the variable it is in: those whose value is hidden.
pub(super) fn references(schema: &Value) -> Vec<String> {
    let own = schema.get("properties").and_then(Value::as_object);
    let hidden = own
        .into_iter()
        .flatten()
        .filter(|(_, of)| is_hidden(resolved(of, schema)));
    hidden
        .map(|(key, _)| format!("{key}-env"))
        .filter(|key| own.is_none_or(|own| !own.contains_key(key)))
        .collect()
}

/// The JSON Schema of a configuration file, with the providers of this registry.
///
/// A file is one layer of several, so nothing in it is required. A source of a provider that is not in the
/// registry is accepted as it is.
///
/// ```
/// # fn main() -> kubex::Result<()> {
/// let schema = kubex::config::schema(&kubex::registry()?);
/// assert_eq!(schema["properties"]["chain"]["type"], "array");
/// # Ok(())
/// # }
/// ```
pub fn schema(registry: &Registry) -> Value {
    let mut definitions = Map::new();
    let mut by_name = Map::new();
    let mut choices = Vec::new();
    for registration in registry.iter() {
        let name = registration.name();
        let mut of = of_source(registration);
        extend(&mut of, of_every_source());
        set(
            &mut of,
            "title",
            json!(format!("a source of the provider {name}")),
        );
        set(&mut of, "description", json!(registration.summary()));
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
    let every = of_every_source();
    definitions.insert(
        "source".to_owned(),
        json!({
            "title": "a source",
            "description": "One named use of a provider. What it takes depends on the provider.",
            "type": "object",
            "properties": every.get("properties"),
            "allOf": choices,
        }),
    );
    define("overrides", of_overrides().clone(), &mut definitions);
    define("exec-rules", of_plugin_rules().clone(), &mut definitions);
    let sections = json!({
        "chain": {
            "description": "The names of the sources, in the order they are asked.",
            "type": "array",
            "items": {"type": "string"},
            "uniqueItems": true,
        },
        "sources": {
            "description": "The sources by name. One that is called like a provider uses that provider.",
            "type": "object",
            "properties": by_name,
            "additionalProperties": {"$ref": "#/$defs/source"},
        },
        "overrides": {
            "description": "What is put in the place of the winning source's own.",
            "$ref": "#/$defs/overrides",
        },
        "exec": {
            "description": "Which exec plugins may run, for how long, and what they inherit.",
            "$ref": "#/$defs/exec-rules",
        },
    });
    definitions.insert(
        "profile".to_owned(),
        json!({"title": "a profile", "type": "object", "properties": sections, "additionalProperties": false}),
    );
    let mut properties = sections;
    let profiles = json!({
        "description": "Named sets; the one that KUBEX_PROFILE names wins over what is outside of the profiles.",
        "type": "object",
        "additionalProperties": {"$ref": "#/$defs/profile"},
    });
    set(&mut properties, "profiles", profiles);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "The configuration of Kubex",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "$defs": definitions,
    })
}

/// Adds a schema to the definitions, with those of its own beside it under names that begin with its name.
fn define(name: &str, mut schema: Value, definitions: &mut Map<String, Value>) {
    add_references(&mut schema);
    rename_references(&mut schema, name);
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        // A file may leave to another one what a source cannot be without.
        schema.remove("required");
        schema.insert("additionalProperties".to_owned(), Value::Bool(false));
        if let Some(Value::Object(own)) = schema.remove("$defs") {
            for (key, mut value) in own {
                add_references(&mut value);
                definitions.insert(format!("{name}.{key}"), value);
            }
        }
    }
    definitions.insert(name.to_owned(), schema);
}

/// Adds the keys under which a secret is given by the name of its variable, and lets an editor refuse the secret
/// itself.
fn add_references(schema: &mut Value) {
    let references = references(schema);
    if let Some(properties) = schema.get_mut("properties") {
        for property in properties.as_object_mut().into_iter().flat_map(Map::values_mut) {
            if is_secret(property) {
                set(property, "not", json!({"type": "string", "minLength": 1}));
            }
        }
        for reference in references {
            let description = "The variable that holds it.";
            set(
                properties,
                &reference,
                json!({"description": description, "type": "string"}),
            );
        }
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
