//! A document as a tree of values, within bounds.
//!
//! Both parsers build their tree through this one visitor, so that YAML and JSON mean the same: merge keys are
//! taken in, the last of a key that is written twice counts, and no document, however its aliases multiply,
//! grows into more than a bounded number of values.

use std::collections::HashSet;
use std::fmt;
use std::ops::RangeInclusive;

use kubex_core::Origin;
use kubex_core::options::{Value, ValueKind};
use serde::de::{
    self, DeserializeSeed, Deserializer, EnumAccess, MapAccess, SeqAccess, VariantAccess, Visitor,
};

/// How deep a document may be nested. The parsers have limits of their own, a little further.
pub(crate) const DEEPEST: usize = 100;

/// How many values a document may have, its keys and what its aliases stand for included: as many as it has
/// bytes, which is more than any document without aliases needs, within these bounds.
const MOST_VALUES: RangeInclusive<usize> = 100_000..=2_000_000;

/// The longest key. Every value's place repeats the keys that lead to it.
const LONGEST_KEY: usize = 1024;

/// How many keys that are written twice are told.
const MOST_TOLD: usize = 20;

/// What is found out while a tree grows.
#[derive(Debug)]
pub(crate) struct Growth {
    values_left: usize,
    depth: usize,
    /// The paths to keys that are written twice, the innermost step first.
    repeated: Vec<Vec<String>>,
    /// Why the document was refused, in words that quote nothing of it.
    pub(crate) refusal: Option<&'static str>,
}

impl Growth {
    /// The growth of a document of so many bytes.
    pub(crate) fn of(bytes: usize) -> Self {
        Self {
            values_left: bytes.clamp(*MOST_VALUES.start(), *MOST_VALUES.end()),
            depth: 0,
            repeated: Vec::new(),
            refusal: None,
        }
    }

    /// The seed of a tree: what serde builds the document's root with.
    pub(crate) fn tree(&mut self) -> Tree<'_> {
        Tree { growth: self }
    }

    /// The steps that lead to the keys that are written twice.
    pub(crate) fn repeated(&self) -> impl Iterator<Item = Vec<String>> {
        self.repeated
            .iter()
            .map(|steps| steps.iter().rev().cloned().collect())
    }

    fn refuse<E: de::Error>(&mut self, why: &'static str) -> E {
        self.refusal = Some(why);
        E::custom(why)
    }

    /// Adds a step to every path that was found below it.
    fn came_through(&mut self, found_before: usize, step: impl Fn() -> String) {
        for path in self.repeated.iter_mut().skip(found_before) {
            path.push(step());
        }
    }

    /// Keeps the last of each key.
    fn without_repeated(&mut self, entries: Vec<(String, Value)>) -> Vec<(String, Value)> {
        let mut keys: Vec<(&str, usize)> = entries
            .iter()
            .enumerate()
            .map(|(index, (key, _))| (key.as_str(), index))
            .collect();
        keys.sort_unstable();
        let mut stale = HashSet::new();
        for pair in keys.windows(2) {
            if let [(key, index), (next, _)] = pair
                && key == next
            {
                stale.insert(*index);
                if self.repeated.len() < MOST_TOLD {
                    self.repeated.push(vec![(*key).to_owned()]);
                }
            }
        }
        if stale.is_empty() {
            return entries;
        }
        let entries = entries.into_iter().enumerate();
        entries
            .filter_map(|(index, entry)| (!stale.contains(&index)).then_some(entry))
            .collect()
    }
}

/// Builds one value, and those in it.
pub(crate) struct Tree<'g> {
    growth: &'g mut Growth,
}

impl<'de> DeserializeSeed<'de> for Tree<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        let Some(values_left) = self.growth.values_left.checked_sub(1) else {
            return Err(self
                .growth
                .refuse("has too many values in it, or its aliases multiply"));
        };
        self.growth.values_left = values_left;
        if self.growth.depth > DEEPEST {
            return Err(self.growth.refuse("is nested deeper than 100 levels"));
        }
        self.growth.depth += 1;
        let kind = deserializer.deserialize_any(Tree {
            growth: &mut *self.growth,
        });
        self.growth.depth -= 1;
        kind.map(|kind| Value::new(kind, Origin::code()))
    }
}

impl<'de> Visitor<'de> for Tree<'_> {
    type Value = ValueKind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<ValueKind, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, number: i64) -> Result<ValueKind, E> {
        Ok(number.into())
    }

    fn visit_u64<E>(self, number: u64) -> Result<ValueKind, E> {
        Ok(ValueKind::Integer(number.into()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<ValueKind, E> {
        Ok(ValueKind::Integer(number))
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "no field of a kubeconfig takes such a number"
    )]
    fn visit_u128<E>(self, number: u128) -> Result<ValueKind, E> {
        Ok(i128::try_from(number).map_or(ValueKind::Float(number as f64), ValueKind::Integer))
    }

    fn visit_f64<E>(self, number: f64) -> Result<ValueKind, E> {
        Ok(ValueKind::Float(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<ValueKind, E> {
        Ok(text.into())
    }

    fn visit_string<E>(self, text: String) -> Result<ValueKind, E> {
        Ok(text.into())
    }

    fn visit_unit<E>(self) -> Result<ValueKind, E> {
        Ok(ValueKind::Null)
    }

    fn visit_none<E>(self) -> Result<ValueKind, E> {
        Ok(ValueKind::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<ValueKind, D::Error> {
        inner.deserialize_any(self)
    }

    /// A YAML tag: the value counts, the tag does not.
    fn visit_enum<A: EnumAccess<'de>>(self, tagged: A) -> Result<ValueKind, A::Error> {
        let (de::IgnoredAny, value) = tagged.variant()?;
        value
            .newtype_variant_seed(self.growth.tree())
            .map(Value::into_kind)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<ValueKind, A::Error> {
        let mut sequence = Vec::new();
        loop {
            let found_before = self.growth.repeated.len();
            let Some(item) = items.next_element_seed(self.growth.tree())? else {
                return Ok(ValueKind::Sequence(sequence));
            };
            self.growth
                .came_through(found_before, || format!("[{}]", sequence.len()));
            sequence.push(item);
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<ValueKind, A::Error> {
        let mut own = Vec::new();
        let mut inherited = Vec::new();
        while let Some(key) = entries.next_key_seed(self.growth.tree())? {
            let Some(key) = text_of_key(key.into_kind()) else {
                return Err(self.growth.refuse("has a key that is no text"));
            };
            if key.len() > LONGEST_KEY {
                return Err(self.growth.refuse("has a key longer than 1024 bytes"));
            }
            let found_before = self.growth.repeated.len();
            let value = entries.next_value_seed(self.growth.tree())?;
            self.growth.came_through(found_before, || key.clone());
            if key != "<<" {
                own.push((key, value));
            } else if !take_merged(value, &mut inherited) {
                return Err(self.growth.refuse("has a merge key (<<) that names no mapping"));
            }
        }
        let mut own = self.growth.without_repeated(own);
        add_inherited(&mut own, inherited);
        Ok(ValueKind::Mapping(own))
    }
}

/// A key that YAML or JSON may have as a number or a boolean, as text.
fn text_of_key(key: ValueKind) -> Option<String> {
    match key {
        ValueKind::String(text) => Some(text.as_str().to_owned()),
        ValueKind::Boolean(value) => Some(value.to_string()),
        ValueKind::Integer(number) => Some(number.to_string()),
        ValueKind::Float(number) => Some(number.to_string()),
        ValueKind::Null => Some("null".to_owned()),
        ValueKind::Sequence(_) | ValueKind::Mapping(_) => None,
    }
}

/// Takes the entries of the mapping, or the mappings, that a merge key names; `false` where it names another
/// thing.
fn take_merged(value: Value, inherited: &mut Vec<(String, Value)>) -> bool {
    match value.into_kind() {
        ValueKind::Mapping(entries) => {
            inherited.extend(entries);
            true
        }
        ValueKind::Sequence(items) => items.into_iter().all(|item| match item.into_kind() {
            ValueKind::Mapping(entries) => {
                inherited.extend(entries);
                true
            }
            _ => false,
        }),
        _ => false,
    }
}

/// Adds what a merge key gives: keys of the mapping's own win, then those of an earlier mapping (YAML 1.1,
/// "Merge Key Language-Independent Type").
fn add_inherited(own: &mut Vec<(String, Value)>, inherited: Vec<(String, Value)>) {
    if inherited.is_empty() {
        return;
    }
    let mut known: HashSet<String> = own.iter().map(|(key, _)| key.clone()).collect();
    own.extend(inherited.into_iter().filter(|(key, _)| known.insert(key.clone())));
}
