//! Reads the `KUBEX_*` variables into a layer.
//!
//! `KUBEX_SOURCES__KUBECONFIG__CONTEXT` is `sources.kubeconfig.context`: two underscores separate keys, a single one stands
//! for a hyphen. A name that a file contains keeps the file's spelling.
//!
//! A variable with another name is a warning, because other programs may use the prefix too. If its name is similar to that of
//! a key, it is an error, because the user expects an effect.
//!
//! The values are strings; [`typed`](super::typed) converts them to the types of the schema.

use kubex_core::error::Problems;
use kubex_core::host::PLUGIN_VARIABLES;
use kubex_core::options::{Value, ValueKind};
use kubex_core::text::{clean_line, nearest};
use kubex_core::{Error, ErrorKind, Host, Origin, Result, Warning};

use super::layer::{Layer, insert};
use super::places::FILE_VARIABLE;
use super::schema;
use super::settings::SECTIONS;
use super::typed::property;

/// The variable that selects the profile.
pub(super) const PROFILE_VARIABLE: &str = "KUBEX_PROFILE";

const PREFIX: &str = "KUBEX_";

/// The variable that the completion script of a shell sets for the command.
const COMPLETE_VARIABLE: &str = "KUBEX_COMPLETE";

/// The variables of the store, which is opened without the configuration.
const STORE_VARIABLES: &[&str] = &["KUBEX_CACHE_DIR", "KUBEX_CACHE_KEY", "KUBEX_CACHE_STACK"];

/// Whether this variable is not a configuration key.
fn is_reserved(name: &str) -> bool {
    [FILE_VARIABLE, PROFILE_VARIABLE, COMPLETE_VARIABLE].contains(&name)
        || PLUGIN_VARIABLES.contains(&name)
        || STORE_VARIABLES.contains(&name)
}

/// The layer of the variables. `files` is the merged tree of the files, whose names keep their spelling.
///
/// # Errors
/// `InvalidValue` for a value that is not Unicode, or a variable that fits two names of the files; `UnknownField` for a
/// variable that is nearly the name of a key.
pub(super) fn layer(host: &Host, files: &Value) -> Result<Layer> {
    let mut names: Vec<String> = host
        .environment()
        .variables()
        .into_iter()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| name.starts_with(PREFIX) && !is_reserved(name) && !is_service_link(name))
        .collect();
    names.sort_unstable();
    let mut problems = Problems::new();
    let mut warnings = Vec::new();
    let mut root = Value::new(Vec::<(String, Value)>::new(), Origin::variable("KUBEX_*"));
    for name in names {
        let Some(text) = host.environment().unicode(&name)? else {
            continue;
        };
        let origin = Origin::variable(&name);
        if !is_of_a_section(&name) {
            match meant(&name) {
                Some(meant) => problems.add(misspelled(&name, &meant).with_origin(&origin)),
                None => warnings.push(
                    Warning::new(
                        "unknown-variable",
                        "the variable is not a configuration key, and is ignored",
                    )
                    .with_origin(&origin),
                ),
            }
            continue;
        }
        let keys = keys(&name, files, &origin)?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        insert(&mut root, &keys, Value::new(text, origin));
    }
    problems.into_result()?;
    Ok(Layer::variables(root).with_warnings(warnings))
}

/// Whether the variable sets a top-level key, or a key below one.
fn is_of_a_section(name: &str) -> bool {
    let first = name.strip_prefix(PREFIX).unwrap_or(name).split("__").next();
    first.is_some_and(|first| SECTIONS.contains(&normalize(first).as_str()))
}

/// The variable that the user probably means by a name that is not a key: a similar name, or one that ends with this key.
fn meant(name: &str) -> Option<String> {
    let written = name.strip_prefix(PREFIX).unwrap_or(name);
    let (first, rest) = match written.split_once("__") {
        Some((first, rest)) => (first, Some(rest)),
        None => (written, None),
    };
    let key = normalize(first);
    let mut known: Vec<String> = SECTIONS.iter().map(|section| section.to_uppercase()).collect();
    if rest.is_none() {
        for (section, schema) in [
            ("OVERRIDES", schema::overrides_schema()),
            ("EXEC", schema::plugin_schema()),
        ] {
            if property(schema, &key).is_some() {
                return Some(format!("{PREFIX}{section}__{first}"));
            }
        }
        if matches!(key.as_str(), "context" | "cluster" | "user") {
            return Some(format!("{PREFIX}SOURCES__KUBECONFIG__{first}"));
        }
        let others = [FILE_VARIABLE, PROFILE_VARIABLE].iter();
        known.extend(
            others
                .filter_map(|name| name.strip_prefix(PREFIX))
                .map(str::to_owned),
        );
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let similar = nearest(first, &known)?;
    Some(match rest {
        Some(rest) => format!("{PREFIX}{similar}__{rest}"),
        None => format!("{PREFIX}{similar}"),
    })
}

fn misspelled(name: &str, meant: &str) -> Error {
    let message = format!("the variable {} is not a configuration key", clean_line(name));
    Error::new(ErrorKind::UnknownField, message)
        .with_help(format_args!("did you mean {}?", clean_line(meant)))
}

/// Whether Kubernetes sets the variable in every pod for a service whose name begins with `kubex`.
fn is_service_link(name: &str) -> bool {
    let Some(rest) = name.strip_prefix(PREFIX).filter(|rest| !rest.contains("__")) else {
        return false;
    };
    let words: Vec<&str> = rest.split('_').collect();
    let is_number = |word: &str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    matches!(words.as_slice(), [.., "PORT"])
        || words.windows(2).any(|pair| match pair {
            ["SERVICE", "HOST" | "PORT"] => true,
            ["PORT", number] => is_number(number),
            _ => false,
        })
}

/// The keys that the name of a variable stands for.
fn keys(name: &str, files: &Value, origin: &Origin) -> Result<Vec<String>> {
    let mut found = Some(files);
    let mut keys = Vec::new();
    for part in name.strip_prefix(PREFIX).unwrap_or(name).split("__") {
        let wanted = normalize(part);
        let known: Vec<&str> = match found.map(Value::kind) {
            Some(ValueKind::Mapping(entries)) => entries
                .iter()
                .map(|(key, _)| key.as_str())
                .filter(|key| normalize(key) == wanted)
                .collect(),
            _ => Vec::new(),
        };
        let key = match known.as_slice() {
            [] => wanted,
            [key] => (*key).to_owned(),
            [one, other, ..] => {
                let message = format!(
                    "the variable matches two keys, \"{}\" and \"{}\"",
                    clean_line(one),
                    clean_line(other)
                );
                return Err(Error::new(ErrorKind::InvalidValue, message)
                    .with_origin(origin)
                    .with_help(
                        "rename one of the two keys; case, hyphens and underscores do not distinguish them",
                    ));
            }
        };
        found = found.and_then(|value| value.get(&key));
        keys.push(key);
    }
    Ok(keys)
}

fn normalize(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

/// Whether a text looks like the name of a variable: capital letters, digits and underscores.
pub(super) fn looks_like_a_variable(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use kubex_core::host::SimulatedHost;

    use super::*;

    #[test]
    fn a_variable_that_is_nearly_a_key_is_an_error_and_any_other_a_warning() {
        for (name, expected) in [
            ("KUBEX_CHIAN", Some("KUBEX_CHAIN")),
            ("KUBEX_SOURCE__A__TOKEN", Some("KUBEX_SOURCES__A__TOKEN")),
            ("KUBEX_CONFI", Some("KUBEX_CONFIG")),
            ("KUBEX_PROFILES", Some("KUBEX_PROFILE")),
            ("KUBEX_NAMESPACE", Some("KUBEX_OVERRIDES__NAMESPACE")),
            ("KUBEX_AS_UID", Some("KUBEX_OVERRIDES__AS_UID")),
            ("KUBEX_CONTEXT", Some("KUBEX_SOURCES__KUBECONFIG__CONTEXT")),
            ("KUBEX_POLICY", Some("KUBEX_EXEC__POLICY")),
            ("KUBEX_LOG", None),
            ("KUBEX_FOO", None),
            ("KUBEX_", None),
            ("KUBEX_FOO__BAR", None),
        ] {
            assert_eq!(meant(name).as_deref(), expected, "{name}");
            let world = SimulatedHost::new();
            world.set_variable(name, "s3cret");
            match (layer(&world.host(), &Value::default()), expected) {
                (Err(error), Some(_)) => {
                    let text = error.to_string();
                    assert!(text.contains(name) && !text.contains("s3cret"), "{text}");
                }
                (Ok(layer), None) => assert_eq!(layer.warnings().len(), 1, "{name}"),
                (other, _) => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn a_service_called_kubex_configures_nothing() {
        let world = SimulatedHost::new();
        for (name, value) in [
            ("KUBEX_SERVICE_HOST", "10.0.0.1"),
            ("KUBEX_SERVICE_PORT", "443"),
            ("KUBEX_SERVICE_PORT_HTTPS", "443"),
            ("KUBEX_PORT", "tcp://10.0.0.1:443"),
            ("KUBEX_PORT_443_TCP", "tcp://10.0.0.1:443"),
            ("KUBEX_PORT_443_TCP_ADDR", "10.0.0.1"),
            ("KUBEX_API_PORT_443_TCP_PROTO", "tcp"),
            ("KUBEX_API_SERVICE_HOST", "10.0.0.2"),
        ] {
            world.set_variable(name, value);
        }
        let layer = layer(&world.host(), &Value::default()).unwrap();
        assert_eq!(format!("{layer:?}").matches("[a string]").count(), 0, "{layer:?}");
    }
}
