//! One place that says something, and how several of them become one.
//!
//! figment folds the layers: mappings are united key by key, and in everything else, lists too, the later layer
//! wins. What it folds are the shapes alone. In the place of each value it is given the value's number, so that
//! the values stay in trees that know where they were written down and wipe their texts.

use figment::value::{Dict, Map, Tag};
use figment::{Figment, Metadata, Profile};
use kubex_core::error::Problems;
use kubex_core::options::{Value, ValueKind};
use kubex_core::text::{clean_line, nearest};
use kubex_core::{Error, ErrorKind, Options, Origin, Result};

/// The key under which a file has its profiles.
pub(super) const PROFILES: &str = "profiles";

/// One layer: a mapping, and its named sets.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    root: Value,
    profiles: Vec<(String, Value)>,
    /// Whether it wins over what the files say in a profile, as variables and the program do.
    is_global: bool,
}

impl Layer {
    /// What holds where nobody says anything.
    pub(super) fn defaults(order: &[&str]) -> Self {
        let origin = Origin::bytes("the built-in defaults");
        let chain = Value::new(order.to_vec(), origin.clone());
        Self {
            root: Value::new(vec![("chain".to_owned(), chain)], origin.clone()).located(origin),
            profiles: Vec::new(),
            is_global: false,
        }
    }

    /// A file's.
    pub(super) fn file(root: Value) -> Result<Self> {
        let origin = root.origin().clone();
        let ValueKind::Mapping(mut entries) = root.into_kind() else {
            return Err(Error::new(
                ErrorKind::MalformedDocument,
                "the configuration must be a mapping",
            )
            .with_origin(&origin));
        };
        let at = entries.iter().position(|(key, _)| key == PROFILES);
        let profiles = match at.map(|at| entries.remove(at).1) {
            Some(profiles) => profiles_in(&profiles)?,
            None => Vec::new(),
        };
        Ok(Self {
            root: Value::new(entries, origin),
            profiles,
            is_global: false,
        })
    }

    /// What variables or the program say.
    pub(super) fn global(root: Value) -> Self {
        Self {
            root,
            profiles: Vec::new(),
            is_global: true,
        }
    }

    /// The file it comes from.
    pub(super) fn origin(&self) -> &Origin {
        self.root.origin()
    }

    pub(super) fn profile_names(&self) -> impl Iterator<Item = &str> {
        self.profiles.iter().map(|(name, _)| name.as_str())
    }

    /// Where a mapping of the folded tree stands in this layer.
    fn find(&self, keys: &[&str], profile: Option<&str>) -> Option<&Origin> {
        let in_profile = self
            .profiles
            .iter()
            .filter(|(name, _)| profile == Some(name))
            .map(|(_, root)| root);
        std::iter::once(&self.root)
            .chain(in_profile)
            .find_map(|root| keys.iter().try_fold(root, |value, key| value.get(key)))
            .map(Value::origin)
    }
}

fn profiles_in(profiles: &Value) -> Result<Vec<(String, Value)>> {
    let ValueKind::Mapping(entries) = profiles.kind() else {
        return Err(not_a_mapping(profiles));
    };
    let mut problems = Problems::default();
    let mut known: Vec<&str> = Vec::new();
    for (name, profile) in entries {
        let wrong = |kind, why: &str| {
            let error = Error::new(kind, why).with_origin(profile.origin());
            Err(error.with_help("give it another name"))
        };
        problems.take(match profile.kind() {
            _ if !Profile::new(name).is_custom() => wrong(
                ErrorKind::InvalidValue,
                "a profile cannot be called \"default\" or \"global\": what is outside of the profiles always holds",
            ),
            _ if known.iter().any(|known| known.eq_ignore_ascii_case(name)) => {
                wrong(ErrorKind::DuplicateName, "two profiles have this name, in which case does not count")
            }
            ValueKind::Mapping(_) => Ok(()),
            _ => Err(not_a_mapping(profile)),
        });
        known.push(name);
    }
    problems.into_result()?;
    Ok(entries.clone())
}

fn not_a_mapping(value: &Value) -> Error {
    let message = format!("expected a mapping, found {}", value.type_name());
    Error::new(ErrorKind::InvalidValue, message).with_origin(value.origin())
}

/// The layers as one tree, the later ones winning: what the files say outside of profiles, then what they say in
/// the chosen one, then variables and the program. A value of null is one that nobody set.
///
/// # Errors
/// `MissingField` where no file has the profile.
pub(super) fn fold(layers: &[Layer], profile: Option<(&str, &Origin)>) -> Result<Value> {
    let mut figment = Figment::new();
    let mut numbered = Vec::new();
    for layer in layers {
        figment = figment.merge(Shapes::of(layer, &mut numbered));
    }
    if let Some((name, origin)) = profile {
        let known: Vec<&str> = layers.iter().flat_map(Layer::profile_names).collect();
        if !known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
            return Err(no_such_profile(name, &known, origin));
        }
        figment = figment.select(name);
    }
    let name = profile.map(|(name, _)| name);
    let folded = figment.find_value("").map_err(|_| {
        // Shapes never fail, so there is nothing that could be told of it.
        Error::new(
            ErrorKind::MalformedDocument,
            "the layers of the configuration do not fit each other",
        )
    })?;
    Ok(values(folded, &mut Vec::new(), &numbered, layers, name).unwrap_or_default())
}

fn no_such_profile(name: &str, known: &[&str], origin: &Origin) -> Error {
    let message = format!("there is no profile \"{}\"", clean_line(name));
    let error = Error::new(ErrorKind::MissingField, message).with_origin(origin);
    match nearest(name, known) {
        Some(near) => error.with_help(format_args!("did you mean \"{}\"?", clean_line(near))),
        None if known.is_empty() => error.with_help("no configuration file has any"),
        None => error.with_help(format_args!(
            "the profiles are: {}",
            clean_line(&known.join(", "))
        )),
    }
}

/// The shape of a layer, for figment.
struct Shapes {
    data: Map<Profile, Dict>,
}

impl Shapes {
    fn of<'v>(layer: &'v Layer, numbered: &mut Vec<&'v Value>) -> Self {
        let mut data = Map::new();
        let profile = if layer.is_global {
            Profile::Global
        } else {
            Profile::Default
        };
        data.insert(profile, entries(&layer.root, numbered));
        for (name, root) in &layer.profiles {
            data.insert(Profile::new(name), entries(root, numbered));
        }
        Self { data }
    }
}

impl figment::Provider for Shapes {
    fn metadata(&self) -> Metadata {
        Metadata::named("a layer of Kubex's configuration")
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(self.data.clone())
    }
}

fn entries<'v>(mapping: &'v Value, numbered: &mut Vec<&'v Value>) -> Dict {
    let ValueKind::Mapping(entries) = mapping.kind() else {
        return Dict::new();
    };
    let shapes = entries
        .iter()
        .map(|(key, value)| (key.clone(), shape(value, numbered)));
    shapes.collect()
}

fn shape<'v>(value: &'v Value, numbered: &mut Vec<&'v Value>) -> figment::value::Value {
    if let ValueKind::Mapping(_) = value.kind() {
        return figment::value::Value::Dict(Tag::Default, entries(value, numbered));
    }
    numbered.push(value);
    figment::value::Value::from(numbered.len() as u64 - 1)
}

/// The tree of values that a shape stands for.
fn values(
    shape: figment::value::Value,
    keys: &mut Vec<String>,
    numbered: &[&Value],
    layers: &[Layer],
    profile: Option<&str>,
) -> Option<Value> {
    let figment::value::Value::Dict(_, dict) = shape else {
        let number = shape.to_u128().and_then(|number| usize::try_from(number).ok())?;
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
    for (key, shape) in dict {
        keys.push(key.clone());
        let value = values(shape, keys, numbered, layers, profile);
        keys.pop();
        entries.extend(value.map(|value| (key, value)));
    }
    Some(Value::new(entries, origin.unwrap_or_else(Origin::code)))
}

/// The layer of a program's own options. A key with dots in it is a path: `sources.kubeconfig.context`.
pub(super) fn of_code(options: &Options) -> Layer {
    let mut root = Value::new(Vec::<(String, Value)>::new(), options.origin().clone());
    for (path, value) in options.iter() {
        let keys: Vec<&str> = path.split('.').collect();
        insert(&mut root, &keys, value.clone());
    }
    Layer::global(root)
}

/// Puts a value at a path of keys, making mappings on the way; what was there gives way.
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
