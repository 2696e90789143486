//! Files from pipes, as a user of bash writes them.

use std::time::{Duration, Instant};

use http::StatusCode;
use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::machine::patience;
use serde_json::json;

use crate::requests::kubeconfig_of;
use crate::world::{Ended, KUBEX, ended, program};

/// Runs a line of bash, in which `kubex` is the command and `$config` a kubeconfig.
fn bash(line: &str, config: &std::path::Path) -> Ended {
    let script = format!("kubex() {{ '{KUBEX}' \"$@\"; }}\n{line}");
    let mut command = program("bash", &["-c", &script]);
    ended(command.env("config", config).output().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kubeconfig_from_a_pipe_connects_wherever_a_file_does() {
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("t0ken", User::new("jane"));
    server.answer("/version", StatusCode::OK, json!({"minor": "36"}));
    let file = kubeconfig_of(&server, "token: t0ken");
    for line in [
        "kubex get /version --kubeconfig <(cat $config)",
        "cat $config | kubex get /version --kubeconfig /dev/stdin",
        "cat $config | kubex get /version --kubeconfig /dev/fd/0",
        "kubex get /version --kubeconfig /dev/stdin < $config",
        "KUBECONFIG=<(cat $config) kubex get /version",
        "KUBECONFIG=/nowhere:<(echo '{}'):<(sleep 0.2; cat $config) kubex get /version",
        "kubex get /version --config <(echo \"sources: {kubeconfig: {path: $config}}\")",
        "KUBEX_CONFIG=<(echo \"sources: {kubeconfig: {path: $config}}\") kubex get /version",
        "d=$(mktemp -d); mkfifo $d/p; cat $config > $d/p & kubex get /version --kubeconfig $d/p; rm -r $d",
    ] {
        let got = bash(line, file.path());
        assert_eq!((got.status, got.stderr.as_str()), (0, ""), "{line}");
        assert_eq!(got.stdout, r#"{"minor":"36"}"#, "{line}");
    }
    // Everything that a flag names: a certificate authority, and a token in a file that a configuration names.
    let lines = [
        "kubex get /version --kubeconfig $config --certificate-authority <(kubex resolve -ojson --kubeconfig $config \
         >/dev/null; grep -o 'authority-data: [^}]*' $config | cut -d' ' -f2 | base64 -d)",
        "kubex get /version --config <(echo \"sources: {kubeconfig: {path: $config}}\n\
         overrides: {token-file: /dev/stdin}\") < <(echo t0ken)",
    ];
    for line in lines {
        let got = bash(line, file.path());
        assert_eq!(
            (got.status, got.stdout.as_str()),
            (0, r#"{"minor":"36"}"#),
            "{line}\n{}",
            got.stderr
        );
        assert!(got.stderr.contains("[pipe-read-once]"), "{line}\n{}", got.stderr);
    }
    server.shutdown().await;
}

#[test]
fn an_error_shows_the_line_of_a_pipe_that_was_read_before() {
    let got = bash(
        "kubex explain --kubeconfig <(printf 'current-context: x\\ncontexts: [{name: y}]\\n')",
        "/".as_ref(),
    );
    assert_eq!(got.status, 4);
    assert!(got.stderr.contains("  1 | current-context: x"), "{}", got.stderr);
}

#[test]
fn a_relative_path_in_a_pipe_is_an_error_that_names_the_field() {
    for (line, field) in [
        (
            "kubex explain --kubeconfig <(printf 'current-context: c\\nclusters: [{name: c, cluster: {server: \
             https://127.0.0.1:1, certificate-authority: ca.crt}}]\\ncontexts: [{name: c, context: {cluster: c}}]\\n')",
            "clusters[c].cluster.certificate-authority",
        ),
        (
            "kubex explain --config <(echo 'overrides: {certificate-authority: ca.crt}')",
            "overrides.certificate-authority",
        ),
    ] {
        let got = bash(line, "/".as_ref());
        assert_eq!(got.status, 4, "{}", got.stderr);
        for part in [
            field,
            "relative",
            "a pipe has no directory",
            "help: write an absolute path",
        ] {
            assert!(got.stderr.contains(part), "{part}: {}", got.stderr);
        }
    }
}

#[test]
fn a_pipe_that_nothing_writes_to_ends_with_the_status_of_a_time_out() {
    let begun = Instant::now();
    let got = bash(
        "d=$(mktemp -d); mkfifo $d/p; kubex explain --config <(echo \"chain: [kubeconfig]\nsources: {kubeconfig: \
         {timeout: 1500ms, path: $d/p}}\"); status=$?; rm -r $d; exit $status",
        "/".as_ref(),
    );
    assert!(
        begun.elapsed() < patience(Duration::from_secs(5)),
        "{:?}",
        begun.elapsed()
    );
    assert_eq!(got.status, 6, "{}", got.stderr);
    assert!(
        got.stderr
            .contains("it is a pipe, and nothing was written to it within 1 s"),
        "{}",
        got.stderr
    );
}

#[test]
fn a_device_is_refused_and_the_null_device_is_an_empty_file() {
    for (path, part) in [
        ("/dev/zero", "it is a device"),
        ("/dev/null", "contains no cluster, user or context"),
    ] {
        let got = bash(&format!("kubex explain --kubeconfig {path}"), "/".as_ref());
        assert_eq!(got.status, 4);
        assert!(got.stderr.contains(part), "{}", got.stderr);
    }
}
