//! A real script on the real host, from the chain to the credential.
#![cfg(unix)]
#![expect(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these tests run real scripts"
)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use kubex_core::{Chain, ErrorKind, ExposeSecret, Options, Origin, Registry, Source};

fn script(directory: &Path, body: &str) {
    let path = directory.join("plugin");
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn chain(directory: &Path) -> Chain {
    let options = Options::with_origin(Origin::file(directory.join("kubex.yaml")))
        .set("server", "https://10.0.0.1")
        .set("command", "./plugin");
    let registry = Registry::from_registrations([&kubex_exec::REGISTRATION]).unwrap();
    Chain::builder(registry)
        .source(Source::new("prod").provider("exec").options(options))
        .build()
        .unwrap()
}

#[tokio::test]
async fn a_script_beside_the_configuration_gives_the_credential() {
    let directory = tempfile::tempdir().unwrap();
    // The token tells whether the variable came as it should.
    script(
        directory.path(),
        r#"case "$KUBERNETES_EXEC_INFO" in *'"interactive":false}}'*) token=seen;; *) token=unseen;; esac
           echo "apiVersion: client.authentication.k8s.io/v1"; echo "status: {token: $token}""#,
    );
    let configuration = chain(directory.path()).resolve().await.unwrap();
    let credential = configuration.credentials().current().await.unwrap();
    assert_eq!(credential.token().unwrap().expose_secret(), "seen");
}

#[tokio::test]
async fn a_script_that_fails_prints_the_reason() {
    let directory = tempfile::tempdir().unwrap();
    script(directory.path(), "echo 'please log in' >&2; kill -TERM $$");
    let configuration = chain(directory.path()).resolve().await.unwrap();
    let error = configuration.credentials().current().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PluginFailed);
    assert!(
        error
            .message()
            .ends_with("was killed by signal 15 (SIGTERM); stderr: please log in"),
        "{error}"
    );
}
