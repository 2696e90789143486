//! From the bytes of a file to a tree of values: the only module that knows YAML and JSON.

use std::borrow::Cow;

use kubex_core::options::{Value, ValueKind};
use kubex_core::{Error, ErrorKind, Origin, Result, Warning};
use serde::Deserialize as _;
use zeroize::Zeroizing;

/// How deep brackets may be nested. The YAML scanner takes time by the square of that depth before it looks at
/// its own limit, which is the same.
const DEEPEST: usize = 128;

/// A document and what its user should know of it.
pub(crate) struct Document {
    pub(crate) root: Value,
    pub(crate) warnings: Vec<Warning>,
}

/// Reads a document: YAML or JSON, in UTF-8 or, with a byte order mark, UTF-16.
///
/// No parser's message is shown but those of libyaml about the form of a text, which never quote it.
pub(crate) fn parse(bytes: &[u8], origin: &Origin) -> Result<Document> {
    let malformed =
        |why: &str| Error::new(ErrorKind::MalformedDocument, format_args!("the kubeconfig {why}")).at(origin);
    let text = decode(bytes).ok_or_else(|| malformed("is no text in UTF-8 or UTF-16"))?;
    if text.trim_start().starts_with('{')
        && let Ok(root) = serde_json::from_str::<Value>(&text)
    {
        return finish(root, Vec::new(), origin);
    }
    if is_too_deep(&text) {
        return Err(malformed(&format!("is nested deeper than {DEEPEST} levels")));
    }
    let mut documents = serde_yaml::Deserializer::from_str(&text);
    let root = match documents.next() {
        None => Value::default(),
        Some(document) => Value::deserialize(document).map_err(|error| {
            let place = error.location().and_then(|place| {
                Some((
                    u32::try_from(place.line()).ok()?,
                    u32::try_from(place.column()).ok()?,
                ))
            });
            let origin = match place {
                Some((line, column)) => origin.clone().position(line, column),
                None => origin.clone(),
            };
            malformed(&format!("is no valid YAML: {}", problem(&error)))
                .at(&origin)
                .advise("mend the file at that place")
        })?,
    };
    let mut warnings = Vec::new();
    if documents.next().is_some() {
        warnings.push(
            Warning::new("several-documents", "only the first document of the file is read").at(origin),
        );
    }
    finish(root, warnings, origin)
}

/// What libyaml found, without the place, which the origin tells.
fn problem(error: &serde_yaml::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().unwrap_or_default().to_owned()
}

fn finish(root: Value, mut warnings: Vec<Warning>, origin: &Origin) -> Result<Document> {
    let root = merged(root).located(origin.clone());
    if !root.is_blank() && !matches!(root.kind(), ValueKind::Mapping(_)) {
        return Err(Error::new(
            ErrorKind::MalformedDocument,
            format_args!("the kubeconfig is {} and must be a mapping", root.type_name()),
        )
        .at(origin));
    }
    duplicates(&root, &mut warnings);
    Ok(Document { root, warnings })
}

/// The text of the bytes, its byte order mark taken off.
fn decode(bytes: &[u8]) -> Option<Zeroizing<String>> {
    let from_units = |bytes: &[u8], unit: fn([u8; 2]) -> u16| {
        let (pairs, rest) = bytes.as_chunks::<2>();
        let units: Zeroizing<Vec<u16>> = Zeroizing::new(pairs.iter().map(|pair| unit(*pair)).collect());
        rest.is_empty()
            .then(|| String::from_utf16(&units).ok())
            .flatten()
            .map(Zeroizing::new)
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => from_units(rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => from_units(rest, u16::from_be_bytes),
        [0xef, 0xbb, 0xbf, rest @ ..] => std::str::from_utf8(rest)
            .ok()
            .map(|text| Zeroizing::new(text.to_owned())),
        _ => std::str::from_utf8(bytes)
            .ok()
            .map(|text| Zeroizing::new(text.to_owned())),
    }
}

/// Whether brackets are open within one another more often than the parser follows. Brackets within texts
/// count as well; no kubeconfig has so many.
fn is_too_deep(text: &str) -> bool {
    let mut depth: usize = 0;
    text.bytes().any(|byte| {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > DEEPEST
    })
}

/// Takes the mappings that a merge key names into the mapping that has it; keys of its own win (YAML 1.1,
/// "Merge Key Language-Independent Type"). The places are given afterwards, to the tree as a whole.
fn merged(value: Value) -> Value {
    let kind = match value.into_kind() {
        ValueKind::Sequence(items) => ValueKind::Sequence(items.into_iter().map(merged).collect()),
        ValueKind::Mapping(entries) => {
            let mut own = Vec::with_capacity(entries.len());
            let mut inherited: Vec<(String, Value)> = Vec::new();
            for (key, value) in entries {
                let value = merged(value);
                if key != "<<" {
                    own.push((key, value));
                    continue;
                }
                let sources = match value.into_kind() {
                    ValueKind::Sequence(items) => items,
                    single => vec![Value::new(single, Origin::code())],
                };
                for source in sources {
                    if let ValueKind::Mapping(more) = source.into_kind() {
                        inherit(&mut inherited, more);
                    }
                }
            }
            inherited.retain(|(key, _)| !own.iter().any(|(name, _)| name == key));
            own.extend(inherited);
            ValueKind::Mapping(own)
        }
        scalar => scalar,
    };
    Value::new(kind, Origin::code())
}

/// Adds what is not there yet: an earlier mapping wins over a later one.
fn inherit(inherited: &mut Vec<(String, Value)>, more: Vec<(String, Value)>) {
    for (key, value) in more {
        if !inherited.iter().any(|(name, _)| *name == key) {
            inherited.push((key, value));
        }
    }
}

/// Warns of each key that a mapping has twice; the last one is the one that counts.
fn duplicates(value: &Value, warnings: &mut Vec<Warning>) {
    match value.kind() {
        ValueKind::Sequence(items) => items.iter().for_each(|item| duplicates(item, warnings)),
        ValueKind::Mapping(entries) => {
            let mut seen: Vec<Cow<'_, str>> = Vec::with_capacity(entries.len());
            for (key, value) in entries {
                if seen.iter().any(|name| name == key) {
                    warnings.push(
                        Warning::new("duplicate-key", "a key is written twice, and the last one counts")
                            .at(value.origin()),
                    );
                } else {
                    seen.push(Cow::Borrowed(key));
                }
                duplicates(value, warnings);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    fn parse(text: &str) -> Result<Document> {
        super::parse(text.as_bytes(), &Origin::file("/config"))
    }

    #[test]
    fn yaml_and_json_in_every_encoding_mean_the_same() {
        let utf16 = |swap: bool| -> Vec<u8> {
            "\u{feff}a: b\r\n"
                .encode_utf16()
                .flat_map(|unit| {
                    if swap {
                        unit.to_be_bytes()
                    } else {
                        unit.to_le_bytes()
                    }
                })
                .collect()
        };
        for bytes in [
            b"a: b\n".to_vec(),
            b"a: b\r\n".to_vec(),
            b"\xef\xbb\xbfa: b".to_vec(),
            b" {\"a\": \"b\"}".to_vec(),
            b"{a: b}".to_vec(),
            utf16(false),
            utf16(true),
        ] {
            let document =
                super::parse(&bytes, &Origin::file("/config")).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(document.root.get("a").and_then(Value::as_str), Some("b"));
        }
    }

    #[test]
    fn what_is_malformed_says_where_and_never_what() {
        for (text, place) in [
            ("a: [ {name: s3cret", "/config:2:1"),
            (
                "users:\n- name: j\n  user:\n    token: s3cret\n   password: s3cret\n",
                "/config:5:4",
            ),
            ("a:\n\tb: s3cret\n", "/config:2:1"),
            ("a: *s3cret\n", "/config:1:4"),
            ("- s3cret\n", "/config"),
            ("s3cret", "/config"),
            ("{\"a\": \"s3cret\"", "/config"),
        ] {
            let error = parse(text).err().unwrap();
            let shown = format!("{error} {error:?}");
            assert_eq!(error.kind(), ErrorKind::MalformedDocument, "{shown}");
            assert!(shown.contains(place) && !shown.contains("s3cret"), "{shown}");
        }
    }

    #[test]
    fn nesting_and_bombs_are_refused_at_once() {
        let mut bomb = String::from("a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n");
        for level in 1..10 {
            let alias = format!("*a{}", level - 1);
            writeln!(bomb, "a{level}: &a{level} [{}]", vec![alias; 10].join(",")).unwrap();
        }
        let block: Vec<String> = (0..3000)
            .map(|level| format!("{}a:\n", " ".repeat(level)))
            .collect();
        for text in [
            "[".repeat(20_000) + &"]".repeat(20_000),
            "[{a: ".repeat(40_000),
            format!("{{\"a\": {}{}}}", "[".repeat(20_000), "]".repeat(20_000)),
            block.concat(),
            bomb,
        ] {
            assert_eq!(parse(&text).err().unwrap().kind(), ErrorKind::MalformedDocument);
        }
    }

    #[test]
    fn merge_keys_give_what_is_not_there_and_duplicates_are_told() {
        let document = parse("x: &x {a: 1, b: 1}\nz: &z {b: 3, c: 3}\ny:\n  <<: [*x, *z]\n  a: 9\n").unwrap();
        let y = document.root.get("y").unwrap();
        let number = |key: &str| match y.get(key).map(Value::kind) {
            Some(ValueKind::Integer(number)) => *number,
            _ => 0,
        };
        assert_eq!((number("a"), number("b"), number("c")), (9, 1, 3));
        let twice = parse("a: 1\na: 2\n---\nb: 1\n").unwrap();
        assert_eq!(twice.warnings.len(), 2);
    }
}
