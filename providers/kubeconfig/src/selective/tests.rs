//! This way and the parser's tell the same: entries, values, places, warnings, errors.

use std::cell::Cell;
use std::fmt::Write as _;

use proptest::prelude::*;

use super::told::told;
use crate::layout::tests::{edits::Edits, runner_of};

/// What tools write, in the ways they differ.
const USUAL: &[&str] = &[
    "apiVersion: v1\nclusters:\n- cluster:\n    certificate-authority-data: YWJj\n    server: https://10.0.0.1:6443\n  name: \
     prod\n- cluster:\n    extensions:\n    - extension:\n        last-update: Mon, 01 Jan 2030 00:00:00 UTC\n        version: \
     v1.36.0\n      name: cluster_info\n    server: https://b\n  name: 'test'\ncontexts:\n- context:\n    cluster: prod\n    \
     namespace: team-a\n    user: jane\n  name: prod\n- context:\n    cluster: test\n    user: joe\n  name: \"test\"\n\
     current-context: prod\nkind: Config\npreferences: {}\nusers:\n- name: jane\n  user:\n    exec:\n      apiVersion: \
     client.authentication.k8s.io/v1\n      args:\n      - --region\n      - eu-west-1\n      - eks\n      command: aws\n      \
     env:\n      - name: AWS_PROFILE\n        value: prod\n      interactiveMode: IfAvailable\n      provideClusterInfo: \
     false\n- name: joe\n  user:\n    token: |\n      abc\n",
    "# mine\n---\napiVersion: v1\nkind: Config\ncurrent-context: 1e3\n\nclusters:\n  - name: 0777\n    cluster:\n      server: \
     \"https://h\"\n      insecure-skip-tls-verify: yes\n  - name: b\n    clusters:\n      server: https://b\n\nusers:\n  -\n    name: \
     u\n    user:\n      Token: t\n      token: 1_000\n  - name: v\n    user: null\n  - name: w\ncontexts: []\n",
];

/// The same in JSON, as `kubectl config view -o json` and as programs write it.
fn usual_in_json() -> [String; 3] {
    let tree = serde_json::json!({
        "kind": "Config", "apiVersion": "v1", "preferences": {},
        "clusters": [
            {"name": "prod", "cluster": {"server": "https://10.0.0.1:6443", "certificate-authority-data": "YWJj"}},
            {"name": "test", "cluster": {"server": "https://b", "extensions": [
                {"name": "cluster_info", "extension": {"last-update": "Mon, 01 Jan 2030", "version": "v1.36.0"}}]}}],
        "users": [
            {"name": "jane", "user": {"exec": {"command": "aws", "args": ["--region", "eu-west-1"],
                "env": [{"name": "AWS_PROFILE", "value": "a\"b\\c"}], "apiVersion": "client.authentication.k8s.io/v1",
                "provideClusterInfo": false, "interactiveMode": "IfAvailable"}}},
            {"name": "joe", "user": {"token": "abc", "x": [1, -2, null, true, {}, []]}, "Name": "x"},
            {"user": {"Token": "t"}, "name": ""}],
        "contexts": [
            {"name": "prod", "context": {"cluster": "prod", "user": "jane", "namespace": "team-a"}},
            {"name": "test", "context": {"cluster": "test", "user": "joe"}}],
        "current-context": "prod", "Extensions": null
    });
    let pretty = serde_json::to_string_pretty(&tree).unwrap();
    [
        tree.to_string(),
        pretty.replace("  ", "    ") + "\n",
        pretty.replace('\n', "\r\n"),
    ]
}

#[test]
fn edited_kubeconfigs_are_told_the_same() {
    edited_are_told_the_same(USUAL.iter().copied().map(str::to_owned).collect());
}

#[test]
fn edited_kubeconfigs_in_json_are_told_the_same() {
    edited_are_told_the_same(usual_in_json().to_vec());
}

fn edited_are_told_the_same(usual: Vec<String>) {
    let compared = Cell::new(0);
    runner_of(20)
        .run(&(prop::sample::select(usual), Edits::any()), |(text, edits)| {
            let text = edits.apply_to_text(&text);
            if let Some([selective, whole]) = told(&text) {
                prop_assert_eq!(selective, whole, "{}", text);
                compared.set(compared.get() + 1);
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert!(compared.get() > 200, "only {} were compared", compared.get());
}

/// Lines that are put together in any order, at any indentation.
const LINES: &[&str] = &[
    "clusters:",
    "contexts:",
    "users:",
    "current-context: a",
    "kind: Config",
    "preferences: {}",
    "- name: a",
    "- name: b",
    "- user:",
    "-",
    "- - x",
    "- x",
    "- --flag",
    "name: c",
    "name: 12",
    "name: ~",
    "name:",
    "user:",
    "cluster:",
    "context:",
    "token: t",
    "token: 'a: b'",
    "token: \"x\"",
    "token: |",
    "token: >-",
    "x: yes",
    "x: inf",
    "x: NaN",
    "x: Null",
    "x: ...",
    "x: []",
    "x: ~",
    "x: 1e3",
    "x: 'it'",
    "Token: x",
    "server: https://h:1/p?q#r",
    "args:",
    "env: []",
    "x: true",
    "x: 0777",
    "x: a b  c",
    "x: -1",
    "x: .5",
    "text",
    "# comment",
    "",
    "   ",
    "---",
    "...",
];

#[test]
fn lines_in_any_order_are_told_the_same() {
    let compared = Cell::new(0);
    let lines = prop::collection::vec(
        (
            prop::sample::select(&[0_usize, 0, 0, 1, 2, 2, 4, 4, 6, 8][..]),
            prop::sample::select(LINES),
        ),
        1..14,
    );
    runner_of(20)
        .run(&(lines, any::<bool>()), |(lines, has_returns)| {
            let end = if has_returns { "\r\n" } else { "\n" };
            let mut text = String::new();
            for (indentation, line) in lines {
                write!(text, "{:indentation$}{line}{end}", "").unwrap();
            }
            if let Some([selective, whole]) = told(&text) {
                prop_assert_eq!(selective, whole, "{}", text);
                compared.set(compared.get() + 1);
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert!(compared.get() > 50, "only {} were compared", compared.get());
}

/// Pieces of JSON that are put together in any order.
const PIECES: &[&str] = &[
    "{",
    "{",
    "}",
    "}",
    "[",
    "]",
    ",",
    ",",
    ":",
    " ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\"name\":",
    "\"name\":\"a\"",
    "\"name\":12",
    "\"name\":null",
    "\"user\":",
    "\"user\":{\"token\":\"t\"}",
    "\"users\":[",
    "\"clusters\":[{",
    "\"users\":",
    "\"current-context\":\"a\"",
    "\"kind\":\"Config\"",
    "\"x\":",
    "\"x\\u0041\":1",
    "\"<<\":{}",
    "\"\"",
    "\"a\\nb\"",
    "\"\\ud83d\\ude00\"",
    "\"\\ud800\"",
    "\"\\u00e9\"",
    "\"\u{e9}\"",
    "true",
    "false",
    "null",
    "nul",
    "0",
    "-0",
    "01",
    "-",
    "1.5",
    "1e9",
    "123456789012345",
    "1234567890123456789012345",
    "#",
    "'",
    "},{",
    "}]",
    "\"a",
];

#[test]
fn pieces_of_json_in_any_order_are_told_the_same() {
    let compared = Cell::new(0);
    let usual = usual_in_json();
    let changes = prop::collection::vec(
        (
            any::<prop::sample::Index>(),
            any::<prop::sample::Index>(),
            prop::sample::select(PIECES),
        ),
        1..4,
    );
    runner_of(20)
        .run(
            &(prop::sample::select(usual.to_vec()), changes),
            |(mut text, changes)| {
                for (at, length, piece) in changes {
                    let at = at.index(text.len() + 1);
                    let end = (at + length.index(4)).min(text.len());
                    if text.is_char_boundary(at) && text.is_char_boundary(end) {
                        text.replace_range(at..end, piece);
                    }
                }
                if let Some([selective, whole]) = told(&text) {
                    prop_assert_eq!(selective, whole, "{}", text);
                    compared.set(compared.get() + 1);
                }
                Ok(())
            },
        )
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert!(compared.get() > 50, "only {} were compared", compared.get());
}

#[test]
fn what_tools_write_takes_the_short_way() {
    let in_json = usual_in_json();
    for text in USUAL.iter().copied().chain(in_json.iter().map(String::as_str)) {
        let [selective, whole] = told(text).unwrap();
        assert_eq!(selective, whole);
    }
}
