//! Which fields Kubex knows, and which of them never hold a secret.

use std::collections::HashSet;
use std::sync::LazyLock;

use kubex::text::{looks_like_a_key, not_a_path};

/// Fields whose values are useful to see and never secret. Names of users and clusters, and `command`, are shown if the
/// error names them.
const HARMLESS: &[&str] = &[
    "chain",
    "context",
    "current-context",
    "disable-compression",
    "enabled",
    "insecure-skip-tls-verify",
    "interactiveMode",
    "lenient",
    "name",
    "namespace",
    "policy",
    "provideClusterInfo",
    "provider",
    "server",
    "timeout",
    "tls-server-name",
];

/// The other fields of a kubeconfig, and the sections of a configuration.
const KNOWN: &[&str] = &[
    "allowlist",
    "apiVersion",
    "args",
    "as",
    "as-groups",
    "as-uid",
    "as-user-extra",
    "auth-provider",
    "certificate-authority",
    "certificate-authority-data",
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "cluster",
    "clusters",
    "command",
    "config",
    "contexts",
    "env",
    "exec",
    "extensions",
    "installHint",
    "kind",
    "overrides",
    "password",
    "preferences",
    "proxy-url",
    "sources",
    "token",
    "tokenFile",
    "user",
    "username",
    "users",
    "value",
];

/// Fields whose values are paths. Instead of a path, the content of its file may be there by mistake.
const PATHS: &[&str] = &[
    "certificate-authority",
    "client-certificate",
    "client-key",
    "federated-token-file",
    "idp-certificate-authority",
    "token-file",
    "tokenFile",
];

/// Fields whose values name something else. They are shown if the error names the same.
const NAMES: &[&str] = &["as", "cluster", "command", "login", "user", "username"];

/// Whether this value is shown although its field may hold a secret: a path that is one, the kind of a document, or a
/// name that the error contains.
pub(super) fn is_harmless_value(key: &str, value: &str, named_by_error: &dyn Fn(&str) -> bool) -> bool {
    match key {
        "kind" => !value.is_empty() && value.len() <= 32 && value.chars().all(|c| c.is_ascii_alphabetic()),
        "apiVersion" => is_api_version(value),
        _ if PATHS.contains(&key) => looks_like_a_path(value),
        _ => NAMES.contains(&key) && named_by_error(value),
    }
}

fn is_api_version(value: &str) -> bool {
    let version = value.rsplit('/').next().unwrap_or_default();
    version.len() <= 12
        && version.starts_with('v')
        && version.chars().nth(1).is_some_and(|c| c.is_ascii_digit())
        && value.len() <= 64
        && value
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "./-".contains(c))
}

fn looks_like_a_path(value: &str) -> bool {
    let is_windows = value.get(1..3).is_some_and(|start| matches!(start, ":\\" | ":/"));
    let has_extension = [".crt", ".pem", ".key", ".cer", ".ca", ".token"]
        .iter()
        .any(|extension| value.ends_with(extension));
    let has_start = ["/", "./", "../", "~/"]
        .iter()
        .any(|start| value.starts_with(start));
    (has_start || is_windows || has_extension) && not_a_path(value).is_none()
}

/// Whether this key of a user's own configuration is shown: the name of a source, or an option of a provider that is not
/// linked. A key that could be a secret has digits.
pub(super) fn is_harmless_key(key: &str) -> bool {
    looks_like_a_key(key) && !key.contains(|c: char| c.is_ascii_digit())
}

/// Whether the value of this field is never secret.
pub(super) fn is_harmless(key: &str) -> bool {
    HARMLESS.contains(&key)
}

/// Whether this is a field of a kubeconfig, of Kubex's configuration, or of the options of a linked provider.
pub(super) fn is_known(key: &str) -> bool {
    static PROVIDER_OPTIONS: LazyLock<HashSet<String>> = LazyLock::new(option_names);
    is_harmless(key) || KNOWN.contains(&key) || PROVIDER_OPTIONS.contains(key)
}

fn option_names() -> HashSet<String> {
    let Ok(registry) = kubex::registry() else {
        return HashSet::new();
    };
    let schemas = registry.iter().map(kubex::Registration::schema);
    schemas
        .filter_map(|schema| {
            let properties = schema.get("properties")?.as_object()?;
            Some(properties.keys().cloned().collect::<Vec<_>>())
        })
        .flatten()
        .collect()
}
