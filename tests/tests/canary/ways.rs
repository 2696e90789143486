//! There is no other way to show a text than through the sanitizer: the sources are searched for some.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The code of each source file of these folders, without unit tests and comments, by its path.
fn sources(folders: &[&str]) -> BTreeMap<String, String> {
    let mut sources = BTreeMap::new();
    let mut folders: Vec<PathBuf> = folders.iter().map(|folder| root().join(folder)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                let is_code = !["tests", "target"].iter().any(|name| path.ends_with(name));
                folders.extend(is_code.then_some(path));
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let code = text.split("\n#[cfg(test)]").next().unwrap();
                let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                sources.insert(name, lines.collect::<Vec<_>>().join("\n"));
            }
        }
    }
    assert!(sources.len() > 30, "{} files", sources.len());
    sources
}

/// The files that contain one of these, with the number of times.
fn found(sources: &BTreeMap<String, String>, patterns: &[&str]) -> Vec<(String, usize)> {
    let count = |code: &str| patterns.iter().map(|pattern| code.matches(pattern).count()).sum();
    let counted = sources.iter().map(|(name, code)| (name.clone(), count(code)));
    counted.filter(|(_, count)| *count > 0).collect()
}

fn names(found: &[(String, usize)]) -> Vec<&str> {
    found.iter().map(|(name, _)| name.as_str()).collect()
}

#[test]
fn the_command_writes_to_its_streams_in_one_file() {
    let mut sources = sources(&["kubex/cli/src"]);
    for code in sources.values_mut() {
        // A question of clap's, which is not a stream.
        *code = code.replace("use_stderr()", "");
    }
    let writers = found(
        &sources,
        &[
            "stdout()",
            "stderr()",
            "println!",
            "eprintln!",
            "print!(",
            "eprint!(",
            "dbg!",
        ],
    );
    let asks_for_terminals = [
        "kubex/cli/src/output/mod.rs",
        "kubex/cli/src/output/style.rs",
        "kubex/cli/src/session/wait.rs",
    ];
    for (name, count) in &writers {
        if asks_for_terminals.contains(&name.as_str()) {
            let code = &sources[name];
            let asked = code.matches("stdout().is_terminal()").count()
                + code.matches("stderr().is_terminal()").count();
            assert_eq!(
                asked, *count,
                "{name} does more with a stream than to ask whether it is a terminal"
            );
        } else {
            assert_eq!(name, "kubex/cli/src/output/message.rs");
        }
    }
    assert!(names(&writers).contains(&"kubex/cli/src/output/message.rs"));
}

/// What is printed as it is, on purpose: a secret that was asked for, the body of a response, and JSON and YAML, whose
/// texts were sanitized before they were escaped.
#[test]
fn only_what_was_asked_for_is_printed_unchanged() {
    let sources = sources(&["kubex/cli/src"]);
    assert_eq!(
        names(&found(&sources, &["print_requested"])),
        [
            "kubex/cli/src/output/message.rs",
            "kubex/cli/src/output/mod.rs",
            "kubex/cli/src/subcommand/exec/mod.rs",
            "kubex/cli/src/subcommand/get.rs",
        ]
    );
    assert_eq!(
        names(&found(&sources, &["IS_SECRET: bool = true"])),
        ["kubex/cli/src/subcommand/token.rs"]
    );
}

/// Every public `Display` of a text sanitizes it, or has no text from outside.
#[test]
fn every_display_is_sanitized_or_fixed() {
    let fixed = [
        // Part of an error, a report or a document's error, which sanitize.
        "kubex-core/src/value/deserialize.rs",
        "kubex-core/src/origin.rs",
        "providers/aks/src/failure.rs",
        "providers/exec/src/failure.rs",
        "kubex/src/client/reqwest/backend.rs",
        "kubex/src/client/tunnel.rs",
        "kubex/document/src/error.rs",
        // Numbers, times, and texts of this project.
        "kubex-core/src/credential/mod.rs",
        "kubex-core/src/credential/private_key.rs",
        "kubex-core/src/host/blocking.rs",
        "kubex-core/src/time.rs",
        "kubex-core/src/text/path.rs",
        "providers/exec/src/protocol.rs",
        "kubex/store/src/name.rs",
    ];
    let sources = sources(&["kubex-core/src", "providers", "kubex"]);
    let displays = found(&sources, &["Display for "]);
    assert!(displays.len() > 10, "{displays:?}");
    for (name, _) in &displays {
        let sanitizes = ["write_sanitized", "sanitize_line", "Sanitized", "shown_path"]
            .iter()
            .any(|way| sources[name].contains(way));
        assert!(
            sanitizes || fixed.contains(&name.as_str()),
            "{name} has a `Display` that does not sanitize"
        );
    }
}

/// The fields of events are errors, numbers, fixed texts, or sanitized. A new event is added here once it is.
#[test]
fn every_event_is_known() {
    let sources = sources(&["kubex-core/src", "providers", "kubex"]);
    let events = found(
        &sources,
        &["event!(", "trace!(", "debug!(", "info!(", "warn!(", "error!("],
    );
    for (name, _) in &events {
        let sanitizes = ["sanitize_line", "sanitize(", "Error", "redacted_stderr"]
            .iter()
            .any(|way| sources[name].contains(way));
        assert!(sanitizes, "{name} has an event whose fields are not sanitized");
    }
    assert!(events.len() > 4, "{events:?}");
}

#[test]
fn messages_have_a_type_that_only_the_sanitizer_makes() {
    let sources = sources(&["kubex-core/src"]);
    for name in ["kubex-core/src/error.rs", "kubex-core/src/warning.rs"] {
        assert!(sources[name].contains("message: Sanitized"), "{name}");
    }
    let makers = found(&sources, &["Sanitized("]);
    assert_eq!(names(&makers), ["kubex-core/src/text/sanitize.rs"]);
}
