//! The words of kubectl and of other tools, and the words of this command that replace them.

use clap::Error;
use clap::error::{ContextKind, ContextValue};

/// A subcommand of kubectl or of other tools, and the one to use.
const SUBCOMMANDS: &[(&str, &str)] = &[
    (
        "auth",
        "kubex whoami --online asks the server who it takes you for",
    ),
    ("check", CHECK),
    ("cluster-info", "kubex resolve shows the server"),
    ("doctor", CHECK),
    ("current-context", "kubex contexts marks the current one"),
    (
        "get-clusters",
        "kubex contexts lists the contexts with their clusters",
    ),
    ("get-contexts", "kubex contexts lists them"),
    ("get-users", "kubex contexts lists the contexts with their users"),
    (
        "login",
        "kubex token fetches a credential, and asks for a login where the plugin does",
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
        "kubex explain shows each field of the kubeconfig that is used; kubex config show is about Kubex's own configuration",
    ),
];

const CHECK: &str =
    "kubex explain --check shows what is missing; kubex config check is about Kubex's own configuration";

/// A flag of kubectl, and what to use.
const FLAGS: &[(&str, &str)] = &[
    ("--all-namespaces", "get takes a path, such as /api/v1/pods"),
    ("-A", "get takes a path, such as /api/v1/pods"),
    ("--minify", "kubex explain shows only what is used"),
    ("--raw", "get takes the path itself: kubex get /version"),
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
