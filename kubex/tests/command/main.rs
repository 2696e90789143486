//! The command `kubex`, run as a person runs it: what it prints on either stream, and its exit status.
//!
//! A case is a file in `cases/`: the arguments and the variables in `NAME.toml`, what is printed in `NAME.stdout` and
//! `NAME.stderr`, where `[WORLD]` stands for the path of `world/`. All run in `world/`, whose home directory has a kubeconfig. What needs a server, a terminal or
//! another tool is in the modules here.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "the command is looked at from outside, with files, clocks and processes of its own world, and a suite \
              that panics is one that fails"
)]

mod canary;
mod passive;
mod requests;
mod scripts;
mod terminal;
mod world;

use std::collections::BTreeSet;
use std::path::Path;

const CASES: &str = "tests/command/cases";

#[test]
fn every_case_prints_what_its_files_say() {
    let world = world::directory().display().to_string();
    let cases = trycmd::TestCases::new();
    cases
        .insert_var("[WORLD]", world.clone())
        .unwrap()
        .env("HOME", format!("{world}/home"))
        .env("PATH", "/usr/bin:/bin")
        .case(format!("{CASES}/*.toml"));
}

/// A file that is missing is a stream that is not looked at.
#[test]
fn every_case_says_what_both_streams_hold_and_how_it_ends() {
    let files: BTreeSet<String> = std::fs::read_dir(CASES)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let cases: Vec<&str> = files
        .iter()
        .filter_map(|file| file.strip_suffix(".toml"))
        .collect();
    assert!(cases.len() >= 60, "{} cases", cases.len());
    assert_eq!(files.len(), 3 * cases.len());
    for case in cases {
        assert!(
            files.contains(&format!("{case}.stdout")) && files.contains(&format!("{case}.stderr")),
            "{case}"
        );
        let text = std::fs::read_to_string(Path::new(CASES).join(format!("{case}.toml"))).unwrap();
        assert!(
            text.contains("env.inherit = false") && text.contains("status"),
            "{case}"
        );
    }
}
