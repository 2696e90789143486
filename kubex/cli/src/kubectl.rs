//! The words of kubectl and of other tools, and the words of this command that replace them.

use clap::Error;
use clap::error::{ContextKind, ContextValue};

/// A subcommand of kubectl or of other tools, and the one to use.
const SUBCOMMANDS: &[(&str, &str)] = &[
    ("auth", "kubex whoami --online asks the server for your identity"),
    ("check", CHECK),
    ("cluster-info", "kubex resolve shows the server"),
    ("doctor", CHECK),
    ("current-context", "kubex contexts marks the current context"),
    (
        "get-clusters",
        "kubex contexts lists the contexts with their clusters",
    ),
    ("get-contexts", "kubex contexts lists the contexts"),
    ("get-users", "kubex contexts lists the contexts with their users"),
    (
        "login",
        "kubex token fetches a credential; its plugin may ask you to log in",
    ),
    (
        "set-context",
        "kubex changes no kubeconfig; use kubectl config set-context",
    ),
    (
        "use-context",
        "add --context NAME to a command; kubectl config use-context changes the kubeconfig",
    ),
    ("validate", CHECK),
    ("verify", CHECK),
    (
        "version",
        "kubex --version, or kubex get /version for the server's",
    ),
    (
        "view",
        "kubex explain shows the fields of the kubeconfig in use; kubex config show shows Kubex's own configuration",
    ),
];

const CHECK: &str =
    "kubex explain --check checks the kubeconfig; kubex config check checks Kubex's own configuration";

/// A flag of kubectl, and what to use.
const FLAGS: &[(&str, &str)] = &[
    ("--all-namespaces", "kubex get takes a path, such as /api/v1/pods"),
    ("-A", "kubex get takes a path, such as /api/v1/pods"),
    ("--minify", "kubex explain shows only what is used"),
    (
        "--raw",
        "kubex get takes the path itself, as in kubex get /version",
    ),
    ("--timeout", "use --request-timeout"),
];

/// The error for an unknown word. If kubectl has this word, the help names what to use instead.
pub(crate) fn with_tip(mut error: Error) -> Error {
    let word = |kind| match error.get(kind) {
        Some(ContextValue::String(word)) => Some(word.clone()),
        _ => None,
    };
    let tip_for = |words: &[(&str, &'static str)], word: Option<String>| {
        let word = word?;
        words.iter().find(|(name, _)| *name == word).map(|(_, tip)| *tip)
    };
    let tip = tip_for(SUBCOMMANDS, word(ContextKind::InvalidSubcommand))
        .or_else(|| tip_for(FLAGS, word(ContextKind::InvalidArg)));
    if let Some(tip) = tip {
        for kind in [
            ContextKind::SuggestedSubcommand,
            ContextKind::SuggestedArg,
            ContextKind::SuggestedCommand,
        ] {
            error.remove(kind);
        }
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(vec![tip.into()]));
    }
    error
}
