//! Outline and full reading agree: entries, values, positions, warnings, errors.

use std::cell::Cell;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::test_runner::{RngSeed, TestRunner};

use super::both_ways;

#[path = "../../tests/properties/edits.rs"]
mod edits;

use edits::Edits;

/// The same cases in every run, unless `PROPTEST_RNG_SEED` asks for others; so many times as many as usual.
fn runner_of(times: u32) -> TestRunner {
    let mut config = ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    if config.rng_seed == RngSeed::Random {
        config.rng_seed = RngSeed::Fixed(1);
    }
    config.cases *= times;
    TestRunner::new(config)
}

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
    "# mine\n---\napiVersion: v1\nkind: Config\ncurrent-context: 1e3\n\nclusters:\n  - name: n0777\n    cluster:\n      server: \
     \"https://h\"\n      insecure-skip-tls-verify: yes\n  - name: b\n    clusters:\n      server: https://b\n\nusers:\n  -\n    name: \
     u\n    user:\n      Token: t\n      token: 1_000\n  - name: v\n    user: null\n  - name: w\ncontexts: []\n",
    "{\n    \"kind\": \"Config\",\n    \"apiVersion\": \"v1\",\n    \"preferences\": {},\n    \"clusters\": [\n        {\n            \
     \"name\": \"a\",\n            \"cluster\": {\n                \"server\": \"https://10.0.0.1:6443\",\n                \
     \"certificate-authority-data\": \"YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXo=\",\n                \"insecure-skip-tls-verify\": \
     false\n            }\n        }\n    ],\n    \"users\": [\n        {\n            \"name\": \"u\",\n            \"user\": {\n                \
     \"exec\": {\"command\": \"aws\", \"args\": [\"eks\", \"get-token\"], \"env\": null},\n                \"Token\": \
     \"a\\\\b\"\n            }\n        }\n    ],\n    \"contexts\": [{\"name\": \"x\", \"context\": {\"cluster\": \"a\", \"user\": \
     \"u\"}}],\n    \"current-context\": \"x\"\n}\n",
];

#[test]
fn edited_kubeconfigs_are_read_the_same() {
    let compared = Cell::new(0);
    runner_of(20)
        .run(&(prop::sample::select(USUAL), Edits::any()), |(text, edits)| {
            let text = edits.apply_to_text(text);
            if let Some([outlined, whole]) = both_ways(&text) {
                prop_assert_eq!(outlined, whole, "{}", text);
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
fn lines_in_any_order_are_read_the_same() {
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
            if let Some([outlined, whole]) = both_ways(&text) {
                prop_assert_eq!(outlined, whole, "{}", text);
                compared.set(compared.get() + 1);
            }
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    assert!(compared.get() > 50, "only {} were compared", compared.get());
}

#[test]
fn what_tools_write_has_an_outline() {
    for text in USUAL {
        let [outlined, whole] = both_ways(text).unwrap();
        assert_eq!(outlined, whole);
    }
}
