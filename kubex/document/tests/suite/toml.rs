//! TOML gives the same tree, and the same places.

use kubex_core::Origin;
use kubex_core::options::Value;
use kubex_document::{Budget, Conversion, Document, Format, Kind, Problem, ReadError};

fn read_toml(text: &str) -> Result<Document, ReadError> {
    Document::read(
        text.as_bytes().to_vec().into(),
        Format::Toml,
        &Budget::CONFIGURATION,
    )
}

#[test]
fn both_formats_give_the_same_values_and_positions() {
    let toml = read_toml(
        "chain = [\"a\", 'b']\n[sources.a]\nenabled = true\ntimeout = 5\nnames = [\"x\", {y = \"z\\n\"}]\nf = 1_0.5\ni = -inf\nh = 0x1f\nd = 2001-01-01\n",
    )
    .unwrap();
    let value = toml
        .root()
        .to_value(Origin::file("/c.toml"), Conversion::CONFIGURATION);
    let place = |keys: &[&str]| {
        let found = keys.iter().try_fold(&value, |value, key| value.get(key));
        found.map(|value| value.origin().to_string()).unwrap_or_default()
    };
    assert_eq!(place(&["chain"]), "/c.toml:1:1, chain");
    assert_eq!(place(&["sources", "a"]), "/c.toml:2:10, sources.a");
    assert_eq!(place(&["sources", "a", "names"]), "/c.toml:5:1, sources.a.names");
    let source = toml.root().get("sources").unwrap().get("a").unwrap();
    let names = source.get("names").unwrap();
    assert_eq!(
        names.items().nth(1).unwrap().get("y").unwrap().as_str(),
        Some("z\n")
    );
    assert_eq!(names.items().nth(1).unwrap().position().column, 15);
    for (key, expected) in [
        ("enabled", Kind::Boolean(true)),
        ("timeout", Kind::Integer(5)),
        ("f", Kind::Float(10.5)),
        ("i", Kind::Float(f64::NEG_INFINITY)),
        ("h", Kind::Integer(31)),
        ("d", Kind::Text("2001-01-01")),
    ] {
        assert!(source.get(key).unwrap().kind() == expected, "{key}");
    }
    assert_eq!(value.get("chain").map(Value::type_name), Some("a list"));
}

#[test]
fn the_error_of_a_malformed_document_contains_its_position_and_no_value() {
    for (text, place) in [
        ("a = s3cret\n", "1:5"),
        ("a = \"s3cret\n", "1:"),
        ("[a\n", "1:3"),
        ("a = \"\\q s3cret\"\n", "1:"),
        ("a = 's3cret'\na = 's3cret'\n", "2:1"),
        ("[b]\n[b]\n", "2:"),
    ] {
        let error = read_toml(text).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(
            shown.contains(place) && !shown.contains("s3cret"),
            "{text}: {shown}"
        );
        assert_eq!(
            matches!(error.problem(), Problem::TomlDuplicateKey { .. }),
            place.starts_with("2:"),
            "{shown}"
        );
    }
}

#[test]
fn a_duplicate_key_is_reported_with_both_locations() {
    for (text, expected) in [
        ("a = 1\na = 2\n", "/c.toml:2:1, a; line 1"),
        ("a = 1\n\"a\" = 2\n", "/c.toml:2:1, a; line 1"),
        (
            "[a]\nk = 1\n[b.c]\nk = 1\nx.y = 2\nx.y = 3\n",
            "/c.toml:6:3, b.c.x.y; line 5",
        ),
        ("[s.a]\nk = 1\n[s.b]\n[s.a]\n", "/c.toml:4:4, s.a; line 1"),
        ("x = [{k = 1}, {k = 1, k = 2}]\n", "/c.toml:1:23, x[1].k; line 1"),
        ("[a]\nb.c = 1\n[a.b]\n", "/c.toml:3:4, a.b; line 2"),
    ] {
        let error = read_toml(text).unwrap_err();
        let error = error.into_error("the configuration", &Origin::file("/c.toml"));
        let (place, line) = expected.split_once("; line ").unwrap();
        assert_eq!(
            error.to_string(),
            format!("the key is written twice ({place}); remove this key or the one on line {line}")
        );
    }
}

#[test]
fn a_value_that_looks_like_an_earlier_key_is_not_a_duplicate() {
    for text in ["b = 1\na = b\n", "b = 1\na = [b, 1]\n", "a = 1\nb = {a = a}\n"] {
        let error = read_toml(text).unwrap_err();
        assert!(matches!(error.problem(), Problem::Toml(_)), "{text}: {error:?}");
    }
}

#[test]
fn depth_and_size_are_bounded() {
    for text in [
        format!("a = {}", "[".repeat(500_000)),
        format!("{}a = 1", "a.".repeat(500_000)),
        format!("[{}a]", "a.".repeat(500_000)),
        "a = [".to_owned() + &"1,".repeat(400_000) + "]",
    ] {
        let error = read_toml(&text).unwrap_err();
        assert!(
            matches!(
                error.problem(),
                Problem::TooDeep(_) | Problem::TooManyNodes(_) | Problem::TooLarge(_)
            ),
            "{error}"
        );
    }
}
