//! Reads the merged tree into settings. The options of the sources, which need a provider's schema, are read later.

use std::time::Duration;

use kubex_core::error::Problems;
use kubex_core::host::{Deadline, PluginOptions, PluginRules};
use kubex_core::options::{Value, ValueKind};
use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind, Options, Origin, Result};

use super::cache::Cache;
use super::layer::PROFILES;
use super::problems::read_all;
use super::schema;
use super::typed::typed;

/// The top-level keys, without the profiles.
pub(super) const SECTIONS: &[&str] = &["chain", "sources", "overrides", "exec"];

/// The key by which a file names its schema, for editors.
const SCHEMA_KEY: &str = "$schema";

/// The keys that every source has, whichever its provider is.
pub(super) const COMMON_KEYS: &[&str] = &["provider", "enabled", "timeout", "cache", "cache-lifetime"];

/// The settings of a configuration.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// The names of the chain, in order.
    pub(super) chain: Vec<LocatedName>,
    /// The sources that have an entry below `sources`.
    pub(super) sources: Vec<SourceSettings>,
    pub(super) overrides: Options,
    pub(super) rules: Option<PluginRules>,
    /// Whether kubectl's kuberc is read; `None` if the configuration does not set it.
    pub(super) reads_kuberc: Option<bool>,
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
    pub(super) cache: Option<Cache>,
    pub(super) cache_lifetime: Option<Duration>,
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
            cache: None,
            cache_lifetime: None,
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
    /// Reads the merged tree, and collects all problems. What has one is left out.
    pub(super) fn read(tree: Value, problems: &mut Problems) -> Self {
        for (key, value) in entries(&tree) {
            if !SECTIONS.contains(&key.as_str()) && key != SCHEMA_KEY {
                // Only a file has profiles, and a profile has none.
                let is_in_a_file = value.origin().path().is_some() && value.origin().keys() == key;
                let profiles: &[&str] = if is_in_a_file { &[PROFILES] } else { &[] };
                let known = [SECTIONS, profiles].concat();
                problems.add(Error::unknown_key(key, &known).with_origin(value.origin()));
            }
        }
        let chain = tree.get("chain").map(|chain| self::chain(chain, problems));
        let sources = tree
            .get("sources")
            .and_then(|sources| problems.take(mapping(sources)));
        let sources = sources
            .into_iter()
            .flatten()
            .filter_map(|(name, source)| self::source(name, source, problems));
        let sources = sources.collect();
        let overrides = tree
            .get("overrides")
            .and_then(|overrides| problems.take(options_of(overrides)));
        let (rules, reads_kuberc) = match tree.get("exec") {
            Some(exec) => plugin_rules(exec, problems),
            None => (None, None),
        };
        Self {
            chain: chain.unwrap_or_default(),
            sources,
            overrides: overrides.unwrap_or_default(),
            rules,
            reads_kuberc,
            tree,
        }
    }

    /// The source of that name, if it has an entry.
    pub(super) fn source(&self, name: &str) -> Option<&SourceSettings> {
        self.sources.iter().find(|source| source.name == name)
    }
}

/// The plugin rules of the section `exec`, and whether the kuberc is read; [`PluginOptions`] defines its keys.
fn plugin_rules(exec: &Value, problems: &mut Problems) -> (Option<PluginRules>, Option<bool>) {
    let schema = schema::plugin_schema();
    let Some(exec) = problems.take(typed(exec.clone(), Some(schema), schema)) else {
        return (None, None);
    };
    if problems.take(mapping(&exec)).is_none() {
        return (None, None);
    }
    let locate = |error: Error| {
        let error = locate_error(error, &exec);
        let is_an_entry =
            |origin: &Origin| origin.keys().starts_with("exec.allowlist[") && origin.keys().ends_with(']');
        match error.origin() {
            Some(origin) if error.kind() == ErrorKind::InvalidValue && is_an_entry(origin) => {
                error.with_help("write an entry as {command: NAME}")
            }
            _ => error,
        }
    };
    let mut written = read_all(
        exec.clone(),
        false,
        problems,
        Value::parse::<PluginOptions>,
        locate,
    );
    let reads_kuberc = written.as_mut().and_then(|written| written.kuberc.take());
    let options = written.clone().unwrap_or_else(|| {
        let text = |key: &str| exec.get(key).and_then(Value::as_str).map(str::to_owned);
        PluginOptions {
            // A policy of which a list is a part cannot be checked without it.
            policy: text("policy").filter(|policy| !policy.eq_ignore_ascii_case("allowlist")),
            environment: text("environment"),
            ..PluginOptions::default()
        }
    });
    let policy_key = if options.policy.is_some() {
        "policy"
    } else {
        "allowlist"
    };
    let invalid_entries = invalid_entries(&options, &exec);
    let policy = if invalid_entries.is_empty() {
        options.plugin_policy().map(drop)
    } else {
        Ok(())
    };
    for (error, entry) in invalid_entries {
        problems.add(error.with_origin(entry.origin()));
    }
    // The errors of the parts do not contain their key.
    for (checked, key) in [
        (policy, policy_key),
        (options.plugin_environment().map(drop), "environment"),
        (options.check_native(), "native"),
    ] {
        let origin = exec.get(key).map_or(exec.origin(), Value::origin);
        problems.take(checked.map_err(|error| error.with_origin(origin)));
    }
    let rules = written.and_then(|written| written.rules().ok());
    (rules.map(|rules| with_origins(rules, &exec)), reads_kuberc)
}

/// The entries of the allowlist that make the policy invalid, each with its error.
fn invalid_entries<'v>(options: &PluginOptions, exec: &'v Value) -> Vec<(Error, &'v Value)> {
    let is_used = |policy: &String| policy.eq_ignore_ascii_case("allowlist");
    let (Some(list), Some(ValueKind::Sequence(items))) = (
        options
            .allowlist
            .as_ref()
            .filter(|_| options.policy.as_ref().is_some_and(is_used)),
        exec.get("allowlist").map(Value::kind),
    ) else {
        return Vec::new();
    };
    let checked = (1..).zip(list.iter().zip(items));
    let invalid = checked.filter_map(|(at, (entry, item))| Some((entry.check(at).err()?, item)));
    invalid.collect()
}

/// The rules whose policy knows where it is set.
fn with_origins(rules: PluginRules, exec: &Value) -> PluginRules {
    let list = exec.get("allowlist");
    let Some(policy) = list.or_else(|| exec.get("policy")) else {
        return rules;
    };
    let entries = match list.map(Value::kind) {
        Some(ValueKind::Sequence(items)) => items.as_slice(),
        _ => &[],
    };
    let located = rules.plugin_policy().clone().with_origin(policy.origin());
    rules.policy(located.with_entry_origins(entries.iter().map(|entry| entry.origin().clone())))
}

fn chain(value: &Value, problems: &mut Problems) -> Vec<LocatedName> {
    let names_schema = serde_json::json!({"type": "array", "items": {"type": "string"}});
    let Some(value) = problems.take(typed(value.clone(), Some(&names_schema), &names_schema)) else {
        return Vec::new();
    };
    let ValueKind::Sequence(items) = value.kind() else {
        problems.add(expected("a list of names", &value).with_help("write it as [kubeconfig, in-cluster]"));
        return Vec::new();
    };
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
    chain
}

/// A source. It is left out if its provider is not known, since its other keys cannot be checked then.
fn source(name: &str, value: &Value, problems: &mut Problems) -> Option<SourceSettings> {
    let mut options = problems.take(options_of(value))?;
    let mut own = options.split_off(COMMON_KEYS);
    let schema = schema::common_schema();
    for (key, value) in own.clone().iter() {
        let schema_of_key = schema.pointer(&format!("/properties/{key}"));
        match typed(value.clone(), schema_of_key, schema) {
            Ok(value) => own.insert(key, value),
            Err(error) => {
                problems.add(error);
                let _ = own.split_off(&[key]);
            }
        }
    }
    let provider = match own.get("provider") {
        None => None,
        Some(value) => {
            let name = value
                .as_str()
                .ok_or_else(|| expected("the name of a provider", value));
            Some(LocatedName {
                name: problems.take(name)?.to_owned(),
                origin: value.origin().clone(),
            })
        }
    };
    let is_enabled = own
        .get("enabled")
        .and_then(|value| problems.take(value.parse::<bool>()));
    let timeout = own
        .get("timeout")
        .and_then(|value| problems.take(value.parse::<Deadline>()));
    let cache = own.get("cache").and_then(|value| {
        let cache = value.parse::<Cache>();
        problems.take(cache.map_err(|error| error.with_origin(value.origin())))
    });
    let cache_lifetime = own
        .get("cache-lifetime")
        .and_then(|value| problems.take(value.parse::<Deadline>()));
    Some(SourceSettings {
        name: name.to_owned(),
        origin: value.origin().clone(),
        provider,
        is_enabled: is_enabled.unwrap_or(true),
        timeout: timeout.map(Deadline::duration),
        cache,
        cache_lifetime: cache_lifetime.map(Deadline::duration),
        options,
    })
}

/// A mapping as options, each with its origin.
pub(super) fn options_of(value: &Value) -> Result<Options> {
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

/// The error of a value with another type than its key requires.
pub(super) fn expected(what: &str, found: &Value) -> Error {
    Error::wrong_type(what, found.type_name()).with_origin(found.origin())
}

/// Adds the origin of the value to an error, by its keys. The error of deserializing a mapping contains only the origin of the
/// mapping.
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
