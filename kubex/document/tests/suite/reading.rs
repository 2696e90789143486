//! Encodings, merge keys, duplicates, bounds, errors.

use std::fmt::Write as _;

use kubex_core::options::{Value, ValueKind};
use kubex_core::{ErrorKind, Origin};
use kubex_document::{Budget, Conversion, Document, Format, Kind, Position, Problem};
use proptest::prelude::*;

use crate::{read, read_bytes};

#[test]
fn every_encoding_means_the_same() {
    let utf16 = |unit: fn(u16) -> [u8; 2]| "\u{feff}a: b\r\n".encode_utf16().flat_map(unit).collect();
    for bytes in [
        b"a: b\n".to_vec(),
        b"a: b\r\n".to_vec(),
        b"\xef\xbb\xbfa: b".to_vec(),
        b" {\"a\": \"b\"}".to_vec(),
        b"{a: b}".to_vec(),
        utf16(u16::to_le_bytes),
        utf16(u16::to_be_bytes),
    ] {
        let document = read_bytes(bytes).unwrap();
        let node = document.root().get("a").unwrap();
        assert_eq!(node.as_str(), Some("b"));
        assert_eq!(node.position().line, 1);
    }
}

#[test]
fn the_error_of_a_malformed_document_contains_its_position_and_no_value() {
    let origin = Origin::file("/config");
    for (text, place) in [
        ("a: [ {name: s3cret", "/config:1:19"),
        (
            "users:\n- name: j\n  user:\n    token: s3cret\n   password: s3cret\n",
            "/config:5:4",
        ),
        ("a:\n\tb: s3cret\n", "/config:2:1"),
        ("a: *s3cret\n", "/config:1:4"),
        ("- s3cret\n", "/config:1:1"),
        ("s3cret", "/config:1:1"),
        ("{\"a\": \"s3cret\"", "/config:1:15"),
        ("a: !!int s3cret", "/config:1:10"),
        ("{[s3cret]: 1}", "/config:1:2"),
        ("a: {<<: s3cret}", "/config:1:5"),
        ("s3cret: !s3cret! s3cret", "/config:1:17"),
    ] {
        let error = read(text).and_then(|document| document.mapping().map(|_| ()));
        let error = error.err().unwrap_or_else(|| panic!("{text}"));
        let error = error.into_error("the kubeconfig", &origin);
        let shown = format!("{error} {error:?}");
        assert_eq!(error.kind(), ErrorKind::MalformedDocument, "{shown}");
        assert!(shown.contains(place) && !shown.contains("s3cret"), "{shown}");
    }
}

#[test]
fn what_shows_a_document_shows_no_value() {
    let document = read("a: s3cret\nb: [s3cret]\n").unwrap();
    let shown = format!(
        "{document:?} {:?} {:?}",
        document.root(),
        document.root().get("a").unwrap().kind()
    );
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn an_empty_document_is_nothing() {
    for text in [
        "",
        "# nothing\n",
        "---\n",
        "~\n",
        "null",
        "\u{feff}",
        "---\n...\n",
    ] {
        let document = read(text).unwrap();
        assert!(document.mapping().unwrap().is_blank(), "{text:?}");
        assert_eq!(document.root().entries().count(), 0);
    }
}

#[test]
fn merge_keys_give_what_is_not_there() {
    let document =
        read("x: &x {a: 1, b: 1}\nz: &z {b: 3, c: 3}\ny: &y\n  <<: [*x, *z]\n  a: 9\nw: {<<: *y, d: 4}\n")
            .unwrap();
    let number = |name: &str, key: &str| match document.root().get(name).and_then(|node| node.get(key)) {
        Some(node) => match node.kind() {
            Kind::Integer(number) => number,
            _ => -1,
        },
        None => 0,
    };
    assert_eq!(["a", "b", "c"].map(|key| number("y", key)), [9, 1, 3]);
    assert_eq!(["a", "b", "c", "d"].map(|key| number("w", key)), [9, 1, 3, 4]);
    let names = document.root().get("w").unwrap().entries();
    let names: Vec<String> = names.map(|(key, _)| key.name().into_owned()).collect();
    assert_eq!(names, ["d", "a", "b", "c"]);
    // In quotes, and so in JSON, it is an ordinary key.
    for text in ["a: {'<<': 5}", "{\"a\": {\"<<\": 5}}"] {
        assert!(read(text).unwrap().root().get("a").unwrap().get("<<").is_some());
    }
    for text in ["a: {<<: 5}", "a: {<<: [x]}"] {
        assert_eq!(*read(text).unwrap_err().problem(), Problem::MergeKey, "{text}");
    }
}

#[test]
fn the_last_of_a_repeated_key_is_used_and_each_is_reported_with_its_location() {
    let origin = Origin::file("/config");
    for (text, place) in [
        ("a: [{b: 1, b: 2}]\n---\nb: 1\n", "/config:1:15, a[0].b"),
        ("{\"a\": [{\"b\": 1, \"b\": 2}]}", "/config:1:22, a[0].b"),
        ("a:\n- {c: 1}\n- b: 1\n  b:\n", "/config:4:3, a[1].b"),
    ] {
        let document = read(text).unwrap();
        let item = document.root().get("a").unwrap().items().last().unwrap();
        assert_eq!(item.entries().count(), 1);
        let warnings = document.warnings(&origin);
        let told: Vec<String> = warnings.iter().map(ToString::to_string).collect();
        assert!(told.iter().any(|told| told.contains(place)), "{told:?}");
        assert_eq!(told.len(), if text.contains("---") { 2 } else { 1 });
    }
    let mut many = String::new();
    for index in 0..300 {
        writeln!(many, "k{}: {index}", index % 100).unwrap();
    }
    let document = read(&many).unwrap();
    assert_eq!(document.root().entries().count(), 100);
    assert_eq!(document.duplicates().count(), 20);
    assert!(document.root().get("k7").unwrap().kind() == Kind::Integer(207));
}

#[test]
fn a_strict_reader_refuses_what_a_lenient_one_reports() {
    let origin = Origin::file("/c.yaml");
    for (text, kind, place) in [
        ("b: 1\nb: s3cret\n", ErrorKind::DuplicateName, "/c.yaml:2:1, b"),
        (
            "x: &x {a: 1}\ny: {<<: *x}\n",
            ErrorKind::MalformedDocument,
            "/c.yaml:2:5, y",
        ),
        (
            "a: 1\n---\nb: s3cret\n",
            ErrorKind::MalformedDocument,
            "/c.yaml:2:1",
        ),
    ] {
        let document = read(text).unwrap();
        let error = document.check_strictly("the configuration", &origin).unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(place), "{error}");
    }
    assert!(
        read("a: 1\n")
            .unwrap()
            .check_strictly("the configuration", &origin)
            .is_ok()
    );
}

#[test]
fn a_budget_is_kept_and_named() {
    let budget = &Budget::CONFIGURATION;
    let refused = |text: &str| {
        let error = Document::read(text.as_bytes().to_vec().into(), Format::Yaml, budget).unwrap_err();
        error.problem().clone()
    };
    assert_eq!(
        refused(&" ".repeat(1024 * 1024 + 1)),
        Problem::TooLarge(1024 * 1024)
    );
    assert_eq!(refused(&("[".repeat(33) + &"]".repeat(33))), Problem::TooDeep(32));
    assert_eq!(
        refused(&("a: [".to_owned() + &"x,".repeat(10_000) + "]")),
        Problem::TooManyNodes(10_000)
    );
    assert_eq!(
        refused(&("? ".to_owned() + &"a".repeat(1025) + "\n: b")),
        Problem::KeyTooLong(1024)
    );
    let levels = "[".repeat(32) + &"]".repeat(32);
    assert!(Document::read(levels.into_bytes().into(), Format::Yaml, budget).is_ok());
}

#[test]
fn aliases_that_multiply_are_refused() {
    let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
    for level in 1..10 {
        let alias = format!("*a{}", level - 1);
        writeln!(bomb, "a{level}: &a{level} [{}]", vec![alias; 10].join(",")).unwrap();
    }
    let mut merges = String::from("m0: &m0 {a: 1}\n");
    for level in 1..40 {
        let alias = format!("*m{}", level - 1);
        writeln!(
            merges,
            "m{level}: &m{level} {{<<: [{alias}, {alias}], k{level}: 1}}"
        )
        .unwrap();
    }
    let mut deep = String::from("d0: &d0 [x]\n");
    for level in 1..150 {
        writeln!(deep, "d{level}: &d{level} [*d{}]", level - 1).unwrap();
    }
    for text in [
        bomb.clone(),
        format!("filler: [{}]\n{bomb}", "x,".repeat(200_000)),
        merges,
    ] {
        assert!(matches!(
            read(&text).unwrap_err().problem(),
            Problem::TooManyNodes(_) | Problem::TooDeep(_)
        ));
    }
    assert_eq!(*read(&deep).unwrap_err().problem(), Problem::TooDeep(100));
    for text in ["a: &a [*a]\n", "a: &a {b: *a}\n", "&a a: &a [*a]\n"] {
        assert_eq!(
            *read(text).unwrap_err().problem(),
            Problem::RecursiveAlias,
            "{text}"
        );
    }
    assert_eq!(
        *read("a: *b\nb: &b c\n").unwrap_err().problem(),
        Problem::UnknownAnchor
    );
}

#[test]
fn values_have_their_places_and_only_extensions_have_the_booleans_of_yaml_1_1() {
    let text = "a: yes\nextensions:\n- extension: {b: yes, c: 'yes', d: 0777}\ne:\nf: &f\n  g: h\ni: *f\n";
    let document = read(text).unwrap();
    let root = document.root();
    let value = root.to_value(Origin::file("/c"), Conversion::EXTENSION);
    let mut found = Vec::new();
    places(&value, &mut found);
    assert_eq!(
        found,
        [
            "/c:1:4, a = true",
            "/c:3:1, extensions",
            "/c:3:3, extensions[0]",
            "/c:3:14, extensions[0].extension",
            "/c:3:18, extensions[0].extension.b = true",
            "/c:3:26, extensions[0].extension.c",
            "/c:3:36, extensions[0].extension.d",
            "/c:4:1, e",
            "/c:6:3, f",
            "/c:6:6, f.g",
            "/c:7:4, i",
            "/c:6:6, i.g",
        ]
    );
    let value = root.to_value(Origin::file("/c"), Conversion::KUBECONFIG);
    assert_eq!(value.get("a").and_then(Value::as_str), Some("yes"));
    let mut of_fields = Vec::new();
    places(&value, &mut of_fields);
    let as_texts: Vec<_> = found.iter().map(|place| place.replace(" = true", "")).collect();
    assert_eq!(of_fields, as_texts);
    found.clear();
    let value = root.to_value(Origin::file("/c"), Conversion::CONFIGURATION);
    places(&value, &mut found);
    assert_eq!(
        found[1..5],
        [
            "/c:2:1, extensions",
            "/c:3:3, extensions[0]",
            "/c:3:3, extensions[0].extension",
            "/c:3:15, extensions[0].extension.b"
        ]
    );
}

fn places(value: &Value, found: &mut Vec<String>) {
    let mut add = |value: &Value| {
        let is_true = matches!(value.kind(), ValueKind::Boolean(true));
        found.push(value.origin().to_string() + if is_true { " = true" } else { "" });
        places(value, found);
    };
    match value.kind() {
        ValueKind::Mapping(entries) => entries.iter().for_each(|(_, value)| add(value)),
        ValueKind::Sequence(items) => items.iter().for_each(add),
        _ => {}
    }
}

#[test]
fn a_part_has_the_nodes_and_positions_that_it_has_in_the_whole() {
    let text = "users:\n- name: jane\n  user:\n    token: |-\n      abc\n    exec:\n    - b\n";
    let whole = read(text).unwrap();
    let item = whole.root().get("users").unwrap().items().next().unwrap();
    let part = Document::read_part(&text[9..], item.position(), &Budget::KUBECONFIG).unwrap();
    let [one, other] = [item, part.root()].map(|node| {
        let mut found = Vec::new();
        places(
            &node.to_value(Origin::file("/c"), Conversion::KUBECONFIG),
            &mut found,
        );
        found
    });
    assert_eq!(one, other);
    assert_eq!(whole.node(item.id()).position(), item.position());
    let error = Document::read_part("a: [", item.position(), &Budget::KUBECONFIG).unwrap_err();
    assert_eq!(error.position(), Some(Position { line: 2, column: 7 }));
}

#[test]
fn keys_are_texts_as_json_would_have_them() {
    let document = read("0x10: a\nTrue: b\n~: c\n1.50: d\nyes: e\n'0x10': f\n*x : g\n").err();
    assert!(document.is_some());
    let document = read("&x 0x10: a\nTrue: b\n~: c\n1.50: d\nyes: e\n'0x10': f\nz: *x\n").unwrap();
    let names: Vec<String> = document
        .root()
        .entries()
        .map(|(key, _)| key.name().into_owned())
        .collect();
    assert_eq!(names, ["16", "true", "null", "1.5", "yes", "0x10", "z"]);
    assert!(document.root().get("z").unwrap().kind() == Kind::Integer(16));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read_bytes(bytes);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[-a&*!|>'\"%@`\\[\\]{},:? #\\\\\t\r\n\u{85}\u{2028}\u{feff}é0x]{0,60}") {
        if let Ok(document) = read(&text) {
            let _ = document.root().to_value(Origin::code(), Conversion::KUBECONFIG);
            let _ = document.warnings(&Origin::code());
            let _ = document.check_strictly("the document", &Origin::code());
        }
    }
}
