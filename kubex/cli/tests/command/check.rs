//! `explain --check`, for what the files of the cases cannot hold: modes, and certificates that end.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use kubex_tests::api_server::ApiServer;
use tempfile::TempDir;

use crate::world::{Ended, KUBEX, ended, program};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn check(kubeconfig: &Path) -> Ended {
    let words = ["explain", "--check", "--kubeconfig", kubeconfig.to_str().unwrap()];
    ended(program(KUBEX, &words).output().unwrap())
}

/// A kubeconfig with this user.
fn kubeconfig(directory: &TempDir, user: &str) -> std::path::PathBuf {
    let path = directory.path().join("config");
    let text = format!(
        "current-context: c\nclusters: [{{name: c, cluster: {{server: 'https://10.0.0.1', insecure-skip-tls-verify: true}}}}]\n\
         contexts: [{{name: c, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {user}}}]\n"
    );
    fs::write(&path, text).unwrap();
    path
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Whether other users can enter the directories above, so that the modes below decide.
fn is_open(directory: &Path) -> bool {
    directory
        .ancestors()
        .all(|above| fs::metadata(above).unwrap().permissions().mode() & 0o001 != 0)
}

#[test]
fn a_plugin_that_kubex_exec_runs_is_checked_as_one_that_is_run_directly() {
    let directory = tempfile::tempdir().unwrap();
    for (plugin, status) in [("no-such-plugin", 5), ("/no/such/plugin", 5), ("sh", 0)] {
        let user = format!(
            "{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: {KUBEX}, \
             args: [exec, --lifetime, 1m, --, {plugin}, get-token], installHint: Install it by hand.}}}}"
        );
        let ended = check(&kubeconfig(&directory, &user));
        assert_eq!(ended.status, status, "{ended:?}");
        let name = format!("exec plugin {plugin}, through kubex exec");
        assert!(ended.stdout.contains(&name), "{ended:?}");
        let not_found = format!("exec plugin {plugin} not found");
        assert_eq!(ended.stderr.contains(&not_found), status == 5, "{ended:?}");
        assert_eq!(
            ended.stderr.contains("Install it by hand."),
            status == 5,
            "{ended:?}"
        );
    }
}

#[test]
fn a_file_with_a_secret_that_everyone_can_read_is_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    if !is_open(directory.path()) {
        eprintln!("NOT TESTED: files that everyone can read: the directory for temporary files is closed");
        return;
    }
    let with_secret = kubeconfig(&directory, "{token: Qz7token-in-the-kubeconfig}");
    for (mode_of_directory, mode, is_reported) in [
        (0o755, 0o644, true),
        (0o755, 0o600, false),
        (0o755, 0o640, false),
        (0o700, 0o644, false),
    ] {
        set_mode(directory.path(), mode_of_directory);
        set_mode(&with_secret, mode);
        let ended = check(&with_secret);
        assert_eq!(ended.status, 0, "{ended:?}");
        let is_shown = ended.stdout.contains("[readable-by-others]");
        assert_eq!(is_shown, is_reported, "{mode_of_directory:o} {mode:o}: {ended:?}");
    }
    set_mode(directory.path(), 0o755);
    // The kubeconfig itself has no secret.
    let without_secret = kubeconfig(&directory, "{tokenFile: token}");
    let token = directory.path().join("token");
    fs::write(&token, "Jk0filet").unwrap();
    set_mode(&token, 0o600);
    set_mode(&without_secret, 0o644);
    assert!(!check(&without_secret).stdout.contains("[readable-by-others]"));
}

#[tokio::test]
async fn a_file_that_a_field_names_and_that_everyone_can_read_is_a_warning_outside_of_pods() {
    let directory = tempfile::tempdir().unwrap();
    set_mode(directory.path(), 0o755);
    if !is_open(directory.path()) {
        eprintln!("NOT TESTED: files that everyone can read: the directory for temporary files is closed");
        return;
    }
    let server = ApiServer::builder().start().await.unwrap();
    let pair = server.issue_client_certificate_until("jane", &[], SystemTime::now() + 100 * DAY);
    for (name, content) in [
        ("c.crt", pair.certificate.as_bytes()),
        ("c.key", pair.key.as_bytes()),
        ("token", b"Jk0filet"),
    ] {
        fs::write(directory.path().join(name), content).unwrap();
    }
    for (user, secret) in [
        ("{client-certificate: c.crt, client-key: c.key}", "c.key"),
        ("{tokenFile: token}", "token"),
    ] {
        let file = kubeconfig(&directory, user);
        for name in ["c.crt", "c.key", "token", "config"] {
            set_mode(&directory.path().join(name), 0o644);
        }
        let outside = check(&file);
        assert_eq!(outside.status, 0, "{outside:?}");
        let reported = outside.stdout.matches("[readable-by-others]").count();
        assert_eq!(reported, 1, "{outside:?}");
        let place = directory.path().join(secret).display().to_string();
        assert!(outside.stdout.contains(&place), "{outside:?}");

        // Kubelet and agents write them for the pod alone.
        let words = ["explain", "--check", "--kubeconfig", file.to_str().unwrap()];
        let mut in_a_pod = program(KUBEX, &words);
        in_a_pod.env("KUBERNETES_SERVICE_HOST", "10.0.0.1");
        let within = ended(in_a_pod.output().unwrap());
        assert!(!within.stdout.contains("[readable-by-others]"), "{within:?}");

        set_mode(&directory.path().join(secret), 0o600);
        let closed = check(&file);
        assert!(!closed.stdout.contains("[readable-by-others]"), "{closed:?}");
    }
    server.shutdown().await;
}

#[tokio::test]
async fn a_client_certificate_that_ends_soon_is_a_warning_and_one_that_has_ended_is_a_failure() {
    let server = ApiServer::builder().start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    for (left, status, id) in [
        (Some(100 * DAY), 0, None),
        (Some(DAY), 0, Some("[client-certificate-expires-soon]")),
        (None, 8, Some("[client-certificate-expired]")),
    ] {
        let end = match left {
            Some(left) => SystemTime::now() + left,
            None => SystemTime::now() - DAY,
        };
        let pair = server.issue_client_certificate_until("jane", &[], end);
        fs::write(directory.path().join("c.crt"), &pair.certificate).unwrap();
        fs::write(directory.path().join("c.key"), &pair.key).unwrap();
        let file = kubeconfig(&directory, "{client-certificate: c.crt, client-key: c.key}");
        let ended = check(&file);
        assert_eq!(ended.status, status, "{ended:?}");
        for known in [
            "[client-certificate-expires-soon]",
            "[client-certificate-expired]",
        ] {
            assert_eq!(
                ended.stdout.contains(known),
                id == Some(known),
                "{known}: {ended:?}"
            );
        }
        assert_eq!(
            ended.stderr.contains("has expired") || ended.stderr.contains("expired at"),
            status == 8
        );
    }
    server.shutdown().await;
}

#[test]
fn a_token_that_has_expired_is_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    let ended = check(&kubeconfig(
        &directory,
        "{token: eyJhbGciOiJub25lIn0.eyJleHAiOjE3MDAwMDAwMDB9.x}",
    ));
    assert_eq!(ended.status, 8, "{ended:?}");
    assert!(ended.stdout.contains("[token-expired]"), "{ended:?}");
    assert!(
        ended.stderr.contains("the token expired at 2023-11-14T22:13:20Z"),
        "{ended:?}"
    );
}

#[test]
fn a_key_pair_that_cannot_be_read_is_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    let file = kubeconfig(&directory, "{client-certificate: gone.crt, client-key: gone.key}");
    let ended = check(&file);
    assert_eq!(ended.status, 4, "{ended:?}");
    assert!(
        ended.stderr.contains("gone.crt") && ended.stderr.contains("help:"),
        "{ended:?}"
    );
}

#[test]
fn a_token_that_kubectl_prints_in_place_of_the_real_one_is_a_failure() {
    let directory = tempfile::tempdir().unwrap();
    for (token, status) in [
        ("REDACTED", 8),
        ("DATA+OMITTED", 8),
        ("'Bearer abc'", 8),
        ("'{{ .Token }}'", 8),
        ("abc", 0),
    ] {
        let ended = check(&kubeconfig(&directory, &format!("{{token: {token}}}")));
        assert_eq!(ended.status, status, "{token}: {ended:?}");
        assert_eq!(
            ended.stdout.contains("[doubtful-token]"),
            status == 8,
            "{token}: {ended:?}"
        );
    }
}

#[test]
fn with_several_sources_each_problem_is_told_once_in_the_block_of_its_source() {
    let directory = tempfile::tempdir().unwrap();
    let file = kubeconfig(
        &directory,
        "{exec: {apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never, command: no-such-plugin}}",
    );
    let run = |words: &[&str]| {
        let mut command = program(KUBEX, &[&["explain", "--check"] as &[&str], words].concat());
        command
            .env("KUBECONFIG", &file)
            .env("KUBEX_CHAIN", "kubeconfig,spare")
            .env("KUBEX_SOURCES__SPARE__PROVIDER", "token-file")
            .env("KUBEX_SOURCES__SPARE__SERVER", "https://10.0.0.1")
            .env("KUBEX_SOURCES__SPARE__TOKEN_FILE", "/nowhere/token");
        ended(command.output().unwrap())
    };
    let table = run(&[]);
    assert_eq!(table.status, 5, "{table:?}");
    for problem in [
        "exec plugin no-such-plugin not found",
        "cannot read the token file",
    ] {
        assert_eq!(table.stdout.matches(problem).count(), 1, "{table:?}");
        assert!(!table.stderr.contains(problem), "{table:?}");
    }
    assert!(
        table.stdout.contains("\nkubeconfig\nerror: ") && table.stdout.contains("\nspare\nerror: "),
        "{table:?}"
    );
    assert!(
        table
            .stderr
            .starts_with("error: the source kubeconfig would fail"),
        "{table:?}"
    );
    // A program reads one of the two.
    let json = run(&["-ojson"]);
    assert!(
        json.status == 5 && json.stderr.contains("no-such-plugin not found"),
        "{json:?}"
    );
}
