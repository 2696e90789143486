//! Output to a terminal: colour, the token, a response body.

use kubex_tests::api_server::{ApiServer, User};
use kubex_tests::machine::has_tool;
use serde_json::json;

use crate::requests::kubeconfig_of;
use crate::world::{Ended, KUBEX, ended, program};

/// Runs the command at a terminal that `script` creates; both streams arrive as one.
fn at_a_terminal(words: &[&str], variables: &[(&str, &str)]) -> Ended {
    let line = [&[KUBEX], words].concat().join(" ");
    let mut command = program("script", &["-qec", &line, "/dev/null"]);
    command.env("TERM", "xterm").envs(variables.iter().copied());
    ended(command.output().unwrap())
}

fn has_script() -> bool {
    has_tool(&["script", "-qec", "true", "/dev/null"], "output to a terminal")
}

#[test]
fn the_token_is_printed_to_a_terminal_only_with_show() {
    if !has_script() {
        return;
    }
    let refused = at_a_terminal(&["token"], &[]);
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(
        refused.stdout.contains("--show") && !refused.stdout.contains("Qz7token"),
        "{refused:?}"
    );
    let shown = at_a_terminal(&["token", "--show"], &[]);
    assert_eq!(shown.stdout.trim(), "Qz7token-in-the-kubeconfig");
}

#[test]
fn colour_is_for_terminals_and_never_with_no_color() {
    if !has_script() {
        return;
    }
    let coloured = |words: &[&str], variables: &[(&str, &str)]| {
        at_a_terminal(words, variables).stdout.contains("\u{1b}[")
    };
    let broken: &[&str] = &["explain", "--kubeconfig=broken/context.yaml"];
    for words in [&["explain"] as &[&str], broken, &["contexts"]] {
        assert!(coloured(words, &[]), "{words:?}");
        assert!(!coloured(words, &[("NO_COLOR", "1")]), "{words:?}");
        assert!(!coloured(words, &[("TERM", "dumb")]), "{words:?}");
        let piped = crate::world::kubex(words);
        assert!(
            !format!("{}{}", piped.stdout, piped.stderr).contains('\u{1b}'),
            "{piped:?}"
        );
        let forced = ended(program(KUBEX, words).env("CLICOLOR_FORCE", "1").output().unwrap());
        assert!(
            !format!("{}{}", forced.stdout, forced.stderr).contains('\u{1b}'),
            "{forced:?}"
        );
    }
    assert!(!coloured(&["resolve", "-ojson"], &[]));
}

#[test]
#[cfg(unix)]
fn a_terminal_shows_what_a_slow_command_waits_for() {
    if !has_script() {
        return;
    }
    let scratch = tempfile::tempdir().unwrap();
    let plugin = scratch.path().join("slow");
    let answer = r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"abc"}}"#;
    std::fs::write(&plugin, format!("#!/bin/sh\nsleep \"$1\"\necho '{answer}'\n")).unwrap();
    std::fs::set_permissions(&plugin, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let kubeconfig = |seconds: &str| {
        let path = scratch.path().join(seconds);
        let text = format!(
            "current-context: c\ncontexts: [{{name: c, context: {{cluster: c, user: u}}}}]\n\
             clusters: [{{name: c, cluster: {{server: \"https://127.0.0.1:1\"}}}}]\n\
             users: [{{name: u, user: {{exec: {{apiVersion: client.authentication.k8s.io/v1, command: {}, args: [\"{seconds}\"], \
             interactiveMode: Never}}}}}}]\n",
            plugin.display()
        );
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let waited = |seconds: &str| {
        let path = kubeconfig(seconds);
        at_a_terminal(&["token", "--show", "--kubeconfig", &path], &[("NO_COLOR", "1")]).stdout
    };
    let slow = waited("2");
    assert!(slow.contains("waiting for the credential: exec plugin"), "{slow}");
    assert!(slow.contains("abc"), "{slow}");
    // Without a terminal, only the result.
    let piped = crate::world::kubex(&["token", "--kubeconfig", &kubeconfig("2")]);
    assert_eq!((piped.stdout.trim(), piped.stderr.as_str()), ("abc", ""));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_is_cleaned_on_a_terminal_and_unchanged_elsewhere() {
    if !has_script() {
        return;
    }
    let server = ApiServer::builder().start().await.unwrap();
    server.accept_token("t0ken", User::new("jane"));
    // JSON escapes control characters, so what is left to do harm is a bidirectional override.
    server.answer("/evil", http::StatusCode::OK, json!("a\u{202e}b"));
    let kubeconfig = kubeconfig_of(&server, "token: t0ken");
    let path = kubeconfig.path().to_str().unwrap().to_owned();
    let words = ["get", "/evil", "--kubeconfig", &path];
    assert_eq!(at_a_terminal(&words, &[]).stdout, "\"aU+202Eb\"");
    assert_eq!(crate::world::kubex(&words).stdout, "\"a\u{202e}b\"");
    server.shutdown().await;
}
