//! Deserializes a [`Value`]; errors contain the origin and never the value.
//!
//! serde's default messages quote the invalid value, which may be a password here. Every message therefore contains
//! only the keys, the expected type and the actual type.

use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, Expected, IntoDeserializer, Unexpected, Visitor};

use super::{Value, ValueKind};
use crate::error::{Error, ErrorKind, Result};
use crate::origin::Origin;

/// Deserializes a whole mapping.
pub(crate) fn from_entries<T: DeserializeOwned>(
    entries: &[(String, Value)],
    are_unknown_keys_ignored: bool,
    origin: &Origin,
) -> Result<T> {
    let mapping = Mapping { entries };
    if are_unknown_keys_ignored {
        T::deserialize(Lenient(mapping))
    } else {
        T::deserialize(mapping)
    }
    .map_err(|failure| failure.into_error(origin))
}

/// Deserializes one value.
pub(super) fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T> {
    T::deserialize(Node(value)).map_err(|failure| failure.into_error(value.origin()))
}

/// A value that cannot be deserialized, and its origin once it is known. Boxed, because every serde function returns it.
#[derive(Debug)]
struct Failure(Box<InvalidValue>);

#[derive(Debug)]
struct InvalidValue {
    kind: ErrorKind,
    message: String,
    help: Option<String>,
    /// The key below the value's origin that the failure is about.
    key: Option<String>,
    origin: Option<Origin>,
}

impl Failure {
    fn new(kind: ErrorKind, message: String) -> Self {
        Self(Box::new(InvalidValue {
            kind,
            message,
            help: None,
            key: None,
            origin: None,
        }))
    }

    /// Sets the origin; the innermost one is kept.
    fn with_origin(mut self, origin: &Origin) -> Self {
        if self.0.origin.is_none() {
            self.0.origin = Some(match self.0.key.take() {
                Some(key) => origin.clone().key(&key),
                None => origin.clone(),
            });
        }
        self
    }

    fn into_error(self, origin: &Origin) -> Error {
        let failure = *self.with_origin(origin).0;
        let mut error = Error::new(failure.kind, failure.message);
        if let Some(origin) = &failure.origin {
            error = error.with_origin(origin);
        }
        match failure.help {
            Some(help) => error.with_help(help),
            None => error,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Failure {}

impl de::Error for Failure {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(ErrorKind::InvalidValue, message.to_string())
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let error = Error::wrong_type(&in_plain_words(expected), name_of(&found));
        let mut failure = Self::new(error.kind(), error.message().to_owned());
        failure.0.help = error.help().map(str::to_owned);
        failure
    }

    fn invalid_value(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("invalid value: expected {expected}"),
        )
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::new(
            ErrorKind::InvalidValue,
            format!("invalid value: expected one of {}", expected.join(", ")),
        )
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        let error = Error::unknown_key(field, expected);
        let mut failure = Self::new(error.kind(), error.message().to_owned());
        failure.0.help = error.help().map(str::to_owned);
        failure.0.key = Some(field.to_owned());
        failure
    }

    fn missing_field(field: &'static str) -> Self {
        let mut failure = Self::new(ErrorKind::MissingField, format!("\"{field}\" is missing"));
        failure.0.help = Some(format!("set \"{field}\""));
        failure
    }
}

/// Returns the expected type in the words of the documents, instead of serde's words of Rust.
fn in_plain_words(expected: &dyn Expected) -> String {
    let text = expected.to_string();
    let first = text.split(' ').next().unwrap_or_default();
    match (first, text.as_str()) {
        ("struct" | "map", _) | (_, "a map") => "a mapping".to_owned(),
        ("tuple", _) | (_, "a sequence") => "a list".to_owned(),
        (_, "path string") => "a path".to_owned(),
        ("enum", _) | (_, "string") => "a string".to_owned(),
        ("i8" | "i16" | "i32" | "i64" | "i128" | "isize", _) => "a whole number".to_owned(),
        ("u8" | "u16" | "u32" | "u64" | "u128" | "usize", _) => {
            "a whole number that is not negative".to_owned()
        }
        ("f32" | "f64", _) => "a number".to_owned(),
        _ => text,
    }
}

fn name_of(found: &Unexpected<'_>) -> &'static str {
    match found {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) | Unexpected::Float(_) => "a number",
        Unexpected::Char(_) | Unexpected::Str(_) => "a string",
        Unexpected::Unit | Unexpected::Option => "nothing",
        Unexpected::Seq => "a list",
        Unexpected::Map => "a mapping",
        _ => "something else",
    }
}

struct Node<'a>(&'a Value);

impl<'de> de::Deserializer<'de> for Node<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0.kind() {
            ValueKind::Null => visitor.visit_unit(),
            ValueKind::Boolean(value) => visitor.visit_bool(*value),
            ValueKind::Integer(number) => match (u64::try_from(*number), i64::try_from(*number)) {
                (Ok(number), _) => visitor.visit_u64(number),
                (_, Ok(number)) => visitor.visit_i64(number),
                _ => visitor.visit_i128(*number),
            },
            ValueKind::Float(number) => visitor.visit_f64(*number),
            ValueKind::String(text) => visitor.visit_str(text),
            ValueKind::Sequence(items) => visitor.visit_seq(Items(items.iter())),
            ValueKind::Mapping(entries) => Mapping { entries }.deserialize_any(visitor),
        }
        .map_err(|failure| failure.with_origin(self.0.origin()))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        match self.0.kind() {
            ValueKind::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        let origin = self.0.origin();
        match self.0.kind() {
            ValueKind::String(text) => {
                let text: StrDeserializer<'_, Failure> = text.as_str().into_deserializer();
                text.deserialize_enum(name, variants, visitor)
            }
            _ => Err(Failure::new(
                ErrorKind::InvalidValue,
                format!(
                    "expected one of {}, found {}",
                    variants.join(", "),
                    self.0.type_name()
                ),
            )),
        }
        .map_err(|failure| failure.with_origin(origin))
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        seq tuple tuple_struct map struct identifier ignored_any
    }
}

struct Items<'a>(std::slice::Iter<'a, Value>);

impl<'de> de::SeqAccess<'de> for Items<'_> {
    type Error = Failure;

    fn next_element_seed<T: de::DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Failure> {
        self.0.next().map(|item| seed.deserialize(Node(item))).transpose()
    }
}

struct Mapping<'a> {
    entries: &'a [(String, Value)],
}

impl<'de> de::Deserializer<'de> for Mapping<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        visitor.visit_map(Entries {
            rest: self.entries.iter(),
            known: None,
            value: None,
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// A mapping that hides unknown keys from a struct.
struct Lenient<'a>(Mapping<'a>);

impl<'de> de::Deserializer<'de> for Lenient<'_> {
    type Error = Failure;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Failure> {
        self.0.deserialize_any(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        known: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Failure> {
        visitor.visit_map(Entries {
            rest: self.0.entries.iter(),
            known: Some(known),
            value: None,
        })
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

struct Entries<'a> {
    rest: std::slice::Iter<'a, (String, Value)>,
    /// The known keys; others are skipped. `None` skips no key.
    known: Option<&'static [&'static str]>,
    value: Option<&'a Value>,
}

impl<'de> de::MapAccess<'de> for Entries<'_> {
    type Error = Failure;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Failure> {
        let known = self.known;
        let Some((key, value)) = self
            .rest
            .find(|(key, _)| known.is_none_or(|known| known.contains(&key.as_str())))
        else {
            return Ok(None);
        };
        self.value = Some(value);
        let key: StrDeserializer<'_, Failure> = key.as_str().into_deserializer();
        seed.deserialize(key).map(Some)
    }

    fn next_value_seed<T: de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<T::Value, Failure> {
        match self.value.take() {
            Some(value) => seed.deserialize(Node(value)),
            None => Err(de::Error::custom("a value was requested before its key")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::options::Options;

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields)]
    struct Sample {
        token: Option<String>,
        retries: u8,
        mode: Option<Mode>,
        #[serde(default)]
        labels: BTreeMap<String, Vec<String>>,
    }

    #[derive(Debug, PartialEq, serde::Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Mode {
        Fast,
        Slow,
    }

    fn located(json: &str) -> Options {
        let value: Value = serde_json::from_str(json).unwrap();
        let ValueKind::Mapping(entries) = value
            .located(Origin::file("/c.yaml").key("sources.x"))
            .kind()
            .clone()
        else {
            panic!("not a mapping");
        };
        let mut options = Options::with_origin(Origin::file("/c.yaml").key("sources.x"));
        for (key, value) in entries {
            options.insert(&key, value);
        }
        options
    }

    #[test]
    fn a_tree_becomes_the_type_it_means() {
        let sample: Sample =
            located(r#"{"token": null, "retries": 3, "mode": "slow", "labels": {"a": ["b", "c"]}}"#)
                .parse()
                .unwrap();
        assert_eq!(
            (sample.token, sample.retries, sample.mode),
            (None, 3, Some(Mode::Slow))
        );
        assert_eq!(sample.labels["a"], ["b", "c"]);
    }

    #[test]
    fn errors_name_the_place_and_never_the_value() {
        for (json, said) in [
            (
                r#"{"retries": "s3cret"}"#,
                "expected a whole number that is not negative, found a string (/c.yaml, sources.x.retries); write a whole number, \
                 without quotes",
            ),
            (
                r#"{"retries": 31337}"#,
                "invalid value: expected u8 (/c.yaml, sources.x.retries)",
            ),
            (
                r#"{"retries": 1, "token": 5}"#,
                "expected a string, found a number (/c.yaml, sources.x.token); put the value in quotes",
            ),
            (
                r#"{"retries": 1, "mode": "s3cret"}"#,
                "invalid value: expected one of fast, slow (/c.yaml, sources.x.mode)",
            ),
            (
                r#"{"retries": 1, "tokn": "s3cret"}"#,
                "unknown key \"tokn\" (/c.yaml, sources.x.tokn); did you mean \"token\"?",
            ),
            (
                r#"{"token": "s3cret"}"#,
                "\"retries\" is missing (/c.yaml, sources.x); set \"retries\"",
            ),
            (
                r#"{"retries": 1, "labels": {"a": [{"s3cret": 1}]}}"#,
                "expected a string, found a mapping (/c.yaml, sources.x.labels.a[0]); write a single string",
            ),
        ] {
            assert_eq!(
                located(json).parse::<Sample>().unwrap_err().to_string(),
                said,
                "{json}"
            );
        }
    }

    #[test]
    fn debug_shows_the_shape_and_no_scalar() {
        let shown = format!(
            "{:?}",
            located(r#"{"token": "s3cret", "labels": {"a": ["s3cret"]}, "retries": 7}"#)
        );
        assert!(
            !shown.contains("s3cret") && !shown.contains('7') && shown.contains("token"),
            "{shown}"
        );
    }
}
