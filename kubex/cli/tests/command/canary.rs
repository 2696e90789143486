//! No secret in any output: subcommands run on valid and broken kubeconfigs with a secret in every field, and everything
//! that they print is searched. Only `token` prints a secret, and only the token.

use std::io::Write as _;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD_NO_PAD;

use crate::world::{KUBEX, directory, ended, kubex, kubex_with_more, program};

/// The beginning of each secret in `world/`.
const SECRETS: &[&str] = &[
    "Qz7token", "Wx8passw", "Er9envir", "Ty4stdou", "Op6proxy", "Df2unkno", "Gh1keyda", "Jk0filet",
];

fn assert_clean(what: &str, shown: &str) {
    for secret in SECRETS {
        let encoded = BASE64_STANDARD_NO_PAD.encode(secret);
        for disguise in [*secret, encoded.get(..10).unwrap()] {
            assert!(!shown.contains(disguise), "{what}: {secret} in:\n{shown}");
        }
    }
}

const OUTPUTS: &[&[&str]] = &[
    &["explain"],
    &["explain", "-ojson"],
    &["explain", "--check"],
    &["explain", "--check", "-ojson"],
    &["resolve"],
    &["resolve", "-oyaml"],
    &["contexts", "-ojson"],
    &["whoami"],
    &["get", "/version", "--request-timeout=100ms"],
];

#[test]
fn no_secret_of_a_sound_kubeconfig_is_shown() {
    for context in [
        "prod",
        "lab",
        "plugin",
        "broken-plugin",
        "no-plugin",
        "file",
        "anonymous",
    ] {
        for page in OUTPUTS {
            let flag = format!("--context={context}");
            let words = [page, &[flag.as_str(), "--server=https://127.0.0.1:1"] as &[&str]].concat();
            let ended = kubex_with_more(&words);
            let shown = format!("{}{}", ended.stdout, ended.stderr);
            assert!(!shown.is_empty(), "{words:?}");
            assert_clean(&format!("{words:?}"), &shown);
        }
    }
}

#[test]
fn no_secret_of_a_broken_kubeconfig_is_shown() {
    let mut files = 0;
    for entry in std::fs::read_dir(directory().join("broken")).unwrap() {
        let path = entry.unwrap().path();
        let content = std::fs::read_to_string(&path).unwrap();
        files += usize::from(SECRETS.iter().any(|secret| content.contains(secret)));
        for page in OUTPUTS {
            let words = [page, &["--kubeconfig", path.to_str().unwrap()] as &[&str]].concat();
            let ended = kubex(&words);
            assert_clean(
                &format!("{words:?}"),
                &format!("{}{}", ended.stdout, ended.stderr),
            );
        }
    }
    assert!(files >= 8, "{files} files have something planted");
}

#[test]
fn no_secret_of_a_configuration_is_shown() {
    let run = |words: &[&str], variables: &[(&str, &str)]| {
        let mut command = program(KUBEX, words);
        command
            .env("XDG_CONFIG_HOME", directory().join("etc"))
            .env("OVERRIDING", "Qz7token-in-the-environment")
            .env("VAULT_TOKEN", "Qz7token-in-the-environment");
        let ended = ended(command.envs(variables.iter().copied()).output().unwrap());
        let shown = format!("{}{}", ended.stdout, ended.stderr);
        assert!(!shown.is_empty(), "{words:?}");
        assert_clean(&format!("{words:?}"), &shown);
    };
    for file in ["wrong.yaml", "wrong.toml", "malformed.yaml"] {
        let path = directory().join(file);
        run(&["config", "check", file], &[]);
        run(&["explain"], &[("KUBEX_CONFIG", path.to_str().unwrap())]);
        run(&["config", "show"], &[("KUBEX_CONFIG", path.to_str().unwrap())]);
    }
    for page in OUTPUTS {
        run(page, &[]);
        run(page, &[("KUBEX_CHAIN", "vault")]);
        run(
            page,
            &[
                ("KUBEX_SOURCES__VAULT__TOKEN", "Qz7token-planted"),
                ("KUBEX_CHAIN", "vault"),
            ],
        );
        run(page, &[("KUBEX_SOURCES__VAULT__TOKN", "Df2unkno-planted")]);
    }
    for words in [&["config", "show"], &["sources", "-ojson"]] {
        run(
            &[words as &[&str], &["--token=Qz7token-on-the-command-line"]].concat(),
            &[],
        );
    }
}

/// A kubeconfig is cut at many positions, and each of its lines is shifted or broken; the errors print snippets of it.
#[test]
fn no_secret_is_in_the_snippet_of_a_kubeconfig_that_is_cut_or_shifted_anywhere() {
    let sound = "\
current-context: prod
clusters: [{name: prod, cluster: {server: 'https://h', proxy-url: 'http://jane:Op6proxy-planted@proxy'}}]
users:
- name: jane
  user:
    token: \"Qz7token-planted
      Qz7token-planted\"
    password: Wx8passw-planted
    client-key-data: |
      Gh1keyda-planted
      server: Gh1keyda-planted
    exec: {command: x, args: [--token, Qz7token-planted], env: [{name: A, value: Er9envir-planted}]}
    Df2unkno-planted: Df2unkno-planted
contexts: [{name: prod, context: {cluster: prod, user: jane}}]
";
    let cuts = (0..sound.len()).step_by(7).map(|end| sound[..end].to_owned());
    let lines: Vec<&str> = sound.lines().collect();
    let shifts = (0..lines.len()).flat_map(|at| {
        let lines = &lines;
        [" ", "\t", "   ", "- ", "]", "\"", "? ", "&a *b "].map(|prefix| {
            let mut lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            lines[at].insert_str(0, prefix);
            lines.join("\n")
        })
    });
    let mut snippets = 0;
    for document in cuts.chain(shifts) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(document.as_bytes()).unwrap();
        let ended = kubex(&["resolve", "--kubeconfig", file.path().to_str().unwrap()]);
        snippets += usize::from(ended.stderr.contains(" | "));
        assert_clean(&document, &format!("{}{}", ended.stdout, ended.stderr));
    }
    assert!(snippets > 50, "{snippets} snippets were shown");
}
