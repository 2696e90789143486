//! Kubeconfigs of any size, as tools write them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// How a kubeconfig is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As `kubectl config` writes it.
    Yaml,
    /// As `kubectl config view -o json` writes it.
    Json,
    /// With an anchor, which the parser of YAML has to follow.
    Unusual,
}

/// A kubeconfig of so many contexts, each with a cluster and a user of its own; the one in the middle is current. Small ones
/// have one authority each, those of 1,000 contexts and more have chains, as a company's have.
pub fn of(contexts: usize, form: Form) -> String {
    let authorities = authorities(if contexts < 1000 { 1 } else { 3 });
    match form {
        Form::Yaml => yaml(contexts, &authorities),
        Form::Json => {
            let mut text =
                serde_json::to_string_pretty(&tree(contexts, &authorities)).expect("a tree is JSON");
            text = text.replace("\n  ", "\n    ");
            text.push('\n');
            text
        }
        Form::Unusual => {
            yaml(contexts, &authorities).replacen("preferences: {}", "preferences: &nothing {}", 1)
        }
    }
}

/// One of three files that are merged: its entries are its own but for the first of each list, which all three have.
pub fn part(number: usize, contexts: usize) -> String {
    let mut text = of(contexts, Form::Yaml);
    for kind in ['c', 'u', 'x'] {
        for digit in '1'..='9' {
            text = text.replace(
                &format!("name: {kind}{digit}"),
                &format!("name: {kind}-{number}-{digit}"),
            );
            for reference in ["cluster", "user", "current-context"] {
                let from = format!("{reference}: {kind}{digit}");
                text = text.replace(&from, &format!("{reference}: {kind}-{number}-{digit}"));
            }
        }
    }
    text
}

/// A certificate in PEM. What is in it is of no matter here.
pub fn authority() -> String {
    certificates(1)
}

fn authorities(certificates_in_it: usize) -> String {
    STANDARD.encode(certificates(certificates_in_it))
}

fn certificates(count: usize) -> String {
    kubex_core::faults::CERTIFICATE.repeat(count)
}

fn yaml(contexts: usize, authorities: &str) -> String {
    let mut text = String::from("apiVersion: v1\nclusters:\n");
    let all = 0..contexts;
    for n in all.clone() {
        let _ = write!(
            text,
            "- cluster:\n    certificate-authority-data: {authorities}\n    server: https://c{n}.example:6443\n  name: c{n}\n"
        );
    }
    text.push_str("contexts:\n");
    for n in all.clone() {
        let _ = write!(
            text,
            "- context:\n    cluster: c{n}\n    user: u{n}\n  name: x{n}\n"
        );
    }
    let _ = write!(
        text,
        "current-context: x{}\nkind: Config\npreferences: {{}}\nusers:\n",
        contexts / 2
    );
    for n in all {
        let _ = write!(
            text,
            "- name: u{n}\n  user:\n    exec:\n      apiVersion: client.authentication.k8s.io/v1\n      args:\n      - \
             --region\n      - eu-west-1\n      - eks\n      - get-token\n      - --cluster-name\n      - c{n}\n      command: \
             aws\n      env: null\n      interactiveMode: IfAvailable\n      provideClusterInfo: false\n"
        );
    }
    text
}

fn tree(contexts: usize, authorities: &str) -> Value {
    let all = |make: &dyn Fn(usize) -> Value| Value::Array((0..contexts).map(make).collect());
    json!({
        "kind": "Config",
        "apiVersion": "v1",
        "preferences": {},
        "clusters": all(&|n| json!({"name": format!("c{n}"), "cluster": {
            "server": format!("https://c{n}.example:6443"), "certificate-authority-data": authorities}})),
        "users": all(&|n| json!({"name": format!("u{n}"), "user": {"exec": {
            "command": "aws",
            "args": ["--region", "eu-west-1", "eks", "get-token", "--cluster-name", format!("c{n}")],
            "env": null, "apiVersion": "client.authentication.k8s.io/v1",
            "provideClusterInfo": false, "interactiveMode": "IfAvailable"}}})),
        "contexts": all(&|n| json!({"name": format!("x{n}"), "context": {
            "cluster": format!("c{n}"), "user": format!("u{n}")}})),
        "current-context": format!("x{}", contexts / 2),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kubeconfig_has_as_many_contexts_as_were_asked_for() {
        for form in [Form::Yaml, Form::Json, Form::Unusual] {
            let text = of(100, form);
            assert_eq!(text.matches("server").count(), 100, "{form:?}");
            assert!(text.contains("x50"), "{form:?}");
        }
    }
}
