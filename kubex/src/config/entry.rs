//! Lists every configured value for display, with secrets masked.

use std::fmt;

use kubex_core::options::{Value, ValueKind};
use kubex_core::text::{
    MASKED, Mask, NotAPath, mask_address, mask_arguments, names_a_secret, not_a_path, sanitize_line,
    shown_key, write_sanitized,
};
use kubex_core::{Origin, Registry};
use serde_json::Value as Json;

use super::schema;
use super::settings::Settings;
use super::typed::{property, resolved};
use super::variables::looks_like_a_variable;

/// A configured value and its origin. [`Configuration::entries`](super::Configuration::entries) returns one for each value. Its
/// `Display` output is one line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The path of the value, such as `sources.kubeconfig.context`.
    pub key: String,
    /// The value in a form that is safe to show: a string, a number, a boolean or a list. A secret is replaced by
    /// `[masked]`.
    pub shown: Json,
    /// The place where the value is defined.
    pub origin: Origin,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shown {
            Json::String(text) => write_sanitized(f, format_args!("{}: {text} ({})", self.key, self.origin)),
            other => write_sanitized(f, format_args!("{}: {other} ({})", self.key, self.origin)),
        }
    }
}

/// Every value of the merged tree. A key that no schema knows is listed, and its value masked.
pub(super) fn entries(settings: &Settings, registry: &Registry) -> Vec<Entry> {
    let mut entries = Vec::new();
    let ValueKind::Mapping(sections) = settings.tree.kind() else {
        return entries;
    };
    for (section, value) in sections {
        let mut list = |value: &Value, key: &str, path: &str, schema: &Json| {
            Listing {
                root: schema,
                entries: &mut entries,
            }
            .list(value, key, path, Some(schema));
        };
        match (section.as_str(), value.kind()) {
            ("sources", ValueKind::Mapping(sources)) => {
                for (name, value) in sources {
                    let provider = settings
                        .source(name)
                        .and_then(|source| registry.get(source.provider_name()).ok());
                    let path = format!("sources.{}", shown_key(name));
                    list(value, name, &path, &schema::entry_schema(provider));
                }
            }
            ("overrides", _) => list(value, section, section, schema::overrides_schema()),
            ("exec", _) => list(value, section, section, schema::plugin_schema()),
            _ => list(
                value,
                section,
                &sanitize_line(section),
                &serde_json::json!({"type": "array"}),
            ),
        }
    }
    entries
}

struct Listing<'a> {
    root: &'a Json,
    entries: &'a mut Vec<Entry>,
}

impl Listing<'_> {
    fn list(&mut self, value: &Value, key: &str, path: &str, schema: Option<&Json>) {
        if let (ValueKind::Mapping(entries), false) = (value.kind(), is_hidden(value, key, schema)) {
            for (key, value) in entries {
                let path = format!("{path}.{}", shown_key(key));
                self.list(value, key, &path, below(schema, key, self.root));
            }
            return;
        }
        self.entries.push(Entry {
            key: path.to_owned(),
            shown: shown(value, key, schema, self.root),
            origin: value.origin().clone(),
        });
    }
}

fn below<'s>(schema: Option<&'s Json>, key: &str, root: &'s Json) -> Option<&'s Json> {
    let schema = schema?;
    let below = property(schema, key).or_else(|| match key.strip_suffix("-env") {
        // The value of a reference is the name of a variable.
        Some(secret) => property(schema, secret).map(|_| &REFERENCE),
        None => schema.get("additionalProperties").filter(|more| **more != false),
    });
    below.map(|below| resolved(below, root))
}

/// The schema of a reference to a secret.
static REFERENCE: Json = Json::Bool(true);

/// Whether a value is masked: a secret by its schema or its key, a value without a schema, or a reference that does not
/// look like the name of a variable.
fn is_hidden(value: &Value, key: &str, schema: Option<&Json>) -> bool {
    let is_name = || value.as_str().is_some_and(looks_like_a_variable);
    schema.is_none_or(super::schema::is_hidden)
        || has_secret_name(key)
        || (key.ends_with("-env") && !is_name())
}

fn shown(value: &Value, key: &str, schema: Option<&Json>, root: &Json) -> Json {
    match value.kind() {
        ValueKind::Null => Json::Null,
        _ if is_hidden(value, key, schema) && !value.is_blank() => MASKED.into(),
        ValueKind::Mapping(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let below = below(schema, key, root);
                (sanitize_line(key).into_owned(), shown(value, key, below, root))
            });
            Json::Object(entries.collect())
        }
        ValueKind::Boolean(value) => (*value).into(),
        ValueKind::Integer(number) => {
            i64::try_from(*number).map_or_else(|_| number.to_string().into(), Json::from)
        }
        ValueKind::Float(number) => (*number).into(),
        ValueKind::String(text) if matches!(key, "server" | "proxy-url" | "url") => {
            masked(&mask_address(text)).into()
        }
        ValueKind::String(text) => masked(text).into(),
        ValueKind::Sequence(items) => mask_texts(items).unwrap_or_else(|| {
            let schema = schema.and_then(|schema| schema.get("items"));
            let schema = schema.map(|schema| resolved(schema, root));
            let items = items.iter().map(|item| shown(item, key, schema, root));
            Json::Array(items.collect())
        }),
    }
}

/// A list of texts, masked as a whole because an item may make the next one a secret: `--token`, then the token.
fn mask_texts(items: &[Value]) -> Option<Json> {
    let texts: Vec<String> = items
        .iter()
        .map(|item| item.as_str().map(str::to_owned))
        .collect::<Option<_>>()?;
    Some(mask_arguments(&texts).into())
}

/// A document or a key instead of a path is masked as a whole.
fn masked(text: &str) -> String {
    if not_a_path(text).is_some_and(|what| what != NotAPath::TooLong) {
        return MASKED.to_owned();
    }
    sanitize_line(&Mask::new().apply(text)).into_owned()
}

/// Whether a key looks like that of a secret, for keys whose schema does not tell.
fn has_secret_name(key: &str) -> bool {
    names_a_secret(key) || key.to_ascii_lowercase().replace('_', "-").ends_with("-data")
}
