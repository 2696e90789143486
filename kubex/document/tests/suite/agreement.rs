//! What libyaml and serde_json accept is accepted, and means the same; what libyaml refuses is refused.
//!
//! libyaml is what kubectl's parser was made from. Where this crate means to differ, the difference is listed here.

use std::fmt;

use kubex_core::faults::Mutations;
use kubex_document::{Kind, Node, Problem, Style};
use serde::de::{self, Deserialize, Deserializer, IgnoredAny};

use crate::mutations;
use crate::read;

/// A document as serde reads it.
#[derive(Debug, PartialEq)]
enum Tree {
    Null,
    Boolean(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Tree>),
    Mapping(Vec<(Tree, Tree)>),
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Visitor)
    }
}

struct Visitor;

impl<'de> de::Visitor<'de> for Visitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Boolean(value))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Tree, E> {
        Ok(Tree::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Tree, E> {
        Ok(Tree::Integer(number.into()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Tree, E> {
        Ok(Tree::Integer(number))
    }

    fn visit_u128<E>(self, _: u128) -> Result<Tree, E> {
        Ok(Tree::Float(f64::INFINITY))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Tree, E> {
        Ok(Tree::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_enum<A: de::EnumAccess<'de>>(self, tagged: A) -> Result<Tree, A::Error> {
        let (IgnoredAny, value) = tagged.variant()?;
        de::VariantAccess::newtype_variant(value)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut mapping: Vec<(Tree, Tree)> = Vec::new();
        while let Some((key, value)) = entries.next_entry()? {
            // The last one counts.
            mapping.retain(|(known, _)| *known != key);
            mapping.push((key, value));
        }
        Ok(Tree::Mapping(mapping))
    }
}

/// Whether a node means what serde read. go-yaml knows more numbers than serde_yaml (`0777`), and fewer (`1e999`).
fn is_same(node: Node<'_>, tree: &Tree) -> bool {
    let is_plain = node.style() == Some(Style::Plain);
    match (node.kind(), tree) {
        (Kind::Null, Tree::Null) => true,
        // To go-yaml, the tag `!` makes a text of null.
        (Kind::Text(text), Tree::Null) => is_plain && matches!(text, "" | "~" | "null" | "Null" | "NULL"),
        (Kind::Boolean(one), Tree::Boolean(other)) => one == *other,
        (Kind::Integer(one), Tree::Integer(other)) if one == *other => true,
        (Kind::Float(one), Tree::Float(other)) if one.to_bits() == other.to_bits() => true,
        (Kind::Integer(_) | Kind::Float(_) | Kind::Text(_), Tree::Integer(_) | Tree::Float(_)) => is_plain,
        (Kind::Integer(_) | Kind::Float(_), Tree::Text(text)) => node.scalar_text() == Some(text),
        (Kind::Text(one), Tree::Text(other)) => one == other,
        (Kind::Sequence, Tree::List(list)) => {
            node.len() == list.len() && node.items().zip(list).all(|(item, tree)| is_same(item, tree))
        }
        (Kind::Mapping, Tree::Mapping(mapping)) => {
            let entries: Vec<_> = node.entries().collect();
            entries.len() == mapping.len()
                && entries
                    .iter()
                    .zip(mapping)
                    .all(|((key, value), (name, tree))| is_same(key.node(), name) && is_same(*value, tree))
        }
        _ => false,
    }
}

/// What libyaml accepts and this crate refuses on purpose.
fn is_refused_on_purpose(problem: &Problem) -> bool {
    matches!(
        problem,
        Problem::TagMismatch
            | Problem::UnknownTag
            | Problem::KeyNotText
            | Problem::KeyTooLong(_)
            | Problem::MergeKey
            // serde_yaml does not look at aliases that it ignores.
            | Problem::RecursiveAlias
    )
}

#[test]
fn what_libyaml_accepts_is_accepted_and_means_the_same() {
    let mut mutations = Mutations::new(20_261_127);
    let (mut accepted, mut compared) = (0, 0);
    for _ in 0..20_000 {
        let text = mutations::document(&mut mutations);
        // To libyaml, a byte order mark that begins a line is a column; to go-yaml, it is a part of the text.
        if text.contains('\u{feff}') {
            continue;
        }
        let reference = serde_yaml::Deserializer::from_str(&text).next().unwrap();
        let is_accepted = IgnoredAny::deserialize(reference).is_ok();
        match read(&text) {
            Ok(document) => {
                let is_json = serde_json::from_str::<IgnoredAny>(&text).is_ok();
                // `\'` is go-yaml's.
                assert!(
                    is_accepted || is_json || text.contains("\\'"),
                    "accepted {text:?}"
                );
                accepted += 1;
                let reference = serde_yaml::Deserializer::from_str(&text).next().unwrap();
                // Merge keys, base64 and floats as keys are not the same to serde.
                if let Ok(tree) = Tree::deserialize(reference)
                    && !text.contains("<<")
                    && !is_json
                {
                    assert!(is_same(document.root(), &tree), "{text:?}\n{tree:?}");
                    compared += 1;
                }
            }
            Err(error) if is_refused_on_purpose(error.problem()) => {}
            Err(error) => assert!(!is_accepted, "{error}: {text:?}"),
        }
    }
    assert!(accepted > 5_000 && compared > 3_000, "{accepted} {compared}");
}

#[test]
fn what_serde_json_accepts_is_accepted_and_means_the_same() {
    let mut choices = Mutations::new(7);
    let mut accepted = 0;
    let seed = r#"{"a": [1, -2.5e3, true, null, "\ud83d\ude00\n\/é", {}], "b": {"c": "d", "c": {"<<": []}}, "0": ""}"#;
    let pieces = [
        "{", "}", "[", "]", ",", ":", "\"", "\\", "\\u0041", "\\ud83d", "1", "0", "-", "e", ".", " ", "\n",
        "\t", "true", "null", "\"x\":", "é", "\u{7f}", "#", "'", "\u{85}",
    ];
    for _ in 0..20_000 {
        let mut text = seed.to_owned();
        for _ in 0..choices.below(3) {
            let at = choices.below(text.len() + 1);
            if text.is_char_boundary(at) {
                text.insert_str(at, pieces[choices.below(pieces.len())]);
            }
        }
        let Ok(tree) = serde_json::from_str::<Tree>(&text) else {
            continue;
        };
        let document = read(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
        assert!(is_same(document.root(), &tree), "{text}\n{tree:?}");
        accepted += 1;
    }
    assert!(accepted > 5_000, "{accepted}");
}
