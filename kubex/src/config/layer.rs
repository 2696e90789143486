//! Merges the layers of a configuration into one tree.
//!
//! [figment](https://docs.rs/figment) merges the layers and applies the profiles. Maps are merged key by key. Any other value,
//! also a list, is replaced by that of the later layer. A profile takes precedence over the default one. figment merges
//! *numbers* instead of values: [`NumberedLayer`] contains the layer's maps, with a number for each other value, which is its
//! position in a vector. [`values_of`] then replaces the numbers in the merged tree with the values.
//!
//! ```text
//! layer 1   {sources: {a: {server: X, token: Y}}}   ->  {sources: {a: {server: 0, token: 1}}}
//! layer 2   {sources: {a: {server: Z}}}             ->  {sources: {a: {server: 2}}}
//! merged    {sources: {a: {server: Z, token: Y}}}  <-   {sources: {a: {server: 2, token: 1}}}
//! ```
//!
//! The values themselves are not merged, for these reasons:
//!
//! | a value needs | figment's `Value` | with numbers |
//! |---|---|---|
//! | its origin: file, line, column, keys or variable | has one tag for each layer, without lines | stays with the value |
//! | its text wiped on drop and hidden in `Debug` | is a `String` that is cloned by each merge and shown | the merge copies no text |
//! | the type that the file gave it | a number has figment's types, `null` is `Empty` | stays as it is |
//! | no part of it in an error | an error quotes the value | numbers are not secret |
//!
//! `null` unsets an earlier value. figment does not support that, so `null` is merged like any other value, and dropped when
//! the numbers are replaced. A map of the merged tree has the origin of the first layer that contains it.

use figment::value::{Dict, Map, Tag};
use figment::{Figment, Metadata, Profile};
use kubex_core::error::Problems;
use kubex_core::options::{Value, ValueKind};
use kubex_core::overrides::replaced_by;
use kubex_core::text::{clean_line, nearest};
use kubex_core::{Error, ErrorKind, Options, Origin, Result, Warning};

use super::prepare::REFERENCE_SUFFIX;

/// The key of a file's profiles.
pub(super) const PROFILES: &str = "profiles";

/// The source of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum LayerKind {
    /// The built-in defaults, or those of the program.
    Defaults,
    File,
    Variables,
    /// The program's options.
    Program,
}

impl LayerKind {
    /// Whether it wins over the profiles of the files.
    fn is_global(self) -> bool {
        matches!(self, Self::Variables | Self::Program)
    }
}

/// One layer: a mapping, and its profiles.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    root: Value,
    profiles: Vec<(String, Value)>,
    kind: LayerKind,
    /// The warnings about its file or its variables.
    warnings: Vec<Warning>,
    /// The problems of its profiles, which are left out.
    problems: Vec<Error>,
}

impl Layer {
    /// The layer of the built-in defaults.
    pub(super) fn defaults(order: &[&str]) -> Self {
        let origin = Origin::bytes("the built-in defaults");
        let chain = Value::new(order.to_vec(), origin.clone());
        Self {
            root: Value::new(vec![("chain".to_owned(), chain)], origin.clone()).located(origin),
            profiles: Vec::new(),
            kind: LayerKind::Defaults,
            warnings: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The layer of a file.
    pub(super) fn from_file(root: Value) -> Result<Self> {
        let origin = root.origin().clone();
        let ValueKind::Mapping(mut entries) = root.into_kind() else {
            return Err(Error::new(
                ErrorKind::MalformedDocument,
                "the configuration must be a mapping",
            )
            .with_origin(&origin));
        };
        let at = entries.iter().position(|(key, _)| key == PROFILES);
        let mut problems = Problems::new();
        let profiles = match at.map(|at| entries.remove(at).1) {
            Some(profiles) => profiles_in(&profiles, &mut problems),
            None => Vec::new(),
        };
        Ok(Self {
            root: Value::new(entries, origin),
            profiles,
            kind: LayerKind::File,
            warnings: Vec::new(),
            problems: problems
                .into_result()
                .err()
                .map_or_else(Vec::new, Error::into_problems),
        })
    }

    /// The layer of the variables.
    pub(super) fn variables(root: Value) -> Self {
        Self {
            root,
            profiles: Vec::new(),
            kind: LayerKind::Variables,
            warnings: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// The layer of the program's options, which wins over all others.
    pub(super) fn from_options(options: &Options) -> Self {
        Self::of_the_program(options, LayerKind::Program)
    }

    /// The layer of the program's own defaults, which every file and variable can change.
    pub(super) fn program_defaults(options: &Options) -> Self {
        Self::of_the_program(options, LayerKind::Defaults)
    }

    /// A key with dots is a path: `sources.kubeconfig.context`.
    fn of_the_program(options: &Options, kind: LayerKind) -> Self {
        let mut root = Value::new(Vec::<(String, Value)>::new(), options.origin().clone());
        for (path, value) in options.iter() {
            let keys: Vec<&str> = path.split('.').collect();
            insert(&mut root, &keys, value.clone());
        }
        Self {
            root,
            profiles: Vec::new(),
            kind,
            warnings: Vec::new(),
            problems: Vec::new(),
        }
    }

    /// Whether these are defaults: the built-in ones, or those of the program.
    pub(super) fn is_of_defaults(&self) -> bool {
        self.kind == LayerKind::Defaults
    }

    /// Whether it is read from variables.
    pub(super) fn is_of_variables(&self) -> bool {
        self.kind == LayerKind::Variables
    }

    /// Sets the warnings about its file or its variables.
    pub(super) fn with_warnings(self, warnings: Vec<Warning>) -> Self {
        Self { warnings, ..self }
    }

    pub(super) fn warnings(&self) -> &[Warning] {
        &self.warnings
    }

    /// The problems of what was left out of it.
    pub(super) fn problems(&self) -> &[Error] {
        &self.problems
    }

    /// The origin of its root.
    pub(super) fn origin(&self) -> &Origin {
        self.root.origin()
    }

    pub(super) fn profile_names(&self) -> impl Iterator<Item = &str> {
        self.profiles.iter().map(|(name, _)| name.as_str())
    }

    /// The origin of a mapping in this layer, outside of the profiles or in the selected one.
    fn find(&self, keys: &[&str], profile: Option<&str>) -> Option<&Origin> {
        self.roots(profile)
            .find_map(|root| keys.iter().try_fold(root, |value, key| value.get(key)))
            .map(Value::origin)
    }

    /// Its mapping outside of the profiles, and that of the selected one.
    fn roots(&self, profile: Option<&str>) -> impl Iterator<Item = &Value> {
        let in_profile = self
            .profiles
            .iter()
            .filter(move |(name, _)| profile.is_some_and(|profile| profile.eq_ignore_ascii_case(name)))
            .map(|(_, root)| root);
        std::iter::once(&self.root).chain(in_profile)
    }
}

/// The profiles that have no problem.
fn profiles_in(profiles: &Value, problems: &mut Problems) -> Vec<(String, Value)> {
    let ValueKind::Mapping(entries) = profiles.kind() else {
        problems.add(not_a_mapping(profiles));
        return Vec::new();
    };
    let mut valid = Vec::new();
    let mut known: Vec<&str> = Vec::new();
    for (name, profile) in entries {
        let wrong = |kind, why: &str| {
            let error = Error::new(kind, why).with_origin(profile.origin());
            Err(error.with_help("choose another name"))
        };
        let checked = problems.take(match profile.kind() {
            _ if !Profile::new(name).is_custom() => wrong(
                ErrorKind::InvalidValue,
                "a profile cannot be called \"default\" or \"global\": both names are reserved",
            ),
            _ if known.iter().any(|known| known.eq_ignore_ascii_case(name)) => wrong(
                ErrorKind::DuplicateName,
                "two profiles have this name, because case is ignored",
            ),
            ValueKind::Mapping(_) => Ok(()),
            _ => Err(not_a_mapping(profile)),
        });
        known.push(name);
        valid.extend(checked.map(|()| (name.clone(), profile.clone())));
    }
    valid
}

fn not_a_mapping(value: &Value) -> Error {
    Error::wrong_type("a mapping", value.type_name()).with_origin(value.origin())
}

/// Merges the layers. Later ones win: the files outside of their profiles, the files in the selected profile, the
/// variables, the program. A value that is null is left out.
///
/// # Errors
/// `MissingField` if no file has the profile.
pub(super) fn merge(layers: &[Layer], profile: Option<(&str, &Origin)>) -> Result<Value> {
    let mut figment = Figment::new();
    let mut numbered = Vec::new();
    for layer in layers {
        figment = figment.merge(NumberedLayer::new(layer, &mut numbered));
    }
    if let Some((name, origin)) = profile {
        let known: Vec<&str> = layers.iter().flat_map(Layer::profile_names).collect();
        if !known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(no_such_profile(name, &known, origin));
        }
        figment = figment.select(name);
    }
    let name = profile.map(|(name, _)| name);
    let merged = figment.find_value("").map_err(|_| {
        // A numbered layer is always valid, so figment has no details to add.
        Error::new(
            ErrorKind::MalformedDocument,
            "the layers of the configuration cannot be merged",
        )
    })?;
    Ok(values_of(merged, &mut Vec::new(), &numbered, layers, name).unwrap_or_default())
}

fn no_such_profile(name: &str, known: &[&str], origin: &Origin) -> Error {
    let message = format!("there is no profile \"{}\"", clean_line(name));
    let error = Error::new(ErrorKind::MissingField, message).with_origin(origin);
    match nearest(name, known) {
        Some(near) => error.with_help(format_args!("did you mean \"{}\"?", clean_line(near))),
        None if known.is_empty() => error.with_help("no configuration file has a profile"),
        None => error.with_help(format_args!(
            "the profiles are: {}",
            clean_line(&known.join(", "))
        )),
    }
}

/// A layer for figment: its maps, with a number for each other value.
struct NumberedLayer {
    data: Map<Profile, Dict>,
}

impl NumberedLayer {
    fn new<'v>(layer: &'v Layer, numbered: &mut Vec<&'v Value>) -> Self {
        let mut data = Map::new();
        let profile = if layer.kind.is_global() {
            Profile::Global
        } else {
            Profile::Default
        };
        data.insert(profile, number_root(&layer.root, numbered));
        for (name, root) in &layer.profiles {
            data.insert(Profile::new(name), number_root(root, numbered));
        }
        Self { data }
    }
}

impl figment::Provider for NumberedLayer {
    fn metadata(&self) -> Metadata {
        Metadata::named("a layer of Kubex's configuration")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(self.data.clone())
    }
}

/// A number without a value. Like `null`, it unsets the values of earlier layers.
const UNSET: u64 = u64::MAX;

/// The entries of a layer or a profile. An override also unsets the overrides of earlier layers that it replaces, by the
/// rule that applies between the overrides and a source ([`kubex_core::overrides`]). A plugin policy without a list unsets the
/// allowlist of earlier layers.
fn number_root<'v>(root: &'v Value, numbered: &mut Vec<&'v Value>) -> Dict {
    let mut dict = number_entries(root, numbered);
    if let (Some(written), Some(figment::value::Value::Dict(_, rules))) =
        (root.get("exec"), dict.get_mut("exec"))
        && written.get("allowlist").is_none()
        && written.get("policy").is_some_and(is_policy_without_a_list)
    {
        rules.insert("allowlist".to_owned(), figment::value::Value::from(UNSET));
    }
    if let (Some(written), Some(figment::value::Value::Dict(_, overrides))) =
        (root.get("overrides"), dict.get_mut("overrides"))
    {
        unset_replaced_overrides(written, overrides);
    }
    dict
}

/// Whether it is a plugin policy that uses no allowlist.
fn is_policy_without_a_list(policy: &Value) -> bool {
    matches!(
        policy.as_str(),
        Some("allow-all" | "AllowAll" | "deny-all" | "DenyAll")
    )
}

/// The allowlist that the plugin policy of a later layer put out of force: a warning with its origin.
pub(super) fn unused_allowlist(layers: &[Layer], profile: Option<&str>, merged: &Value) -> Option<Warning> {
    let rules = merged.get("exec")?;
    let policy = rules
        .get("policy")
        .filter(|policy| is_policy_without_a_list(policy))?;
    if rules.get("allowlist").is_some() {
        return None;
    }
    let lists = layers.iter().rev();
    let list = lists
        .flat_map(|layer| layer.roots(profile))
        .find_map(|root| root.get("exec")?.get("allowlist"))
        .filter(|list| matches!(list.kind(), ValueKind::Sequence(_)))?;
    let message = format!(
        "the allowlist is not in force: the plugin policy is {}, set by {}",
        policy.as_str().unwrap_or_default(),
        policy.origin()
    );
    Some(Warning::new("allowlist-not-in-force", message).with_origin(list.origin()))
}

fn unset_replaced_overrides(written: &Value, overrides: &mut Dict) {
    let ValueKind::Mapping(entries) = written.kind() else {
        return;
    };
    for (key, value) in entries {
        let turns_off = match value.kind() {
            ValueKind::Null => continue,
            ValueKind::Boolean(is_set) => !is_set,
            ValueKind::String(text) => &**text == "false",
            _ => false,
        };
        let field = key.strip_suffix(REFERENCE_SUFFIX).unwrap_or(key);
        for replaced in replaced_by(field, turns_off).iter().chain([&field]) {
            for other in [(*replaced).to_owned(), format!("{replaced}{REFERENCE_SUFFIX}")] {
                if written.get(&other).is_none() {
                    overrides.insert(other, figment::value::Value::from(UNSET));
                }
            }
        }
    }
}

fn number_entries<'v>(mapping: &'v Value, numbered: &mut Vec<&'v Value>) -> Dict {
    let ValueKind::Mapping(entries) = mapping.kind() else {
        return Dict::new();
    };
    let entries = entries
        .iter()
        .map(|(key, value)| (key.clone(), number(value, numbered)));
    entries.collect()
}

fn number<'v>(value: &'v Value, numbered: &mut Vec<&'v Value>) -> figment::value::Value {
    if let ValueKind::Mapping(_) = value.kind() {
        return figment::value::Value::Dict(Tag::Default, number_entries(value, numbered));
    }
    numbered.push(value);
    figment::value::Value::from(numbered.len() as u64 - 1)
}

/// Replaces the numbers of the merged tree by the values; `None` for null.
fn values_of(
    merged: figment::value::Value,
    keys: &mut Vec<String>,
    numbered: &[&Value],
    layers: &[Layer],
    profile: Option<&str>,
) -> Option<Value> {
    let figment::value::Value::Dict(_, dict) = merged else {
        let number = merged.to_u128().and_then(|number| usize::try_from(number).ok())?;
        return numbered
            .get(number)
            .filter(|value| !matches!(value.kind(), ValueKind::Null))
            .copied()
            .cloned();
    };
    let path: Vec<&str> = keys.iter().map(String::as_str).collect();
    let origin = layers
        .iter()
        .find_map(|layer| layer.find(&path, profile))
        .cloned();
    let mut entries = Vec::with_capacity(dict.len());
    for (key, merged) in dict {
        keys.push(key.clone());
        let value = values_of(merged, keys, numbered, layers, profile);
        keys.pop();
        entries.extend(value.map(|value| (key, value)));
    }
    Some(Value::new(entries, origin.unwrap_or_else(Origin::code)))
}

/// Sets the value at a path of keys and creates the mappings on the way. An existing value is replaced.
pub(super) fn insert(root: &mut Value, keys: &[&str], value: Value) {
    let Some((first, rest)) = keys.split_first() else {
        *root = value;
        return;
    };
    let origin = root.origin().clone();
    let mut entries = match std::mem::take(root).into_kind() {
        ValueKind::Mapping(entries) => entries,
        _ => Vec::new(),
    };
    let mut below = match entries.iter().position(|(key, _)| key == first) {
        Some(at) => entries.swap_remove(at).1,
        None => Value::new(ValueKind::Null, value.origin().clone()),
    };
    insert(&mut below, rest, value);
    entries.push(((*first).to_owned(), below));
    *root = Value::new(entries, origin);
}
