//! Which fields Kubex knows, and which of them never hold a secret.

use std::collections::HashSet;
use std::sync::LazyLock;

/// Fields whose values are useful to see and never secret. Fields that may hold a secret by mistake (`command`, or a path
/// that was replaced by the content of its file) are not listed, nor are names of users.
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
