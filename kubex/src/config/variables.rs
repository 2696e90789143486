//! Reads the `KUBEX_*` variables into a layer.
//!
//! `KUBEX_SOURCES__KUBECONFIG__CONTEXT` is `sources.kubeconfig.context`: two underscores separate keys, a single one stands
//! for a hyphen. A name that a file contains keeps the file's spelling.
//!
//! The values are texts; [`typed`](super::typed) gives them the types of the schema.

use kubex_core::options::{Value, ValueKind};
use kubex_core::text::clean_line;
use kubex_core::{Error, ErrorKind, Host, Origin, Result};

use super::layer::{Layer, insert};
use super::places::FILE_VARIABLE;

/// The variable that selects the profile.
pub(super) const PROFILE_VARIABLE: &str = "KUBEX_PROFILE";

const PREFIX: &str = "KUBEX_";

/// Variables that are not configuration keys: those of the store, which is read without the configuration, and those that
/// Kubex sets for plugins.
const NOT_KEYS: &[&str] = &[
    FILE_VARIABLE,
    PROFILE_VARIABLE,
    "KUBEX_CACHE_DIR",
    "KUBEX_CACHE_KEY",
    "KUBEX_CACHE_STACK",
    "KUBEX_EXEC_RUN",
    "KUBEX_EXEC_STACK",
];

/// The layer of the variables. `files` is the merged tree of the files, whose names keep their spelling.
///
/// # Errors
/// `InvalidValue` for a value that is not Unicode, or a variable that fits two names of the files.
pub(super) fn layer(host: &Host, files: &Value) -> Result<Layer> {
    let mut names: Vec<String> = host
        .environment()
        .variables()
        .into_iter()
        .filter_map(|(name, _)| name.into_string().ok())
        .filter(|name| {
            name.starts_with(PREFIX) && !NOT_KEYS.contains(&name.as_str()) && !is_service_link(name)
        })
        .collect();
    names.sort_unstable();
    let mut root = Value::new(Vec::<(String, Value)>::new(), Origin::variable("KUBEX_*"));
    for name in names {
        let Some(text) = host.environment().unicode(&name)? else {
            continue;
        };
        let origin = Origin::variable(&name);
        let keys = keys(&name, files, &origin)?;
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        insert(&mut root, &keys, Value::new(text, origin));
    }
    Ok(Layer::global(root))
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
                    "the variable may mean \"{}\" or \"{}\"",
                    clean_line(one),
                    clean_line(other)
                );
                return Err(Error::new(ErrorKind::InvalidValue, message)
                    .with_origin(origin)
                    .with_help("rename one of the two, as case, hyphens and underscores do not count"));
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
