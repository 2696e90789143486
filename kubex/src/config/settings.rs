//! Reads the merged tree into settings, as far as that needs no provider's schema.

use std::time::Duration;

use kubex_core::error::Problems;
use kubex_core::host::{Deadline, PluginOptions, PluginRules};
use kubex_core::options::{Value, ValueKind};
use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind, Options, Origin, Result};

use super::layer::PROFILES;
use super::schema;
use super::typed::typed;

/// The top-level keys, without the profiles.
pub(super) const SECTIONS: &[&str] = &["chain", "sources", "overrides", "exec"];

/// The key by which a file names its schema, for editors.
const SCHEMA_KEY: &str = "$schema";

/// The keys that every source has, whichever its provider is.
pub(super) const COMMON_KEYS: &[&str] = &["provider", "enabled", "timeout"];

/// The settings of a configuration.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// The names of the chain, in order.
    pub(super) chain: Vec<LocatedName>,
    /// The sources that have an entry below `sources`.
    pub(super) sources: Vec<SourceSettings>,
    pub(super) overrides: Options,
    pub(super) rules: Option<PluginRules>,
    /// The merged tree.
    pub(super) tree: Value,
}

/// A name and its origin.
#[derive(Clone, Debug)]
pub(super) struct LocatedName {
    pub(super) name: String,
    pub(super) origin: Origin,
}

/// A source and its settings.
#[derive(Clone, Debug)]
pub(super) struct SourceSettings {
    pub(super) name: String,
    pub(super) origin: Origin,
    /// The provider, if the entry names one.
    pub(super) provider: Option<LocatedName>,
    pub(super) is_enabled: bool,
    pub(super) timeout: Option<Duration>,
    /// The other keys: the options of its provider and of the cluster.
    pub(super) options: Options,
}

impl SourceSettings {
    /// A source without an entry; its name is that of its provider.
    pub(super) fn from_name(named: &LocatedName) -> Self {
        Self {
            name: named.name.clone(),
            origin: named.origin.clone(),
            provider: None,
            is_enabled: true,
            timeout: None,
            options: Options::with_origin(named.origin.clone()),
        }
    }

    /// The name of its provider: the one that the entry names, otherwise the source's own.
    pub(super) fn provider_name(&self) -> &str {
        self.provider
            .as_ref()
            .map_or(&self.name, |provider| &provider.name)
    }
}

impl Settings {
    /// Reads the merged tree. The error contains all problems.
    pub(super) fn from_tree(tree: Value) -> Result<Self> {
        let mut problems = Problems::default();
        for (key, value) in entries(&tree) {
            if !SECTIONS.contains(&key.as_str()) && key != SCHEMA_KEY {
                let known = [SECTIONS, &[PROFILES]].concat();
                problems.add(Error::unknown_key(key, &known).with_origin(value.origin()));
            }
        }
        let chain = tree
            .get("chain")
            .map(chain)
            .and_then(|chain| problems.take(chain));
        let sources = tree
            .get("sources")
            .and_then(|sources| problems.take(mapping(sources)));
        let sources = sources
            .into_iter()
            .flatten()
            .filter_map(|(name, source)| problems.take(self::source(name, source)));
        let sources = sources.collect();
        let overrides = tree
            .get("overrides")
            .and_then(|overrides| problems.take(options(overrides)));
        let rules = tree
            .get("exec")
            .and_then(|exec| problems.take(plugin_rules(exec)));
        problems.into_result()?;
        Ok(Self {
            chain: chain.unwrap_or_default(),
            sources,
            overrides: overrides.unwrap_or_default(),
            rules,
            tree,
        })
    }

    /// The source of that name, if it has an entry.
    pub(super) fn source(&self, name: &str) -> Option<&SourceSettings> {
        self.sources.iter().find(|source| source.name == name)
    }
}

/// The plugin rules of the section `exec`; [`PluginOptions`] defines its keys.
fn plugin_rules(exec: &Value) -> Result<PluginRules> {
    let schema = schema::plugin_schema();
    let exec = typed(exec.clone(), Some(schema), schema)?;
    mapping(&exec)?;
    let written = exec
        .parse::<PluginOptions>()
        .map_err(|error| locate_error(error, &exec))?;
    written.rules().map_err(|error| error.with_origin(exec.origin()))
}

fn chain(value: &Value) -> Result<Vec<LocatedName>> {
    let names_schema = serde_json::json!({"type": "array", "items": {"type": "string"}});
    let value = typed(value.clone(), Some(&names_schema), &names_schema)?;
    let ValueKind::Sequence(items) = value.kind() else {
        return Err(expected("a list of names", &value).with_help("write it as [kubeconfig, in-cluster]"));
    };
    let mut problems = Problems::default();
    let mut chain: Vec<LocatedName> = Vec::with_capacity(items.len());
    for item in items {
        let origin = item.origin().clone();
        match item.as_str() {
            None => problems.add(expected("the name of a source", item)),
            Some(name) if chain.iter().any(|other| other.name == name) => problems.add(
                Error::new(
                    ErrorKind::DuplicateName,
                    format_args!("the chain names \"{}\" twice", clean_line(name)),
                )
                .with_origin(&origin)
                .with_help("remove one of the two"),
            ),
            Some(name) => chain.push(LocatedName {
                name: name.to_owned(),
                origin,
            }),
        }
    }
    problems.into_result().map(|()| chain)
}

fn source(name: &str, value: &Value) -> Result<SourceSettings> {
    let mut options = options(value)?;
    let mut own = options.split_off(COMMON_KEYS);
    let schema = schema::common_schema();
    for (key, value) in own.clone().iter() {
        own.insert(
            key,
            typed(
                value.clone(),
                schema.pointer(&format!("/properties/{key}")),
                schema,
            )?,
        );
    }
    let mut problems = Problems::default();
    let provider = own.get("provider").and_then(|value| {
        problems
            .take(
                value
                    .as_str()
                    .ok_or_else(|| expected("the name of a provider", value)),
            )
            .map(|name| LocatedName {
                name: name.to_owned(),
                origin: value.origin().clone(),
            })
    });
    let is_enabled = own
        .get("enabled")
        .and_then(|value| problems.take(value.parse::<bool>()));
    let timeout = own
        .get("timeout")
        .and_then(|value| problems.take(value.parse::<Deadline>()));
    problems.into_result()?;
    Ok(SourceSettings {
        name: name.to_owned(),
        origin: value.origin().clone(),
        provider,
        is_enabled: is_enabled.unwrap_or(true),
        timeout: timeout.map(Deadline::duration),
        options,
    })
}

/// A mapping as options, each with its origin.
fn options(value: &Value) -> Result<Options> {
    let mut options = Options::with_origin(value.origin().clone());
    for (key, value) in mapping(value)? {
        options.insert(key, value.clone());
    }
    Ok(options)
}

fn entries(value: &Value) -> &[(String, Value)] {
    match value.kind() {
        ValueKind::Mapping(entries) => entries,
        _ => &[],
    }
}

fn mapping(value: &Value) -> Result<&[(String, Value)]> {
    match value.kind() {
        ValueKind::Mapping(entries) => Ok(entries),
        _ => Err(expected("a mapping", value)),
    }
}

/// The error of a value whose type is not the one that its key takes.
pub(super) fn expected(what: &str, found: &Value) -> Error {
    let message = format!("expected {what}, found {}", found.type_name());
    Error::new(ErrorKind::InvalidValue, message).with_origin(found.origin())
}

/// The error with the origin of the value that its keys lead to. Deserialising a mapping knows only where the mapping
/// is.
pub(super) fn locate_error(error: Error, within: &Value) -> Error {
    let found = error.origin().and_then(|origin| find(origin.keys(), within));
    match found.map(|value| value.origin().clone()) {
        Some(origin) => error.with_origin(&origin),
        None => error,
    }
}

fn find<'v>(keys: &str, within: &'v Value) -> Option<&'v Value> {
    if within.origin().keys() == keys {
        return Some(within);
    }
    match within.kind() {
        ValueKind::Mapping(entries) => entries.iter().find_map(|(_, value)| find(keys, value)),
        ValueKind::Sequence(items) => items.iter().find_map(|item| find(keys, item)),
        _ => None,
    }
}
