//! Documents whose meaning was asked of kubectl 1.37 (`kubectl config view --raw -o json`).

use kubex_document::{Kind, Node, Problem};

use crate::read;

fn kind_name(text: &str) -> &'static str {
    let document = read(text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    document.root().get("a").unwrap().kind().type_name()
}

fn text_of(text: &str) -> String {
    let document = read(text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
    let node = document.root().get("a").unwrap();
    node.as_str()
        .unwrap_or_else(|| panic!("{node:?}: {text:?}"))
        .to_owned()
}

#[test]
fn what_is_a_number_to_kubectl_is_one() {
    for text in [
        "1e3",
        "1_000",
        "0777",
        "0o17",
        "0999",
        "99999999999999999999",
        "-0b1",
        "0x_1",
        "0B1",
        "1.",
        "-.5",
        "+.5",
        ".5e3",
        "-9223372036854775809",
        "+.inf",
        ".NaN",
    ] {
        assert_eq!(kind_name(&format!("a: {text}\n")), "a number", "{text}");
        assert_eq!(kind_name(&format!("a: '{text}'\n")), "a string", "{text}");
    }
}

#[test]
fn what_is_a_text_to_kubectl_is_one() {
    for text in [
        "2001-01-01",
        "1e999",
        "_1",
        "1:30",
        "NaN",
        ".e3",
        "0o8",
        "0x1p4",
        ".1p4",
        "0b",
        "=",
        "<<",
        "a:b",
    ] {
        assert_eq!(text_of(&format!("a: {text}\n")), text);
    }
}

#[test]
fn tags_are_those_of_kubectl() {
    for (text, expected) in [
        ("a: !x abc\n", "abc"),
        ("a: ! abc\n", "abc"),
        ("a: ! 5\n", "5"),
        ("a: !\n", ""),
        ("a: !b\n", ""),
        ("a: !!str 5\n", "5"),
        ("a: !!str\n", ""),
        ("a: !!binary aGVsbG8=\n", "hello"),
        ("a: !!binary |\n  aGVs\n  bG8=\n", "hello"),
        ("a: !!timestamp 2001-01-01\n", "2001-01-01"),
    ] {
        assert_eq!(text_of(text), expected, "{text}");
    }
    for text in ["a: !!bool yes\n", "a: !!bool \"true\"\n"] {
        assert!(
            read(text).unwrap().root().get("a").unwrap().kind() == Kind::Boolean(true),
            "{text}"
        );
    }
    for text in [
        "a: !!binary '%%'\n",
        "a: !!int abc\n",
        "a: !!bool 1\n",
        "a: {b: !!null x}\n",
    ] {
        assert_eq!(*read(text).unwrap_err().problem(), Problem::TagMismatch, "{text}");
    }
    // kubectl takes it for the text; it is refused, so that nothing is guessed.
    assert_eq!(*read("a: !x 5\n").unwrap_err().problem(), Problem::UnknownTag);
    let tagged = read("a: !x [!y {b: c}]\n").unwrap();
    assert_eq!(tagged.root().get("a").unwrap().len(), 1);
}

#[test]
fn what_stands_behind_the_document_does_not_matter() {
    for text in [
        "{a: b}}",
        "a: b\n--- }\n",
        "a: b\n%YAML 1.1\n---\n",
        "{a: b}\"c\"",
        "a: b\n...\n- ]",
    ] {
        let document = read(text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
        assert_eq!(document.root().get("a").and_then(Node::as_str), Some("b"));
        assert!(document.rest().is_some(), "{text:?}");
    }
    assert!(read("a: b\n...\n").unwrap().rest().is_none());
    assert!(read("a: b\n...\n\u{1}").is_err());
}

#[test]
fn forms_that_few_parsers_take_are_taken() {
    for (text, expected) in [
        ("a:\tb\n", "b"),
        ("{\"a\":\"b\"}x", "b"),
        ("{'a':'b'}", "b"),
        ("{? a : b}", "b"),
        ("a: \"it\\'s\"\n", "it's"),
        ("\u{feff}a: b\nc: d\n", "b"),
        ("a: b\n\u{feff}c: d\n", "b"),
        ("a: b\u{85}c: d\n", "b"),
        ("a: b\u{2028}  c\n", "b\u{2028}c"),
        ("a: \"b\n\n  c\"\n", "b\nc"),
        ("a: &b:c\n", ":c"),
        ("a: b#c # d\n", "b#c"),
        ("a: '#b'#c\n", "#b"),
        ("a:\n  - b\n  # c\nd: e\n", ""),
        ("a: \"b\u{1f600}\"\n", "b\u{1f600}"),
    ] {
        let document = read(text).unwrap_or_else(|error| panic!("{error}: {text:?}"));
        let found = document.root().get("a").unwrap();
        assert_eq!(found.as_str().unwrap_or_default(), expected, "{text:?}");
    }
}

#[test]
fn what_kubectl_refuses_is_refused() {
    for text in [
        "a: b\n\tc: d\n",
        "a: \"b\u{7f}\"\n",
        "a: b\u{fffe}\n",
        "%YAML 1.3\n---\na: b\n",
        "%FOO\n---\na: b\n",
        "a: *b\n",
        "a: b: c\n",
        "a: \"\\ud83d\\ude00\"\n",
        "a: @b\n",
        "a: {b: c\n",
        "{a: !!str, b: c}",
    ] {
        match text {
            // libyaml takes the tag that a comma ends, and kubectl does not.
            "{a: !!str, b: c}" => assert!(read(text).is_ok()),
            _ => assert!(read(text).is_err(), "{text:?}"),
        }
    }
}
