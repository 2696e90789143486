//! What the folded tree means, as far as that needs no provider.

use std::time::Duration;

use kubex_core::error::Problems;
use kubex_core::host::{Deadline, PluginOptions, PluginRules};
use kubex_core::options::{Value, ValueKind};
use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind, Options, Origin, Result};

use super::layer::PROFILES;
use super::schema;
use super::variables::typed;

/// The keys at the top, beside the profiles.
pub(super) const SECTIONS: &[&str] = &["chain", "sources", "overrides", "exec"];

/// What every source takes beside the options of its provider.
pub(super) const OF_EVERY_SOURCE: &[&str] = &["provider", "enabled", "timeout"];

/// A configuration, read.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// The names of the chain, in order.
    pub(super) chain: Vec<Named>,
    /// The sources that are described, by name.
    pub(super) sources: Vec<SourceSettings>,
    pub(super) overrides: Options,
    pub(super) rules: Option<PluginRules>,
    /// All of it.
    pub(super) tree: Value,
}

/// A name and where it was written down.
#[derive(Clone, Debug)]
pub(super) struct Named {
    pub(super) name: String,
    pub(super) origin: Origin,
}

/// A source that is described.
#[derive(Clone, Debug)]
pub(super) struct SourceSettings {
    pub(super) name: String,
    pub(super) origin: Origin,
    /// The provider, where one is named.
    pub(super) provider: Option<Named>,
    pub(super) is_enabled: bool,
    pub(super) timeout: Option<Duration>,
    /// The rest: its provider's, and the cluster's.
    pub(super) options: Options,
}

impl SourceSettings {
    /// A source that only the chain names; it is called like its provider.
    pub(super) fn bare(named: &Named) -> Self {
        Self {
            name: named.name.clone(),
            origin: named.origin.clone(),
            provider: None,
            is_enabled: true,
            timeout: None,
            options: Options::with_origin(named.origin.clone()),
        }
    }

    /// The name of its provider: the one it says, else its own.
    pub(super) fn provider_name(&self) -> &str {
        self.provider
            .as_ref()
            .map_or(&self.name, |provider| &provider.name)
    }
}

impl Settings {
    /// Reads a folded tree. All that is wrong is told at once.
    pub(super) fn of(tree: Value) -> Result<Self> {
        let mut problems = Problems::default();
        for (key, value) in entries(&tree) {
            if !SECTIONS.contains(&key.as_str()) {
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

    /// The source of that name, where one is described.
    pub(super) fn source(&self, name: &str) -> Option<&SourceSettings> {
        self.sources.iter().find(|source| source.name == name)
    }
}

/// The rules for plugins that a section `exec` holds. Its keys, and what they mean, are the host's
/// ([`PluginOptions`]).
fn plugin_rules(exec: &Value) -> Result<PluginRules> {
    let schema = schema::of_plugin_rules();
    let exec = typed(exec.clone(), Some(schema), schema)?;
    mapping(&exec)?;
    let written = exec
        .parse::<PluginOptions>()
        .map_err(|error| at_the_value(error, &exec))?;
    written.rules().map_err(|error| error.with_origin(exec.origin()))
}

fn chain(value: &Value) -> Result<Vec<Named>> {
    let names_schema = serde_json::json!({"type": "array", "items": {"type": "string"}});
    let value = typed(value.clone(), Some(&names_schema), &names_schema)?;
    let ValueKind::Sequence(items) = value.kind() else {
        return Err(expected("a list of names", &value).with_help("write it as [kubeconfig, in-cluster]"));
    };
    let mut problems = Problems::default();
    let mut chain: Vec<Named> = Vec::with_capacity(items.len());
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
            Some(name) => chain.push(Named {
                name: name.to_owned(),
                origin,
            }),
        }
    }
    problems.into_result().map(|()| chain)
}

fn source(name: &str, value: &Value) -> Result<SourceSettings> {
    let mut options = options(value)?;
    let mut own = options.split_off(OF_EVERY_SOURCE);
    let schema = schema::of_every_source();
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
            .map(|name| Named {
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

/// A mapping as options that know their places.
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

/// A value of another type than its key takes.
pub(super) fn expected(what: &str, found: &Value) -> Error {
    let message = format!("expected {what}, found {}", found.type_name());
    Error::new(ErrorKind::InvalidValue, message).with_origin(found.origin())
}

/// An error with the place of the very value that its keys lead to: reading a mapping as a type knows the place of
/// the mapping alone.
pub(super) fn at_the_value(error: Error, within: &Value) -> Error {
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
