//! The outline finds the items of what tools write, and leaves everything else to the reader.

use super::{OutlinedField, Slice, outline};

const LISTS: &[&str] = &["contexts", "clusters", "users"];

/// The fields and items that the outline finds.
fn shown(text: &str) -> Option<String> {
    let content = |slice: &Slice| slice.span.of(text).trim_end().replace('\n', "|");
    let fields = outline(text, LISTS)?.into_iter().map(|field| match field {
        OutlinedField::Values(slice) | OutlinedField::Members(slice) => content(&slice),
        OutlinedField::List(list, items) => {
            let items = items.iter().map(|item| {
                let content = item.slice.as_ref().map_or("-".into(), content);
                format!("{}={content}", item.name.of(text))
            });
            format!("{}:[{}]", LISTS[list], items.collect::<Vec<_>>().join(", "))
        }
    });
    Some(fields.collect::<Vec<_>>().join("; "))
}

#[test]
fn entries_are_found_in_each_form_that_tools_write() {
    for (text, expected) in [
        (
            "apiVersion: v1\nclusters:\n- cluster:\n    server: s\n  name: a\ncurrent-context: a\n",
            "apiVersion: v1; clusters:[a=cluster:|    server: s|  name: a]; current-context: a",
        ),
        (
            "---\n# x\nusers:\n  - name: a\n    user:\n      token: t\n\n      exec:\n        args:\n        - b\n  - \
             name: 'b'\n    user: {}\npreferences:\n  x: y\n",
            "users:[a=name: a|    user:|      token: t||      exec:|        args:|        - b, b=name: 'b'|    user: \
             {}]; preferences:|  x: y",
        ),
        (
            "contexts:\n-\n  name: a\n  context:\n    cluster: c\nusers:\n-\n- name: b\n  user:\n    token: |\n      \
             x: y\n      # z\n- user: ~\n",
            "contexts:[a=name: a|  context:|    cluster: c]; users:[=-, b=name: b|  user:|    token: ||      x: y|      \
             # z, =user: ~]",
        ),
        ("users:\nclusters: []\n", "users:[]; clusters:[]"),
        (
            "{\"kind\": \"Config\", \"users\": [{\"name\": \"a\", \"user\": {\"x\": [1, true]}}, null, {}],\n \"clusters\": null}",
            "\"kind\": \"Config\"; users:[a={\"name\": \"a\", \"user\": {\"x\": [1, true]}}, =-, ={}]; clusters:[]",
        ),
        ("", ""),
    ] {
        assert_eq!(shown(text).as_deref(), Some(expected), "{text}");
    }
}

#[test]
fn anything_else_is_read_as_a_whole() {
    for text in [
        "a: b\na: c\n",
        "users:\n- name: a\n  name: b\n",
        "users:\n- a\n",
        "users:\n-\n  - a\n",
        "users:\n  a: b\n",
        "users: a\n",
        "users:\n- name: 5\n",
        "users:\n- name: ~\n",
        "users:\n- name:\n",
        "users:\n- name: |\n    a\n",
        "- a\n",
        " a: b\n",
        "a: b\n  c: d\n",
        "a:\n  b: c\n d: e\n",
        "a: b\n---\nc: d\n",
        "a: b\n...\n",
        "a:\n\tb: c\n",
        "a: \u{fc}\n",
        "a: |\n\n  b\n",
        "a: |\n    b\n  c\n",
        "{a: b}\n",
        "{\"a\": \"b\",}",
        "{\"a\": \"b\"} x",
        "{\"a\": \"b\", \"a\": \"c\"}",
        "{\"a\": {\"b\": 1, \"b\": 2}}",
        "{\"a\": \"\\u00e9\"}",
        "{\"\\n\": \"a\"}",
        "{\"a\": \"\u{e9}\"}",
        "{\"a\": \"\t\"}",
        "{\"a\": 01}",
        "{\"a\": 1.5}",
        "{\"a\": yes}",
        "{a: \"b\"}",
        "{\n\"a\": \"b\"}",
        "{\"users\": {}}",
        "{\"users\": [[]]}",
        "{\"users\": [{\"name\": 5}]}",
        "{\"users\": [{\"name\": \"\\t\"}]}",
        "a\n",
    ] {
        assert!(outline(text, LISTS).is_none(), "{text}");
    }
}
