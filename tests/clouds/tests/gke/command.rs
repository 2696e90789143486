//! `kubex exec -- gke-gcloud-auth-plugin`, as a process.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::scene::{METADATA, WELL_KNOWN, foreign_variables, user, write};
use crate::shared::{self, stderr};
use crate::stand_in::StandIn;

const CALL: &[&str] = &["gke-gcloud-auth-plugin", "--use_application_default_credentials"];

/// Runs the command for a client, in an environment whose only identity is the metadata server's.
pub(crate) fn kubex(home: &Path, path: &str, google: &StandIn, arguments: &[&str]) -> Output {
    let request = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{}}"#;
    command(home, path, google, arguments)
        .env("KUBERNETES_EXEC_INFO", request)
        .output()
        .unwrap()
}

/// The same in a shell: a client that asks again says that the server has rejected the credential.
fn in_a_shell(home: &Path, path: &str, google: &StandIn, arguments: &[&str]) -> Output {
    command(home, path, google, arguments).output().unwrap()
}

fn command(home: &Path, path: &str, google: &StandIn, arguments: &[&str]) -> Command {
    let mut command = shared::command(home, path, &foreign_variables(), arguments);
    command.env("GCE_METADATA_HOST", &google.host);
    command
}

#[test]
fn kubex_exec_serves_the_call_natively_without_the_plugin() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token(METADATA, "ya29.machine");
    write(
        home.path(),
        "kubex.yaml",
        "exec: {native: [gke-gcloud-auth-plugin]}\n",
    );
    let output = kubex(
        home.path(),
        "/nonexistent",
        &google,
        &[&["exec", "--"], CALL].concat(),
    );
    assert!(output.status.success(), "{}", stderr(&output));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(printed["apiVersion"], "client.authentication.k8s.io/v1");
    assert_eq!(printed["status"]["token"], "ya29.machine");
    assert!(printed["status"]["expirationTimestamp"].is_string(), "{printed}");
}

#[test]
fn kubex_exec_runs_the_plugin_for_the_login_of_gcloud() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    write(
        home.path(),
        "kubex.yaml",
        "exec: {native: [gke-gcloud-auth-plugin]}\n",
    );
    crate::native::install(home.path());
    // The script prints what the plugin does, whose version is that of an earlier protocol.
    let path = format!("{}:/bin:/usr/bin", home.path().join("bin").display());
    let output = kubex(home.path(), &path, &google, &["exec", "--", CALL[0]]);
    let shown = stderr(&output);
    assert!(
        shown.contains("which uses the login of gcloud, is not supported"),
        "{shown}"
    );
    assert!(google.seen().is_empty());
}

/// Runs the call twice where the plugin is installed, and returns how many tokens were issued.
fn issued_to_two_runs(home: &Path, google: &StandIn) -> usize {
    write(home, "kubex.yaml", "exec: {native: [gke-gcloud-auth-plugin]}\n");
    crate::native::install(home);
    let path = format!("{}:/bin:/usr/bin", home.join("bin").display());
    for _ in 0..2 {
        let output = in_a_shell(home, &path, google, &[&["exec", "--"], CALL].concat());
        assert!(output.status.success(), "{}", stderr(&output));
    }
    google.seen().len()
}

/// Two pods with one home directory ask two metadata servers.
#[test]
fn the_token_of_a_machine_is_not_kept_even_if_the_plugin_is_installed() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token(METADATA, "ya29.machine");
    assert_eq!(issued_to_two_runs(home.path(), &google), 2);

    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token("/token", "ya29.issued");
    write(home.path(), WELL_KNOWN, &user(&google).to_string());
    assert_eq!(issued_to_two_runs(home.path(), &google), 1);
}

#[test]
fn a_plugin_that_is_refused_gets_no_token_that_a_source_has_stored() {
    let (home, google) = (tempfile::tempdir().unwrap(), StandIn::start());
    google.token("/token", "ya29.issued");
    write(home.path(), WELL_KNOWN, &user(&google).to_string());
    write(
        home.path(),
        "kubex.yaml",
        "exec: {policy: deny-all, native: [gke-gcloud-auth-plugin]}\n\
         sources: {production: {provider: gke, server: 'https://127.0.0.1:1'}}\n",
    );
    for _ in 0..2 {
        let of_the_source = in_a_shell(
            home.path(),
            "/nonexistent",
            &google,
            &["exec", "--source", "production"],
        );
        assert!(of_the_source.status.success(), "{}", stderr(&of_the_source));
    }
    // It is stored.
    assert_eq!(google.seen().len(), 1);
    let output = in_a_shell(
        home.path(),
        "/nonexistent",
        &google,
        &[&["exec", "--"], CALL].concat(),
    );
    assert!(!output.status.success());
    assert!(output.stdout.is_empty());
    assert!(stderr(&output).contains("deny-all"), "{}", stderr(&output));
}
