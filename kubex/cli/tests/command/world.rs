//! Runs the command in the directory of the cases.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// The directory of the cases.
pub(crate) fn directory() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/command/world")
}

pub(crate) const KUBEX: &str = env!("CARGO_BIN_EXE_kubex");

/// A program in that directory, with its home directory and no other variable.
pub(crate) fn program(path: &str, words: &[&str]) -> Command {
    let mut command = Command::new(path);
    command
        .args(words)
        .current_dir(directory())
        .env_clear()
        .env("HOME", directory().join("home"))
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::null());
    command
}

/// What the command printed, and how it ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) status: i32,
}

/// Runs the command.
pub(crate) fn kubex(words: &[&str]) -> Ended {
    ended(program(KUBEX, words).output().unwrap())
}

/// Runs it with both kubeconfigs of the directory.
pub(crate) fn kubex_with_more(words: &[&str]) -> Ended {
    let mut command = program(KUBEX, words);
    ended(
        command
            .env("KUBECONFIG", "home/.kube/config:more.yaml")
            .output()
            .unwrap(),
    )
}

pub(crate) fn ended(output: Output) -> Ended {
    Ended {
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        status: output.status.code().unwrap_or(-1),
    }
}
