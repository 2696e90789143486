//! The program has every subcommand of `kubex`, and each of them knows the provider.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "the suite runs the program from outside, and a test that panics fails"
)]

use std::process::Command;

/// Runs the program with these variables alone, and returns its stdout.
fn my_kubex(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_my-kubex"))
        .args(arguments)
        .env_clear()
        .env("HOME", env!("CARGO_TARGET_TMPDIR"))
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_provider_is_listed_and_its_options_are_in_the_schema() {
    assert!(my_kubex(&["providers"], &[]).contains("my-vault"));
    assert!(my_kubex(&["schema"], &[]).contains("my-vault"));
}

#[test]
fn a_source_of_the_provider_is_configured_by_variables_and_answers() {
    let variables = [
        ("KUBEX_CHAIN", "my-vault"),
        ("KUBEX_SOURCES__MY_VAULT__ROLE", "deployer"),
        ("KUBEX_SOURCES__MY_VAULT__SERVER", "https://10.0.0.1:6443"),
    ];
    let explanation = my_kubex(&["explain"], &variables);
    assert!(
        explanation.contains("my-vault   chosen"),
        "no source my-vault was chosen in:\n{explanation}"
    );
    assert_eq!(my_kubex(&["token"], &variables), "deployer/none/none/0/false/\n");
}
