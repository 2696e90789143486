//! This way and the parser's tell the same: entries, values, places, warnings, errors.

use std::cell::Cell;
use std::fmt::Write as _;
use std::sync::Arc;

use kubex_core::Origin;
use kubex_core::options::{Value, ValueKind};
use proptest::prelude::*;

use crate::document::{self, Parsed, Root};
use crate::entry::{Document, Entries};
use crate::layout::Layout;
use crate::layout::tests::{edits::Edits, runner_of};
use crate::merge::Merged;
use crate::text::Text;

/// Everything that is told of a document; nothing where it takes no other way than the parser's.
fn told(text: &str) -> Option<[String; 2]> {
    let layout = || Layout::of(Text::of(&text.as_bytes().to_vec().into()).unwrap());
    let found = layout();
    let parts = super::read(found.text())?;
    let parts = parts
        .into_iter()
        .map(|(key, part)| (key.to_owned(), part))
        .collect();
    let origin = Origin::file("/config");
    let merged = |root, warnings, layout| {
        let document = Document {
            origin: origin.clone(),
            directory: None,
            layout,
        };
        let mut merged = Merged::new();
        let added = merged.add(Parsed {
            root,
            warnings,
            document: Arc::new(document),
        });
        match added {
            Ok(()) => shown(&merged),
            Err(error) => error.to_string(),
        }
    };
    let whole = document::whole(&layout(), &origin);
    Some([
        merged(Root::Parts(parts), Vec::new(), layout()),
        match whole {
            Ok((root, warnings)) => merged(Root::Tree(root), warnings, layout()),
            Err(error) => error.to_string(),
        },
    ])
}

fn shown(merged: &Merged) -> String {
    let mut out = String::new();
    writeln!(out, "{:?}", merged.current_context).unwrap();
    let lists: [&Entries; 3] = [&merged.contexts, &merged.clusters, &merged.users];
    for entry in lists.into_iter().flat_map(Entries::iter) {
        writeln!(out, "{} at {}", entry.name, entry.origin()).unwrap();
        match entry.fields() {
            Err(error) => writeln!(out, "{error}").unwrap(),
            Ok(fields) => {
                for (key, value) in fields.entries() {
                    write!(out, "{key}: ").unwrap();
                    show(value, &mut out);
                }
                for warning in entry.warnings(&fields) {
                    writeln!(out, "{warning}").unwrap();
                }
            }
        }
    }
    for warning in &merged.warnings {
        writeln!(out, "{warning}").unwrap();
    }
    out
}

fn show(value: &Value, out: &mut String) {
    match value.kind() {
        ValueKind::String(text) => writeln!(out, "{:?} ({})", text.as_str(), value.origin()).unwrap(),
        ValueKind::Null => writeln!(out, "null ({})", value.origin()).unwrap(),
        ValueKind::Boolean(flag) => writeln!(out, "{flag} ({})", value.origin()).unwrap(),
        ValueKind::Integer(number) => writeln!(out, "{number} ({})", value.origin()).unwrap(),
        ValueKind::Float(number) => writeln!(out, "{number} ({})", value.origin()).unwrap(),
        ValueKind::Sequence(items) => items.iter().for_each(|item| show(item, out)),
        ValueKind::Mapping(entries) => {
            for (key, value) in entries {
                write!(out, "{key}: ").unwrap();
                show(value, out);
            }
        }
    }
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
    "# mine\n---\napiVersion: v1\nkind: Config\ncurrent-context: 1e3\n\nclusters:\n  - name: 0777\n    cluster:\n      server: \
     \"https://h\"\n      insecure-skip-tls-verify: yes\n  - name: b\n    clusters:\n      server: https://b\n\nusers:\n  -\n    name: \
     u\n    user:\n      Token: t\n      token: 1_000\n  - name: v\n    user: null\n  - name: w\ncontexts: []\n",
];

#[test]
fn edited_kubeconfigs_are_told_the_same() {
    let compared = Cell::new(0);
    runner_of(20)
        .run(&(prop::sample::select(USUAL), Edits::any()), |(text, edits)| {
            let text = edits.apply_to_text(text);
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

#[test]
fn what_tools_write_takes_the_short_way() {
    for text in USUAL {
        let [selective, whole] = told(text).unwrap();
        assert_eq!(selective, whole);
    }
}
