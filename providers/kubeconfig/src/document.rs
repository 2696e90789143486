//! From the bytes of a file to a tree of values: the only module that knows YAML and JSON.

use std::path::Path;
use std::sync::Arc;

use kubex_core::options::{Value, ValueKind};
use kubex_core::{Error, ErrorKind, Origin, Result, SecretBytes, Warning};
use serde::de::{Deserialize as _, DeserializeSeed as _, IgnoredAny};

use crate::entry::Document;
use crate::layout::Layout;
use crate::selective::{self, Part};
use crate::text::Text;
use crate::tree::Growth;

/// How many separators a document may have: line ends, commas, colons, brackets, dashes of lists. The YAML parser
/// keeps some hundred bytes for what stands between two of them. Those within texts count as well; a kubeconfig
/// of the largest size has fewer.
const MOST_SEPARATORS: usize = 4_000_000;

/// How many brackets may be open at once. The YAML scanner takes time by the square of their number before it
/// looks at its own limit. Brackets within texts count as well; no kubeconfig has so many.
const MOST_OPEN_BRACKETS: usize = 1000;

/// How many lines may each be indented further than the one above them. The YAML parser goes through all of a
/// document before anybody counts its levels. Lines within texts count as well.
const MOST_INDENTED: usize = 1000;

/// A document that was read, and what its user should know of it.
#[derive(Debug)]
pub(crate) struct Parsed {
    pub(crate) root: Root,
    pub(crate) warnings: Vec<Warning>,
    pub(crate) document: Arc<Document>,
}

/// What a document holds.
#[derive(Debug)]
pub(crate) enum Root {
    /// A mapping, or nothing. Its values have no places yet.
    Tree(Value),
    /// The parts of a mapping, not decoded yet: each key and what is under it.
    Parts(Vec<(String, Part)>),
}

/// Reads a document: YAML or JSON, in UTF-8 or, with a byte order mark, UTF-16. One in the form that tools write is
/// not decoded before somebody asks for a part of it.
///
/// Of a parser's messages, only those of libyaml about the form of a text are shown, which never quote it.
pub(crate) fn parse(content: SecretBytes, origin: &Origin, directory: Option<Arc<Path>>) -> Result<Parsed> {
    let text = Text::of(content).ok_or_else(|| malformed("is no text in UTF-8 or UTF-16", origin))?;
    let layout = Layout::of(text);
    let (root, warnings) = match selective::read(layout.text()) {
        Some(parts) => {
            let parts = parts.into_iter().map(|(key, part)| (key.to_owned(), part));
            (Root::Parts(parts.collect()), Vec::new())
        }
        None => whole(&layout, origin).map(|(root, warnings)| (Root::Tree(root), warnings))?,
    };
    Ok(Parsed {
        root,
        warnings,
        document: Arc::new(Document {
            origin: origin.clone(),
            directory,
            layout,
        }),
    })
}

/// The whole document, decoded, and what its user should know of it.
pub(crate) fn whole(layout: &Layout, origin: &Origin) -> Result<(Value, Vec<Warning>)> {
    let text = layout.text();
    let mut growth = Growth::of(text.len());
    let mut warnings = Vec::new();
    let root = if let Some(root) = json(text, &mut growth) {
        root
    } else {
        if let Some(why) = excess(text) {
            return Err(malformed(why, origin));
        }
        growth = Growth::of(text.len());
        let mut documents = serde_yaml::Deserializer::from_str(text);
        let root = match documents.next() {
            None => Value::default(),
            Some(document) => growth.tree().deserialize(document).map_err(|error| {
                let why = growth.refusal.map_or_else(|| problem(text), str::to_owned);
                malformed(&why, &position(&error, origin))
            })?,
        };
        if documents.next().is_some() {
            warnings.push(
                Warning::new("several-documents", "only the first document of the file is read")
                    .with_origin(origin),
            );
        }
        root
    };
    if !root.is_blank() && !matches!(root.kind(), ValueKind::Mapping(_)) {
        let why = format!("is {} and must be a mapping", root.type_name());
        return Err(malformed(&why, origin));
    }
    warnings.extend(growth.repeated().map(|steps| {
        Warning::new(
            "duplicate-key",
            "the key is written twice, and the last one counts",
        )
        .with_origin(&layout.trace(origin.clone(), &steps))
    }));
    Ok((root, warnings))
}

fn malformed(why: &str, origin: &Origin) -> Error {
    Error::new(ErrorKind::MalformedDocument, format_args!("the kubeconfig {why}")).with_origin(origin)
}

/// The value of a part that was passed over, whose text is valid by itself.
pub(crate) fn value(text: &str) -> Option<Value> {
    match serde_yaml::Deserializer::from_str(text).next() {
        None => Some(Value::default()),
        Some(document) => Growth::of(text.len()).tree().deserialize(document).ok(),
    }
}

/// The same, of a document that is JSON.
pub(crate) fn json_value(text: &str) -> Option<Value> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    Growth::of(text.len()).tree().deserialize(&mut deserializer).ok()
}

/// The document, where it is JSON. What begins like JSON may still be YAML, whose brackets are the same.
fn json(text: &str, growth: &mut Growth) -> Option<Value> {
    if !text.trim_start().starts_with('{') {
        return None;
    }
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let root = growth.tree().deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(root)
}

/// What is wrong with a text that is no YAML, in words that quote nothing of it.
///
/// libyaml's own messages are fixed texts, and reading the text without looking at its values gives no others.
/// What goes wrong only with the values in view may quote one.
fn problem(text: &str) -> String {
    let outcome = serde_yaml::Deserializer::from_str(text)
        .next()
        .map(IgnoredAny::deserialize);
    match outcome {
        Some(Err(error)) => {
            let said = error.to_string();
            format!(
                "is no valid YAML: {}",
                said.split(" at line ").next().unwrap_or_default()
            )
        }
        _ => "has a value that does not fit its tag, or aliases that multiply".to_owned(),
    }
}

fn position(error: &serde_yaml::Error, origin: &Origin) -> Origin {
    let place = error.location().and_then(|place| {
        Some((
            u32::try_from(place.line()).ok()?,
            u32::try_from(place.column()).ok()?,
        ))
    });
    match place {
        Some((line, column)) => origin.clone().position(line, column),
        None => origin.clone(),
    }
}

/// What the YAML parser would take too much time or memory for, before its own limits hold.
fn excess(text: &str) -> Option<&'static str> {
    if is_indented_too_often(text) {
        return Some("is nested too deep by its indentation");
    }
    let mut open: usize = 0;
    let mut separators: usize = 0;
    let mut previous = b'\n';
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' => open += 1,
            b'}' | b']' => open = open.saturating_sub(1),
            _ => {}
        }
        let is_separator = match byte {
            b'{' | b'[' | b',' | b':' | b'\n' => true,
            b' ' => matches!(previous, b'-' | b'?'),
            _ => false,
        };
        separators += usize::from(is_separator);
        previous = byte;
        if open > MOST_OPEN_BRACKETS {
            return Some("has too many brackets open at once");
        }
        if separators > MOST_SEPARATORS {
            return Some("has too many values in it");
        }
    }
    None
}

/// Whether there are that many lines, each of them indented further than the last one that is around it.
fn is_indented_too_often(text: &str) -> bool {
    let mut around: Vec<usize> = Vec::new();
    text.split('\n').any(|line| {
        let column = line.bytes().take_while(|byte| *byte == b' ').count();
        if matches!(line.as_bytes().get(column), None | Some(b'#' | b'\r')) {
            return false;
        }
        while around.last().is_some_and(|last| *last >= column) {
            around.pop();
        }
        around.push(column);
        around.len() > MOST_INDENTED
    })
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[derive(Debug)]
    struct Read {
        root: Value,
        warnings: Vec<Warning>,
    }

    fn read(bytes: Vec<u8>) -> Result<Read> {
        let origin = Origin::file("/config");
        let text =
            Text::of(bytes.into()).ok_or_else(|| malformed("is no text in UTF-8 or UTF-16", &origin))?;
        let (root, warnings) = whole(&Layout::of(text), &origin)?;
        Ok(Read { root, warnings })
    }

    fn parse(text: &str) -> Result<Read> {
        read(text.as_bytes().to_vec())
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
            let document = read(bytes).unwrap_or_else(|error| panic!("{error}"));
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
            "- ".repeat(20_000),
            "? ".repeat(20_000),
            block.concat(),
            bomb.clone(),
            // The parser's own bound on aliases grows with the document.
            format!("filler: [{}]\n{bomb}", "x,".repeat(200_000)),
        ] {
            let shown = parse(&text).err().unwrap();
            assert_eq!(shown.kind(), ErrorKind::MalformedDocument, "{shown}");
            assert!(
                shown.origin().is_some_and(|origin| origin.path().is_some()),
                "{shown}"
            );
        }
    }

    #[test]
    fn a_document_of_nothing_but_values_is_refused_before_it_is_parsed() {
        for text in ["x,", "x\n", "- ", "? ", "a: "] {
            let text = format!("[{}", text.repeat(5_000_000));
            assert!(excess(&text).is_some_and(|why| why.contains("values")));
        }
        assert_eq!(
            excess(&"users: [{name: jane, user: {token: abc}}]\n".repeat(10_000)),
            None
        );
    }

    #[test]
    fn a_value_that_does_not_fit_its_tag_is_not_quoted() {
        for text in [
            "a: !!int s3cret",
            "a: !!bool s3cret",
            "a: !!float 's3cret'",
            "a: {b: !!null s3cret}",
        ] {
            if let Err(error) = parse(text) {
                let shown = format!("{error} {error:?}");
                assert!(!shown.contains("s3cret"), "{shown}");
                assert!(shown.contains("/config:1:"), "{shown}");
            }
        }
        let tagged = parse("a: !secret b\nc: !x [1]\nd: !!str 5\ne: !y {f: g}\n")
            .unwrap()
            .root;
        assert_eq!(tagged.get("a").and_then(Value::as_str), Some("b"));
        assert_eq!(tagged.get("d").and_then(Value::as_str), Some("5"));
        assert!(matches!(tagged.get("c").unwrap().kind(), ValueKind::Sequence(_)));
        assert_eq!(
            tagged.get("e").and_then(|e| e.get("f")).and_then(Value::as_str),
            Some("g")
        );
    }

    #[test]
    fn a_mapping_of_many_keys_is_read_in_time() {
        let mut text = String::from("a: &a\n");
        for key in 0..100_000 {
            writeln!(text, "  k{key}: 1").unwrap();
        }
        text.push_str("b:\n  <<: *a\n  k7: 2\n");
        let root = parse(&text).unwrap().root;
        assert!(
            matches!(root.get("b").unwrap().kind(), ValueKind::Mapping(entries) if entries.len() == 100_000)
        );
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
        for text in ["a: {<<: 5}", "a: {<<: [x]}", "? [a]\n: b\n", "? {a: b}\n: c\n"] {
            assert_eq!(
                parse(text).err().unwrap().kind(),
                ErrorKind::MalformedDocument,
                "{text}"
            );
        }
    }

    #[test]
    fn the_last_of_a_repeated_key_counts_and_each_is_told_with_its_place() {
        for (text, place) in [
            ("a: [{b: 1, b: 2}]\n---\nb: 1\n", "/config:1:15, a[0].b"),
            ("{\"a\": [{\"b\": 1, \"b\": 2}]}", "/config:1:22, a[0].b"),
        ] {
            let document = parse(text).unwrap();
            let Some(ValueKind::Sequence(items)) = document.root.get("a").map(Value::kind) else {
                panic!("{text}");
            };
            assert!(matches!(items[0].kind(), ValueKind::Mapping(entries) if entries.len() == 1));
            assert!(matches!(items[0].get("b").unwrap().kind(), ValueKind::Integer(2)));
            let told: Vec<String> = document.warnings.iter().map(ToString::to_string).collect();
            assert!(told.iter().any(|told| told.contains(place)), "{told:?}");
        }
    }
}
