//! The command `kubex`, run as a user runs it: what it prints on stdout and stderr, and its exit status.
//!
//! A case is three files in `cases/` or `configured/`: `NAME.toml` has the arguments and the variables, `NAME.stdout` and
//! `NAME.stderr` what is printed; `[WORLD]` stands for the path of `world/`. All cases run in `world/`, whose home
//! directory has a kubeconfig. Tests that need a server, a terminal or another tool are in the modules here.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "the suite runs the command from outside, with its own files, clocks and processes, and a test that \
              panics fails"
)]

mod canary;
#[cfg(unix)]
mod canary_values;
#[cfg(unix)]
mod check;
#[cfg(unix)]
mod kuberc;
mod messages;
mod passive;
mod pipes;
mod requests;
mod scripts;
#[cfg(unix)]
mod shell_script;
mod terminal;
#[cfg(unix)]
mod watch;
mod world;

use std::collections::BTreeSet;

/// Cases without a configuration of Kubex, and cases with the one in `world/etc`.
const CASES: &str = "tests/command/cases";
const CONFIGURED: &str = "tests/command/configured";

fn cases() -> trycmd::TestCases {
    let world = world::directory().display().to_string();
    let cases = trycmd::TestCases::new();
    cases
        .insert_var("[WORLD]", world.clone())
        .unwrap()
        .env("HOME", format!("{world}/home"))
        .env("PATH", "/usr/bin:/bin");
    cases
}

#[test]
fn every_case_prints_what_its_files_contain() {
    // Git keeps no mode, and the check of a token file looks at it.
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;

        let token = world::directory().join("token");
        std::fs::set_permissions(token, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    cases().case(format!("{CASES}/*.toml"));
}

#[test]
fn every_case_with_a_configuration_prints_what_its_files_contain() {
    let configuration = world::directory().join("etc").display().to_string();
    cases()
        .env("XDG_CONFIG_HOME", configuration)
        .case(format!("{CONFIGURED}/*.toml"));
}

/// Without its file, a stream would not be compared.
#[test]
fn every_case_has_files_for_both_streams_and_an_exit_status() {
    let mut statuses = BTreeSet::new();
    for folder in [CASES, CONFIGURED] {
        let files: BTreeSet<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        let cases: Vec<&str> = files
            .iter()
            .filter_map(|file| file.strip_suffix(".toml"))
            .collect();
        assert!(cases.len() > 10 && files.len() == 3 * cases.len(), "{folder}");
        for case in cases {
            assert!(files.contains(&format!("{case}.stdout")) && files.contains(&format!("{case}.stderr")));
            let text = std::fs::read_to_string(format!("{folder}/{case}.toml")).unwrap();
            assert!(text.contains("env.inherit = false"), "{case}");
            let status = text.lines().find(|line| line.starts_with("status")).unwrap();
            statuses.insert(status.to_owned());
        }
    }
    // Every status of the command, from 0 to 8.
    assert_eq!(statuses.len(), 9, "{statuses:?}");
}
