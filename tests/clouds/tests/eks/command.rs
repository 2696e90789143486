//! `kubex exec -- aws eks get-token`, as a process.

use std::path::Path;
use std::process::Output;

use serde_json::Value;

use crate::scene::{foreign_variables, keys, parameters, request, write};
use crate::shared::{command, stderr};

const CALL: &[&str] = &[
    "aws",
    "--region",
    "eu-west-1",
    "eks",
    "get-token",
    "--cluster-name",
    "production",
    "--output",
    "json",
];

/// Runs the command in an environment without AWS but these keys.
fn kubex(home: &Path, path: &str, arguments: &[&str]) -> Output {
    command(home, path, &foreign_variables(), arguments)
        .envs(keys())
        .env(
            "KUBERNETES_EXEC_INFO",
            r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{}}"#,
        )
        .output()
        .unwrap()
}

#[test]
fn kubex_exec_serves_the_call_natively_without_the_aws_cli() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "kubex.yaml", "exec: {native: [aws]}\n");
    let output = kubex(home.path(), "/nonexistent", &[&["exec", "--"], CALL].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["apiVersion"], "client.authentication.k8s.io/v1");
    assert!(printed["status"]["expirationTimestamp"].is_string());
    let url = request(printed["status"]["token"].as_str().unwrap());
    assert_eq!(url.host_str(), Some("sts.eu-west-1.amazonaws.com"));
    assert_eq!(parameters(&url)["X-Amz-SignedHeaders"], "host;x-k8s-aws-id");
}

#[test]
fn kubex_exec_runs_the_plugin_for_a_call_that_is_not_understood() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "kubex.yaml", "exec: {native: [aws]}\n");
    crate::native::install(home.path());
    let path = format!("{}:/bin:/usr/bin", home.path().join("bin").display());
    let output = kubex(
        home.path(),
        &path,
        &[&["exec", "--"], CALL, &["--debug"]].concat(),
    );
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("printed"));
    assert!(
        stderr(&output).contains("the argument \"--debug\" is not supported"),
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
        "exec: {native: [aws], policy: deny-all}\n",
    );
    let output = kubex(home.path(), "/nonexistent", &[&["exec", "--"], CALL].concat());
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).contains("deny-all"), "{}", stderr(&output));
}

#[test]
fn a_path_in_the_list_of_native_plugins_is_an_error_with_its_place() {
    let home = tempfile::tempdir().unwrap();
    write(home.path(), "kubex.yaml", "exec:\n  native: [/usr/bin/aws]\n");
    let file = home.path().join("kubex.yaml").display().to_string();
    let output = kubex(home.path(), "/nonexistent", &["config", "check", &file]);
    assert!(!output.status.success());
    let shown = stderr(&output);
    assert!(
        shown.contains("kubex.yaml:2:") && shown.contains("is not the name of a plugin"),
        "{shown}"
    );
}
