//! The schemas of the options, generated from the options types of the registered providers.
//!
//! [`Configuration`](super::Configuration) reads its values by these schemas. Four marks determine how a string is treated:
//!
//! | mark | meaning |
//! |---|---|
//! | `format: path` | a path: `~` and `${VAR}` are expanded, and a relative one starts at its file's directory |
//! | `format: command` | the same, but a bare name is looked up in `PATH` |
//! | `format: password` | a secret: refused in a file, which may only refer to it (`token-env`) |
//! | `writeOnly` | never shown, as it may contain a secret |

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use kubex_core::Registration;
use kubex_core::host::PluginOptions;
use kubex_core::options::ClusterFields;
use schemars::{JsonSchema, schema_for};
use serde_json::{Value, json};

use super::typed::resolved;

/// The keys that every source has, whichever its provider is.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
struct CommonOptions {
    /// The provider. Default: the name of the source.
    provider: String,
    /// Whether the chain tries the source. Default: true.
    enabled: bool,
    /// How long the source may take to resolve. Default: 30s.
    timeout: kubex_core::host::Deadline,
    /// How widely the credential is shared. none: with nothing; memory: with equal sources of this process; shared:
    /// with all processes of the user. Default: memory.
    #[schemars(with = "String", extend("enum" = ["none", "memory", "shared"]))]
    cache: super::cache::Cache,
    /// How long to keep a shared credential that has no expiry time. Default: not at all.
    cache_lifetime: kubex_core::host::Deadline,
}

/// The identity that replaces the one of the source.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
struct OverridingIdentity {
    /// A bearer token. In a file, use token-env.
    #[schemars(extend("format" = "password"))]
    token: String,
    /// The file that contains a bearer token.
    #[schemars(extend("format" = "path"))]
    token_file: String,
    /// The user name of basic authentication.
    username: String,
    /// The password of basic authentication. In a file, use password-env.
    #[schemars(extend("format" = "password"))]
    password: String,
    /// The file that contains the client certificate, in PEM.
    #[schemars(extend("format" = "path"))]
    client_certificate: String,
    /// The client certificate: PEM, or base64 of it.
    client_certificate_data: String,
    /// The file that contains the private key of the client certificate, in PEM.
    #[schemars(extend("format" = "path"))]
    client_key: String,
    /// The private key of the client certificate. In a file, use client-key-data-env.
    #[schemars(extend("format" = "password"))]
    client_key_data: String,
}

/// The key that makes a source of `static` one of `token-file`.
#[derive(JsonSchema)]
#[schemars(rename_all = "kebab-case")]
#[expect(dead_code, reason = "only its schema is used")]
struct TokenFileOption {
    /// The file that contains a bearer token; the provider token-file reads it.
    #[schemars(extend("format" = "path"))]
    token_file: String,
}

/// The schema of the cluster's options.
static CLUSTER_SCHEMA: LazyLock<Value> = LazyLock::new(|| schema_for!(ClusterFields).to_value());

/// The schema of the keys that every source has.
pub(super) fn common_schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema_for!(CommonOptions).to_value());
    &SCHEMA
}

/// The schema of the section `exec`.
pub(super) fn plugin_schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema_for!(PluginOptions).to_value());
    &SCHEMA
}

/// The schema of the section `overrides`.
pub(super) fn overrides_schema() -> &'static Value {
    static SCHEMA: LazyLock<Value> = LazyLock::new(|| {
        let mut schema = CLUSTER_SCHEMA.clone();
        extend(&mut schema, &schema_for!(OverridingIdentity).to_value());
        schema
    });
    &SCHEMA
}

/// The schema of a source's options: those of its provider, and the cluster's.
pub(super) fn source_schema(registration: &'static Registration) -> Arc<Value> {
    static SCHEMAS: SchemaCache = SchemaCache::new();
    SCHEMAS.get_or_insert_with(Some(registration), || {
        let mut schema = registration.schema().to_value();
        extend(&mut schema, &CLUSTER_SCHEMA);
        if registration.name() == "static" {
            extend(&mut schema, &schema_for!(TokenFileOption).to_value());
        }
        schema
    })
}

/// The schema of an entry below `sources`. The options of a provider that is not linked are unknown.
pub(super) fn entry_schema(provider: Option<&'static Registration>) -> Arc<Value> {
    static SCHEMAS: SchemaCache = SchemaCache::new();
    SCHEMAS.get_or_insert_with(provider, || {
        let own = provider.map(source_schema);
        let mut schema = own.map_or_else(|| json!({"type": "object"}), Arc::unwrap_or_clone);
        extend(&mut schema, common_schema());
        schema
    })
}

/// The schemas of the providers, each generated once.
struct SchemaCache(Mutex<BTreeMap<Option<usize>, Arc<Value>>>);

impl SchemaCache {
    const fn new() -> Self {
        Self(Mutex::new(BTreeMap::new()))
    }

    fn get_or_insert_with(
        &self,
        provider: Option<&'static Registration>,
        generate: impl FnOnce() -> Value,
    ) -> Arc<Value> {
        // A registration lives as long as the program, so its address identifies it.
        let key = provider.map(|registration| std::ptr::from_ref(registration).addr());
        let mut schemas = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(schemas.entry(key).or_insert_with(|| Arc::new(generate())))
    }
}

/// Adds the properties and definitions of another schema; existing ones are kept.
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

/// The keys that name the variable of a hidden value: `token-env` for `token`.
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
