//! `kubex exec -- kubelogin get-token`, and the login `azurecli`, as processes.

use std::path::Path;
use std::process::Output;
use std::time::Duration;

use serde_json::Value;

use crate::azure_cli::{calls, in_an_hour, install, path, prints};
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
        stderr(&output).contains("the argument \"--legacy\" is not supported"),
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

/// A configuration with the login `azurecli`, and these lines of the source and of the rules for plugins.
fn configure(home: &Path, source: &str, rules: &str) {
    let configuration = format!(
        "chain: [production]\nsources:\n  production:\n    provider: aks\n    login: azurecli\n    server: https://127.0.0.1:1\n\
         {source}{rules}"
    );
    write(home, "kubex.yaml", &configuration);
}

#[test]
fn kubex_token_prints_the_token_of_the_azure_cli() {
    let home = tempfile::tempdir().unwrap();
    configure(home.path(), "", "");
    install(home.path(), &prints("of-jane", in_an_hour()));
    let output = kubex(home.path(), &path(home.path()), &[], &["token"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("of-jane"));
    assert_eq!(calls(home.path()).len(), 1);
}

#[test]
fn explain_check_says_what_is_missing_and_runs_nothing() {
    let home = tempfile::tempdir().unwrap();
    let check = |path: &str| kubex(home.path(), path, &[], &["explain", "--check"]);
    configure(home.path(), "", "");
    let missing = check("/nonexistent");
    assert_eq!(missing.status.code(), Some(5), "{}", stderr(&missing));
    let shown = stderr(&missing);
    assert!(
        shown.contains("the Azure CLI (az) was not found in any directory of PATH")
            && shown.contains("kubex.yaml:5"),
        "{shown}"
    );
    install(home.path(), &prints("of-jane", in_an_hour()));
    let path = path(home.path());
    let found = check(&path);
    assert!(found.status.success(), "{}", stderr(&found));
    for rules in [
        "exec: {policy: deny-all}\n",
        "exec: {policy: allowlist, allowlist: [{command: kubelogin}]}\n",
    ] {
        configure(home.path(), "", rules);
        let refused = check(&path);
        assert_eq!(refused.status.code(), Some(7), "{}", stderr(&refused));
    }
    configure(
        home.path(),
        "",
        "exec: {policy: allowlist, allowlist: [{command: az}]}\n",
    );
    let allowed = check(&path);
    assert!(allowed.status.success(), "{}", stderr(&allowed));
    let explained = kubex(home.path(), &path, &[], &["explain", "-o", "json"]);
    let explained: Value = serde_json::from_slice(&explained.stdout).unwrap();
    assert_eq!(explained["configuration"]["plugin"]["command"], "az");
    assert_eq!(explained["configuration"]["plugin"]["allowed"], true);
    assert_eq!(calls(home.path()), [""; 0]);
}

#[test]
fn an_azure_cli_that_asks_kubex_for_the_token_is_not_run_again_and_again() {
    for drops in [
        "",
        "env -i HOME=\"$HOME\" PATH=\"$PATH\" KUBEX_CONFIG=\"$KUBEX_CONFIG\" ",
    ] {
        let home = tempfile::tempdir().unwrap();
        configure(home.path(), "", "");
        let program = env!("CARGO_BIN_EXE_kubex-with-clouds");
        install(home.path(), &format!("exec {drops}{program} token"));
        let output = kubex(home.path(), &path(home.path()), &[], &["token"]);
        assert_eq!(output.status.code(), Some(5), "{}", stderr(&output));
        assert!(output.stdout.is_empty());
        let runs = calls(home.path()).len();
        assert!((1..5).contains(&runs), "{drops}: {runs}");
        assert!(stderr(&output).contains("already running"), "{}", stderr(&output));
    }
}

/// What the Azure CLI reads makes the identity: another login is another credential.
#[test]
fn processes_share_the_token_of_one_login_only() {
    let home = tempfile::tempdir().unwrap();
    let (one, other) = (home.path().join("one"), home.path().join("other"));
    install(home.path(), &prints("of-jane", in_an_hour()));
    let path = path(home.path());
    let fetch = |directory: &Path, source: &str, runs: usize| {
        configure(home.path(), &format!("    cache: shared\n{source}"), "");
        let variables = [("AZURE_CONFIG_DIR", directory.to_str().unwrap())];
        let output = kubex(home.path(), &path, &variables, &["token"]);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(calls(home.path()).len(), runs, "{} {source}", directory.display());
    };
    write(
        home.path(),
        "one/azureProfile.json",
        r#"{"subscriptions": [{"user": "jane"}]}"#,
    );
    fetch(&one, "", 1);
    fetch(&one, "", 1);
    write(
        home.path(),
        "other/azureProfile.json",
        r#"{"subscriptions": [{"user": "jane"}]}"#,
    );
    fetch(&other, "", 2);
    fetch(&one, "    tenant-id: contoso.example\n", 3);
    fetch(&one, "    subscription: s\n", 4);
    fetch(&one, "    server-id: api://mine\n", 5);
    write(
        home.path(),
        "one/azureProfile.json",
        r#"{"subscriptions": [{"user": "john"}]}"#,
    );
    fetch(&one, "", 6);
    fetch(&one, "", 6);
    // Another machine with the same home directory has another managed identity.
    let machine =
        r#"{"subscriptions": [{"user": {"assignedIdentityInfo": "MSI", "name": "systemAssignedIdentity"}}]}"#;
    write(home.path(), "one/azureProfile.json", machine);
    fetch(&one, "", 7);
    fetch(&one, "", 8);
}
