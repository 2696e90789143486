//! What is configured, value by value, for a person to see.

use std::fmt;

use kubex_core::options::{Value, ValueKind};
use kubex_core::text::{MASKED, Mask, clean_line};
use kubex_core::{Origin, Registry};
use serde_json::Value as Json;

use super::schema;
use super::settings::{Settings, Source};
use super::variables::{property, resolved};

/// One value that is set, and where. Its `Display` is one line.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Entry {
    /// The keys that lead to it: `sources.kubeconfig.context`.
    pub key: String,
    /// The value as it may be shown: a text, a number, a boolean or a list. `[masked]` stands for what is hidden.
    pub shown: Json,
    /// Where it was written down.
    pub origin: Origin,
}

impl fmt::Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.shown {
            Json::String(text) => write!(f, "{}: {text}", self.key)?,
            other => write!(f, "{}: {other}", self.key)?,
        }
        write!(f, " ({})", self.origin)
    }
}

/// Every value of the folded tree.
pub(super) fn entries(settings: &Settings, registry: &Registry) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut listing = Listing {
        entries: &mut entries,
    };
    let ValueKind::Mapping(sections) = settings.tree.kind() else {
        return entries;
    };
    for (section, value) in sections {
        match (section.as_str(), value.kind()) {
            ("sources", ValueKind::Mapping(sources)) => {
                for (name, value) in sources {
                    let schema = settings
                        .source(name)
                        .and_then(|source| schema_of(source, registry));
                    let schema = schema.as_ref();
                    listing.list(
                        value,
                        name,
                        &format!("sources.{}", clean_line(name)),
                        schema,
                        schema,
                    );
                }
            }
            ("overrides", _) => {
                let schema = schema::of_overrides();
                listing.list(value, section, section, Some(&schema), Some(&schema));
            }
            _ => listing.list(value, section, &clean_line(section), None, None),
        }
    }
    entries
}

fn schema_of(source: &Source, registry: &Registry) -> Option<Json> {
    registry.get(source.provider_name()).ok().map(schema::of_source)
}

struct Listing<'a> {
    entries: &'a mut Vec<Entry>,
}

impl Listing<'_> {
    fn list(&mut self, value: &Value, key: &str, path: &str, takes: Option<&Json>, root: Option<&Json>) {
        if let ValueKind::Mapping(entries) = value.kind() {
            for (key, value) in entries {
                let path = format!("{path}.{}", clean_line(key));
                self.list(value, key, &path, below(takes, key, root), root);
            }
            return;
        }
        self.entries.push(Entry {
            key: path.to_owned(),
            shown: shown(value, key, takes, root),
            origin: value.origin().clone(),
        });
    }
}

fn below<'s>(takes: Option<&'s Json>, key: &str, root: Option<&'s Json>) -> Option<&'s Json> {
    let takes = resolved(takes?, root?);
    property(takes, key).or(takes.get("additionalProperties"))
}

fn shown(value: &Value, key: &str, takes: Option<&Json>, root: Option<&Json>) -> Json {
    let takes = takes.zip(root).map(|(takes, root)| resolved(takes, root));
    let is_hidden = takes.is_some_and(schema::is_hidden) || is_called_a_secret(key);
    match value.kind() {
        ValueKind::Null => Json::Null,
        ValueKind::Mapping(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                (
                    clean_line(key).into_owned(),
                    shown(value, key, below(takes, key, root), root),
                )
            });
            Json::Object(entries.collect())
        }
        _ if is_hidden && !is_blank(value) => MASKED.into(),
        ValueKind::Boolean(value) => (*value).into(),
        ValueKind::Integer(number) => {
            i64::try_from(*number).map_or_else(|_| number.to_string().into(), Json::from)
        }
        ValueKind::Float(number) => (*number).into(),
        ValueKind::String(text) => masked(text, key).into(),
        ValueKind::Sequence(items) => texts(items, key).unwrap_or_else(|| {
            let schema = takes.and_then(|takes| takes.get("items"));
            Json::Array(items.iter().map(|item| shown(item, key, schema, root)).collect())
        }),
    }
}

/// A list of texts, in which one may give the next one away: `--token`, then the token.
fn texts(items: &[Value], key: &str) -> Option<Json> {
    let texts: Vec<&str> = items.iter().map(Value::as_str).collect::<Option<_>>()?;
    if texts.iter().any(|text| text.contains('\n')) {
        return Some(texts.iter().map(|text| masked(text, key)).collect());
    }
    let all = Mask::new().apply(&texts.join("\n"));
    let shown: Vec<String> = all
        .split('\n')
        .map(|text| clean_line(text).into_owned())
        .collect();
    Some(
        if shown.len() == texts.len() || texts.is_empty() && all.is_empty() {
            shown.into_iter().take(texts.len()).collect()
        } else {
            MASKED.into()
        },
    )
}

fn masked(text: &str, key: &str) -> String {
    // The value of a reference is a variable's name, unless somebody mistook it for the secret's own place.
    let is_name = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
    };
    if key.ends_with("-env") && !is_name(text) {
        return MASKED.to_owned();
    }
    clean_line(&Mask::new().apply(text)).into_owned()
}

fn is_blank(value: &Value) -> bool {
    value.is_blank()
}

/// Whether a key's name says that its value is a secret, where no schema says so.
fn is_called_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase().replace('_', "-");
    [
        "token",
        "password",
        "passwd",
        "secret",
        "api-key",
        "apikey",
        "access-key",
        "credential",
        "key-data",
    ]
    .iter()
    .any(|name| key.ends_with(name))
}
