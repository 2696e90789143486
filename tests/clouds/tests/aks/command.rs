//! `kubex exec -- kubelogin get-token`, as a process.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::scene::{foreign_variables, write};
use crate::shared::{command, stderr};
use crate::stand_in::{issued, start};

const CALL: &[&str] = &[
    "kubelogin",
    "get-token",
    "--login",
    "msi",
    "--server-id",
    "api://mine",
];

/// Runs the command in an environment without Azure but these variables.
fn kubex(home: &Path, path: &str, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    command(home, path, &foreign_variables(), arguments)
        .envs(variables.iter().copied())
        .env(
            "KUBERNETES_EXEC_INFO",
            r#"{"apiVersion":"client.authentication.k8s.io/v1beta1","kind":"ExecCredential","spec":{}}"#,
        )
        .output()
        .unwrap()
}

#[test]
fn kubex_exec_serves_the_call_natively_without_kubelogin() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "kubex.yaml", "exec: {native: [kubelogin]}\n");
    let (address, requests) = start(200, issued("of-the-app", Duration::from_hours(1)));
    let endpoint = format!("{address}/msi/token");
    let variables = [
        ("IDENTITY_ENDPOINT", endpoint.as_str()),
        ("IDENTITY_HEADER", "proof"),
    ];
    let output = kubex(
        home.path(),
        "/nonexistent",
        &variables,
        &[&["exec", "--"], CALL].concat(),
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["apiVersion"], "client.authentication.k8s.io/v1beta1");
    assert_eq!(printed["status"]["token"], "of-the-app");
    assert!(printed["status"]["expirationTimestamp"].is_string());
    assert_eq!(
        *requests.lock().unwrap(),
        [
            "GET /msi/token?api-version=2019-08-01&resource=api%3A%2F%2Fmine metadata: true x-identity-header: proof"
        ]
    );
}

#[test]
fn kubex_exec_runs_the_plugin_for_a_call_that_is_not_understood() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "kubex.yaml", "exec: {native: [kubelogin]}\n");
    crate::native::install(home.path());
    let path = format!("{}:/bin:/usr/bin", home.path().join("bin").display());
    let output = kubex(
        home.path(),
        &path,
        &[],
        &[&["exec", "--"], CALL, &["--legacy"]].concat(),
    );
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("printed"));
    assert!(
        stderr(&output).contains("the argument \"--legacy\" is not understood"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn kubex_exec_refuses_what_the_policy_refuses() {
    let home = tempfile::tempdir().unwrap();
    write(
        home.path(),
        "kubex.yaml",
        "exec: {native: [kubelogin], policy: deny-all}\n",
    );
    let output = kubex(
        home.path(),
        "/nonexistent",
        &[],
        &[&["exec", "--"], CALL].concat(),
    );
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).contains("deny-all"), "{}", stderr(&output));
}
