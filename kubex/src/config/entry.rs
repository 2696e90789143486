//! What is configured, value by value, for a person to see.

use std::fmt;

use kubex_core::options::{Value, ValueKind};
use kubex_core::text::{MASKED, Mask, clean_line};
use kubex_core::{Origin, Registry};
use serde_json::Value as Json;

use super::schema;
use super::settings::Settings;
use super::variables::{is_name_of_a_variable, property, resolved};

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

/// Every value of the folded tree. Of a key that no schema has, a person sees that it is there.
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
                    let path = format!("sources.{}", clean_line(name));
                    list(value, name, &path, &schema::of_entry(provider));
                }
            }
            ("overrides", _) => list(value, section, section, schema::of_overrides()),
            ("exec", _) => list(value, section, section, schema::of_plugin_rules()),
            _ => list(
                value,
                section,
                &clean_line(section),
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
    fn list(&mut self, value: &Value, key: &str, path: &str, takes: Option<&Json>) {
        if let (ValueKind::Mapping(entries), false) = (value.kind(), is_hidden(value, key, takes)) {
            for (key, value) in entries {
                let path = format!("{path}.{}", clean_line(key));
                self.list(value, key, &path, below(takes, key, self.root));
            }
            return;
        }
        self.entries.push(Entry {
            key: path.to_owned(),
            shown: shown(value, key, takes, self.root),
            origin: value.origin().clone(),
        });
    }
}

fn below<'s>(takes: Option<&'s Json>, key: &str, root: &'s Json) -> Option<&'s Json> {
    let takes = takes?;
    let below = property(takes, key).or_else(|| match key.strip_suffix("-env") {
        // A reference takes the name of a variable, as a text takes a text.
        Some(secret) => property(takes, secret).map(|_| &REFERENCE),
        None => takes.get("additionalProperties").filter(|more| **more != false),
    });
    below.map(|below| resolved(below, root))
}

/// The schema of a reference to a secret.
static REFERENCE: Json = Json::Bool(true);

/// Whether a value is not shown: one that is a secret by its schema or by its name, or that no schema knows, or that
/// stands where the name of a variable should.
fn is_hidden(value: &Value, key: &str, takes: Option<&Json>) -> bool {
    let is_name = || value.as_str().is_some_and(is_name_of_a_variable);
    takes.is_none_or(schema::is_hidden) || is_called_a_secret(key) || (key.ends_with("-env") && !is_name())
}

fn shown(value: &Value, key: &str, takes: Option<&Json>, root: &Json) -> Json {
    match value.kind() {
        ValueKind::Null => Json::Null,
        _ if is_hidden(value, key, takes) && !value.is_blank() => MASKED.into(),
        ValueKind::Mapping(entries) => {
            let entries = entries.iter().map(|(key, value)| {
                let below = below(takes, key, root);
                (clean_line(key).into_owned(), shown(value, key, below, root))
            });
            Json::Object(entries.collect())
        }
        ValueKind::Boolean(value) => (*value).into(),
        ValueKind::Integer(number) => {
            i64::try_from(*number).map_or_else(|_| number.to_string().into(), Json::from)
        }
        ValueKind::Float(number) => (*number).into(),
        ValueKind::String(text) => masked(text).into(),
        ValueKind::Sequence(items) => texts(items).unwrap_or_else(|| {
            let schema = takes.and_then(|takes| takes.get("items"));
            let schema = schema.map(|schema| resolved(schema, root));
            let items = items.iter().map(|item| shown(item, key, schema, root));
            Json::Array(items.collect())
        }),
    }
}

/// A list of texts, in which one may give the next one away: `--token`, then the token.
fn texts(items: &[Value]) -> Option<Json> {
    let texts: Vec<&str> = items.iter().map(Value::as_str).collect::<Option<_>>()?;
    if texts.iter().any(|text| text.contains('\n')) {
        return Some(texts.iter().map(|text| masked(text)).collect());
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

fn masked(text: &str) -> String {
    clean_line(&Mask::new().apply(text)).into_owned()
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
        "-data",
    ]
    .iter()
    .any(|name| key.ends_with(name))
}
