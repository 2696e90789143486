//! Completes a command line for a shell, or for kubectl.
//!
//! The script that `kubex completions SHELL` prints runs the command again for each completion, with the words of the
//! line as arguments and the shell's name in `KUBEX_COMPLETE`. kubectl runs a program called `kubectl_complete-kubex`.
//! clap_complete's engine completes subcommands, flags, formats and files; [`names`] adds the names of contexts, clusters,
//! users and namespaces. A completion prints no errors: the command line is not finished.

mod names;
mod script;

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::Command;
use clap_complete::engine::{CompletionCandidate, complete};
use clap_complete::env::Shells;
use kubex::Host;
use kubex::text::clean_line;

pub(crate) use self::script::{Shell, script};
use crate::output::print_text;

/// The variable by which the script of a shell asks for a completion.
pub(crate) const VARIABLE: &str = "KUBEX_COMPLETE";

/// kubectl looks for this program when it completes `kubectl kubex`.
const KUBECTL: &str = "kubectl_complete-kubex";

/// Completes the command line of this process, if that is what it was started for.
pub(crate) fn run(grammar: fn() -> Command) -> Option<ExitCode> {
    let mut words = std::env::args_os();
    let program = words.next().unwrap_or_default();
    if Path::new(&program)
        .file_stem()
        .is_some_and(|name| name == KUBECTL)
    {
        let words = std::iter::once("kubex".into()).chain(words).collect();
        return Some(print(&for_kubectl(&candidates(grammar, words))));
    }
    let shell = Host::real().environment().variable(VARIABLE)?.into_string().ok();
    let shell = shell.filter(|shell| !shell.is_empty())?;
    let words: Vec<OsString> = words.skip_while(|word| word != "--").skip(1).collect();
    if shell == "bash" {
        return Some(print(&script::for_bash(&candidates(grammar, words))));
    }
    let directory = Host::real().environment().current_directory();
    let mut command = names::with_names(grammar(), &words);
    let mut text = Vec::new();
    if let Some(completer) = Shells::builtins().completer(&shell) {
        // A line that cannot be completed has no candidates.
        let _ = completer.write_complete(&mut command, words, directory.as_deref(), &mut text);
    }
    Some(print(&String::from_utf8_lossy(&text)))
}

/// The candidates for the last word.
fn candidates(grammar: fn() -> Command, words: Vec<OsString>) -> Vec<CompletionCandidate> {
    let mut command = names::with_names(grammar(), &words);
    let index = words.len().saturating_sub(1);
    let directory = Host::real().environment().current_directory();
    // A line that cannot be completed has no candidates.
    complete(&mut command, words, index, directory.as_deref()).unwrap_or_default()
}

/// The protocol of Cobra, which kubectl is written with: lines of a candidate and its description, then a number that says
/// what the shell should do: 4 to offer no files, 2 to append no space.
fn for_kubectl(candidates: &[CompletionCandidate]) -> String {
    let mut lines = String::new();
    for candidate in candidates {
        let help = candidate.get_help().map(ToString::to_string).unwrap_or_default();
        let value = candidate.get_value().to_string_lossy();
        let help = help.lines().next().unwrap_or_default();
        let tab = if help.is_empty() { "" } else { "\t" };
        // Writing to a String cannot fail.
        let _ = writeln!(lines, "{}{tab}{}", clean_line(&value), clean_line(help));
    }
    let is_unfinished = |candidate: &CompletionCandidate| {
        let value = candidate.get_value().to_string_lossy();
        value.ends_with(['/', '='])
    };
    let directive = if candidates.iter().any(is_unfinished) {
        6
    } else {
        4
    };
    lines + &format!(":{directive}\n")
}

fn print(text: &str) -> ExitCode {
    match print_text(text) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
