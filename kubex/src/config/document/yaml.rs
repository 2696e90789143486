//! YAML, and the one module that names its parser.
//!
//! The parser tells no places, except in its errors. So each scalar whose place is wanted is read by a visitor
//! that takes it and then fails: what comes back is the error with the place, and the scalar has been taken.

use std::cell::RefCell;
use std::fmt;

use kubex_core::options::{Value, ValueKind};
use kubex_core::{Error, ErrorKind, Origin, Result};
use serde::de::{
    self, Deserialize as _, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor,
};

use super::{Growth, TOO_DEEP, malformed, too_deep};

pub(super) fn parse(text: &str, origin: &Origin, growth: &mut Growth) -> Result<Value> {
    let reading = Reading {
        growth: RefCell::new(std::mem::take(growth)),
        refusal: RefCell::new(None),
    };
    let mut documents = serde_yaml::Deserializer::from_str(text);
    let Some(document) = documents.next() else {
        return Ok(Value::default());
    };
    let root = Node {
        origin: origin.clone(),
        depth: 0,
        reading: &reading,
    }
    .deserialize(document);
    *growth = reading.growth.take();
    let root = root.map_err(|error| match reading.refusal.take() {
        Some(TOO_DEEP) => too_deep(origin),
        Some(why) => malformed(why, origin),
        None => failure(&error, text, origin),
    })?;
    if documents.next().is_some() {
        return Err(malformed("has more than one document in it", origin));
    }
    Ok(root.value)
}

/// What is wrong with a text that is no YAML, in words that quote nothing of it: libyaml's own messages are fixed
/// texts, and reading the text without looking at its values gives no others.
fn failure(error: &serde_yaml::Error, text: &str, origin: &Origin) -> Error {
    let at = |error: &serde_yaml::Error| {
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
    };
    match serde_yaml::Deserializer::from_str(text)
        .next()
        .map(IgnoredAny::deserialize)
    {
        Some(Err(error)) => {
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default();
            malformed(&format!("is no valid YAML: {said}"), &at(&error))
        }
        _ => malformed(
            "has a value that does not fit its tag, or a key that is no text",
            &at(error),
        ),
    }
}

struct Reading {
    growth: RefCell<Growth>,
    /// Why the reading was given up, where it was not the parser that did.
    refusal: RefCell<Option<&'static str>>,
}

/// A value and, for a scalar, its own line and column.
struct Placed {
    value: Value,
    position: Option<(u32, u32)>,
}

/// Reads a node that stands at this place.
struct Node<'a> {
    origin: Origin,
    depth: usize,
    reading: &'a Reading,
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Placed;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Placed, D::Error> {
        if let Err(why) = self.reading.growth.borrow_mut().add_value(self.depth) {
            self.reading.refusal.replace(Some(why));
            return Err(de::Error::custom(why));
        }
        let scalar = RefCell::new(None);
        let origin = self.origin.clone();
        let read = deserializer.deserialize_any(Taker {
            node: self,
            scalar: &scalar,
        });
        match (read, scalar.take()) {
            (Ok(value), _) => Ok(Placed {
                value,
                position: None,
            }),
            (Err(error), Some(kind)) => Ok(Placed {
                value: Value::new(kind, origin),
                position: position(&error.to_string()),
            }),
            (Err(error), None) => Err(error),
        }
    }
}

/// The line and column at the end of an error's text. The very first place of a document is not in it.
fn position(said: &str) -> Option<(u32, u32)> {
    if said.is_empty() || !said.contains(" at line ") {
        return Some((1, 1));
    }
    let (line, column) = said.rsplit_once(" at line ")?.1.split_once(" column ")?;
    Some((line.parse().ok()?, column.parse().ok()?))
}

/// Takes a scalar and fails; reads the rest.
struct Taker<'a> {
    node: Node<'a>,
    scalar: &'a RefCell<Option<ValueKind>>,
}

impl Taker<'_> {
    fn take<E: de::Error>(self, kind: impl Into<ValueKind>) -> Result<Value, E> {
        self.scalar.replace(Some(kind.into()));
        Err(E::custom(""))
    }

    fn below(&self, origin: Origin) -> Node<'_> {
        Node {
            origin,
            depth: self.node.depth + 1,
            reading: self.node.reading,
        }
    }
}

impl<'de> Visitor<'de> for Taker<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Value, E> {
        self.take(value)
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        self.take(number)
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        self.take(ValueKind::Integer(number.into()))
    }

    fn visit_i128<E: de::Error>(self, number: i128) -> Result<Value, E> {
        self.take(ValueKind::Integer(number))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        self.take(ValueKind::Float(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        self.take(text)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        self.take(ValueKind::Null)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        self.take(ValueKind::Null)
    }

    /// A tag of the writer's own: the value counts, the tag does not.
    fn visit_enum<A: de::EnumAccess<'de>>(self, tagged: A) -> Result<Value, A::Error> {
        let (IgnoredAny, value) = tagged.variant()?;
        let origin = self.node.origin.clone();
        de::VariantAccess::newtype_variant_seed(value, self.below(origin)).map(|placed| placed.value)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut sequence = Vec::new();
        loop {
            let origin = self.node.origin.clone().key(&format!("[{}]", sequence.len()));
            let Some(item) = items.next_element_seed(self.below(origin))? else {
                break;
            };
            sequence.push(match item.position {
                Some((line, column)) => {
                    let origin = item.value.origin().clone().position(line, column);
                    Value::new(item.value.into_kind(), origin)
                }
                None => item.value,
            });
        }
        Ok(Value::new(ValueKind::Sequence(sequence), self.node.origin))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key_seed(self.below(self.node.origin.clone()))? {
            let mut origin = self.node.origin.clone();
            if let Some((line, column)) = key.position {
                origin = origin.position(line, column);
            }
            let name = match key.value.into_kind() {
                ValueKind::String(text) => text.as_str().to_owned(),
                ValueKind::Boolean(value) => value.to_string(),
                ValueKind::Integer(number) => number.to_string(),
                _ => return Err(de::Error::custom("a key that is no text")),
            };
            if name == "<<" {
                let error = Error::new(
                    ErrorKind::MalformedDocument,
                    "merge keys are not read in a configuration",
                );
                let error = error
                    .with_origin(&origin)
                    .with_help("write the keys out, or give the whole value an alias");
                self.node.reading.growth.borrow_mut().problems.add(error);
            }
            let value = map.next_value_seed(self.below(origin.key(&name)))?.value;
            self.node
                .reading
                .growth
                .borrow_mut()
                .add_entry(&mut entries, name, value);
        }
        Ok(Value::new(entries, self.node.origin))
    }
}
