//! The names of the kubeconfig that the command line selects.

use std::ffi::{OsStr, OsString};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use clap::Command;
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate};
use kubex::config::Configuration;
use kubex::text::clean_line;
use kubex::{Host, Kubeconfig, configure_from_kubeconfig};

/// How long reading the files may take. The user waits for the completion.
const MAX_TIME: Duration = Duration::from_secs(2);

/// The names that are offered, each with a description.
#[derive(Debug, Default)]
struct Names {
    contexts: Vec<(String, String)>,
    clusters: Vec<(String, String)>,
    users: Vec<(String, String)>,
    namespaces: Vec<(String, String)>,
    sources: Vec<(String, String)>,
}

/// The names of one kind.
type Part = fn(&Names) -> &[(String, String)];

/// The grammar, with candidates for each flag that takes a name. The files are read when the first candidate is needed.
pub(super) fn with_names(mut grammar: Command, words: &[OsString]) -> Command {
    let words = words.to_vec();
    let names = Arc::new(LazyLock::new(move || read(&words)));
    let parts: [(&str, Part); 5] = [
        ("context", |names| &names.contexts),
        ("cluster", |names| &names.clusters),
        ("user", |names| &names.users),
        ("namespace", |names| &names.namespaces),
        ("source", |names| &names.sources),
    ];
    for (flag, part) in parts {
        let names = Arc::clone(&names);
        let completer = ArgValueCompleter::new(move |written: &OsStr| matching(written, part(&names)));
        grammar = grammar.mut_arg(flag, |argument| argument.add(completer));
    }
    grammar
}

fn matching(written: &OsStr, names: &[(String, String)]) -> Vec<CompletionCandidate> {
    let written = written.to_string_lossy();
    let matching = names.iter().filter(|(name, _)| name.starts_with(&*written));
    matching
        .map(|(name, help)| {
            let help = (!help.is_empty()).then(|| help.clone().into());
            CompletionCandidate::new(name).help(help)
        })
        .collect()
}

/// The names of the files that the command line and the environment select; none if a file cannot be read.
fn read(words: &[OsString]) -> Names {
    let mut names = Names::default();
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
    else {
        return names;
    };
    let host = Host::real();
    let reading = async {
        let kubeconfig = configure_from_kubeconfig().host(host.clone());
        let kubeconfig = match value_of("--kubeconfig", words) {
            Some(path) => kubeconfig.path(path),
            None => kubeconfig,
        };
        if let Ok(kubeconfig) = kubeconfig.load().await {
            names.add(&kubeconfig);
        }
        let configuration = match value_of("--config", words) {
            Some(path) => Configuration::load_with_file(path, kubex::Origin::flag("--config"), &host).await,
            None => Configuration::load(&host).await,
        };
        for source in configuration.iter().flat_map(Configuration::sources) {
            names.sources.push((source.name, source.provider));
        }
    };
    // Names that were read in time are offered.
    let _ = runtime.block_on(host.within(MAX_TIME, reading));
    runtime.shutdown_background();
    names.remove_what_cannot_be_typed();
    names
}

/// The value of a flag in a command line that is not complete yet.
fn value_of<'w>(flag: &str, words: &'w [OsString]) -> Option<&'w str> {
    let mut words = words.iter().filter_map(|word| word.to_str());
    while let Some(word) = words.next() {
        if word == flag {
            return words.next().filter(|value| !value.is_empty());
        }
        let value = word.strip_prefix(flag).and_then(|rest| rest.strip_prefix('='));
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            return Some(value);
        }
    }
    None
}

impl Names {
    fn add(&mut self, kubeconfig: &Kubeconfig) {
        for context in kubeconfig.contexts() {
            let cluster = context.cluster.map(|cluster| format!("cluster {cluster}"));
            self.contexts
                .push((context.name.to_owned(), cluster.unwrap_or_default()));
            let namespace = context.namespace.map(|namespace| (namespace, String::new()));
            self.namespaces.extend(namespace);
        }
        let without_help = |name: &str| (name.to_owned(), String::new());
        self.clusters.extend(kubeconfig.cluster_names().map(without_help));
        self.users.extend(kubeconfig.user_names().map(without_help));
    }

    /// Removes names with control characters, which would reach the terminal, or be two names for the shell.
    fn remove_what_cannot_be_typed(&mut self) {
        for names in [
            &mut self.contexts,
            &mut self.clusters,
            &mut self.users,
            &mut self.namespaces,
            &mut self.sources,
        ] {
            names.retain(|(name, _)| !name.is_empty() && clean_line(name) == *name);
            names.sort();
            names.dedup_by(|one, other| one.0 == other.0);
            for (_, help) in names.iter_mut() {
                *help = clean_line(help).into_owned();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_value_of_a_flag_is_found_in_both_forms_and_while_it_is_typed() {
        let words = |line: &str| line.split(' ').map(OsString::from).collect::<Vec<_>>();
        for (line, expected) in [
            ("kubex --kubeconfig a explain", Some("a")),
            ("kubex explain --kubeconfig=a", Some("a")),
            ("kubex --kubeconfig", None),
            ("kubex --kubeconfig= x", None),
            ("kubex --kubeconfigs=a", None),
        ] {
            assert_eq!(value_of("--kubeconfig", &words(line)), expected, "{line}");
        }
    }
}
