//! `kubex exec -- gke-gcloud-auth-plugin`, as a process.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::scene::{METADATA, foreign_variables, write};
use crate::stand_in::StandIn;

const CALL: &[&str] = &["gke-gcloud-auth-plugin", "--use_application_default_credentials"];

/// Runs the command in an environment whose only identity is the metadata server's.
pub(crate) fn kubex(home: &Path, path: &str, google: &StandIn, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubex-with-clouds"));
    for name in foreign_variables() {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("PATH", path)
        .env("KUBEX_CACHE_KEY", "file")
        .env("KUBEX_CONFIG", home.join("kubex.yaml"))
        .env("GCE_METADATA_HOST", &google.host)
        .env(
            "KUBERNETES_EXEC_INFO",
            r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","spec":{}}"#,
        )
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
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
        shown.contains("which uses the login of gcloud, is not understood"),
        "{shown}"
    );
    assert!(google.seen().is_empty());
}
