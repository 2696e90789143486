//! A value of the options, with its origin.
//!
//! A [`Value`] is a tree, from a document, from environment variables or from the program's code. Unlike in a
//! `serde_json::Value`, each node has an origin, `Debug` prints no content, and strings are wiped on drop.
//!
//! ```
//! use kubex_core::Origin;
//! use kubex_core::options::{Value, ValueKind};
//!
//! let file = Origin::file("/etc/kubex/config.yaml");
//! let roles = Value::new(vec!["dev", "ops"], file).located(Origin::file("/etc/kubex/config.yaml").key("roles"));
//! assert_eq!(roles.parse::<Vec<String>>()?, ["dev", "ops"]);
//!
//! let ValueKind::Sequence(items) = roles.kind() else { unreachable!() };
//! assert_eq!(items[1].origin().keys(), "roles[1]");
//! assert_eq!(format!("{:?}", items[1].kind()), "[a string]");
//! # Ok::<(), kubex_core::Error>(())
//! ```

mod deserialize;

use std::fmt;

use serde::de::{self, Deserialize, DeserializeOwned, Deserializer};

use crate::error::Result;
use crate::origin::{Origin, Place};
use crate::secret::WipedString;

pub(crate) use deserialize::from_entries;

/// A value, and its origin: where it is set. Lists and mappings contain further values.
///
/// ```
/// use kubex_core::Origin;
/// use kubex_core::options::Value;
///
/// let origin = Origin::file("/etc/app.yaml").key("retries");
/// let value = Value::new(3_i64, origin);
/// assert_eq!(value.type_name(), "a number");
/// assert_eq!(value.origin().to_string(), "/etc/app.yaml, retries");
/// ```
#[derive(Clone)]
pub struct Value {
    origin: Origin,
    kind: ValueKind,
}

/// The content of a value. Strings are wiped on drop.
#[derive(Clone)]
pub enum ValueKind {
    /// Nothing: `null`, `~`, or a key without a value.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Float(f64),
    /// Text.
    String(WipedString),
    /// A list.
    Sequence(Vec<Value>),
    /// A mapping, in document order. A duplicate key has two entries.
    Mapping(Vec<(String, Value)>),
}

impl Value {
    /// Creates a value with this origin.
    pub fn new(kind: impl Into<ValueKind>, origin: Origin) -> Self {
        Self {
            origin,
            kind: kind.into(),
        }
    }

    /// Returns the content of the value, without its origin.
    pub fn kind(&self) -> &ValueKind {
        &self.kind
    }

    /// Converts the value to its content, without the origin.
    pub fn into_kind(self) -> ValueKind {
        self.kind
    }

    /// Returns the origin: the file and the line, the variable or the flag that sets the value.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Sets the origin of this value. Each value inside it gets the same origin, extended by the keys and indexes that
    /// lead to it.
    #[must_use]
    pub fn located(mut self, origin: Origin) -> Self {
        let origin = if self.is_collection() {
            origin.shared()
        } else {
            origin
        };
        match &mut self.kind {
            ValueKind::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    *item = std::mem::take(item).located(origin.clone().item(index));
                }
            }
            ValueKind::Mapping(entries) => {
                for (key, value) in entries.iter_mut() {
                    *value = std::mem::take(value).located(origin.clone().key(key));
                }
            }
            _ => {}
        }
        self.origin = origin;
        self
    }

    /// The same value at this origin. Of the values inside it, those that the code of the program has made get the same
    /// origin, extended by the keys and indexes that lead to them; the others keep theirs.
    pub(crate) fn made_at(mut self, origin: Origin) -> Self {
        let of = |inner: &mut Self, origin: Origin| {
            if matches!(inner.origin.place(), Place::Code) {
                *inner = std::mem::take(inner).made_at(origin);
            }
        };
        match &mut self.kind {
            ValueKind::Sequence(items) => {
                for (index, item) in items.iter_mut().enumerate() {
                    of(item, origin.clone().item(index));
                }
            }
            ValueKind::Mapping(entries) => {
                for (key, value) in entries.iter_mut() {
                    of(value, origin.clone().key(key));
                }
            }
            _ => {}
        }
        self.origin = origin;
        self
    }

    /// Returns the text if the value is a string; otherwise `None`.
    pub fn as_str(&self) -> Option<&str> {
        match &self.kind {
            ValueKind::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the value of a key; `None` if the value is not a mapping or does not contain the key. If the key occurs
    /// twice, the last one is used.
    ///
    /// ```
    /// use kubex_core::Origin;
    /// use kubex_core::options::Value;
    ///
    /// let value = serde_json::from_str::<Value>(r#"{"role": "reader"}"#).unwrap().located(Origin::file("/etc/app.json"));
    /// let role = value.get("role").unwrap();
    /// assert_eq!(role.as_str(), Some("reader"));
    /// assert_eq!(role.origin().to_string(), "/etc/app.json, role");
    /// ```
    pub fn get(&self, key: &str) -> Option<&Value> {
        match &self.kind {
            ValueKind::Mapping(entries) => entries
                .iter()
                .rev()
                .find(|(name, _)| name == key)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    /// Returns whether the value is null or an empty string.
    pub fn is_blank(&self) -> bool {
        match &self.kind {
            ValueKind::Null => true,
            ValueKind::String(text) => text.is_empty(),
            _ => false,
        }
    }

    fn is_collection(&self) -> bool {
        matches!(self.kind, ValueKind::Sequence(_) | ValueKind::Mapping(_))
    }

    /// Returns the type in words, such as `a string` or `a list`.
    pub fn type_name(&self) -> &'static str {
        match &self.kind {
            ValueKind::Null => "nothing",
            ValueKind::Boolean(_) => "a boolean",
            ValueKind::Integer(_) | ValueKind::Float(_) => "a number",
            ValueKind::String(_) => "a string",
            ValueKind::Sequence(_) => "a list",
            ValueKind::Mapping(_) => "a mapping",
        }
    }

    /// Deserializes the value. Errors contain the origin and the keys, and never the value.
    ///
    /// ```
    /// use kubex_core::Origin;
    /// use kubex_core::options::Value;
    ///
    /// let value = Value::new(5_i64, Origin::flag("--retries"));
    /// assert_eq!(value.parse::<u8>()?, 5);
    /// let error = Value::new("s3cret-7", Origin::flag("--retries")).parse::<u8>().unwrap_err();
    /// assert!(!error.to_string().contains("s3cret-7"));
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T> {
        deserialize::from_value(self)
    }
}

impl Default for Value {
    fn default() -> Self {
        Self {
            origin: Origin::code(),
            kind: ValueKind::Null,
        }
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ValueKind::Sequence(items) => f.debug_list().entries(items).finish(),
            ValueKind::Mapping(entries) => f
                .debug_map()
                .entries(
                    entries
                        .iter()
                        .map(|(key, value)| (crate::text::clean_line(key), value)),
                )
                .finish(),
            _ => write!(f, "[{}]", self.type_name()),
        }
    }
}

impl fmt::Debug for ValueKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Value::new(self.clone(), Origin::code()).fmt(f)
    }
}

impl From<&str> for ValueKind {
    fn from(text: &str) -> Self {
        Self::String(text.into())
    }
}

impl From<String> for ValueKind {
    fn from(text: String) -> Self {
        Self::String(text.into())
    }
}

impl From<bool> for ValueKind {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}

impl From<&String> for ValueKind {
    fn from(text: &String) -> Self {
        text.as_str().into()
    }
}

macro_rules! from_integers {
    ($($integer:ty),*) => {$(
        impl From<$integer> for ValueKind {
            fn from(number: $integer) -> Self {
                Self::Integer(number.into())
            }
        }
    )*};
}

from_integers!(u8, u16, u32, u64, i8, i16, i32, i64);

impl From<f64> for ValueKind {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl<T: Into<ValueKind>> From<Vec<T>> for ValueKind {
    fn from(items: Vec<T>) -> Self {
        Self::Sequence(
            items
                .into_iter()
                .map(|item| Value::new(item, Origin::code()))
                .collect(),
        )
    }
}

impl<T: Into<ValueKind>, const N: usize> From<[T; N]> for ValueKind {
    fn from(items: [T; N]) -> Self {
        Vec::from(items).into()
    }
}

impl<T: Into<ValueKind> + Clone> From<&[T]> for ValueKind {
    fn from(items: &[T]) -> Self {
        items.to_vec().into()
    }
}

impl<T: Into<ValueKind> + Clone, const N: usize> From<&[T; N]> for ValueKind {
    fn from(items: &[T; N]) -> Self {
        items.as_slice().into()
    }
}

impl From<Vec<(String, Value)>> for ValueKind {
    fn from(entries: Vec<(String, Value)>) -> Self {
        Self::Mapping(entries)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = ValueKind;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }

            fn visit_bool<E>(self, value: bool) -> Result<ValueKind, E> {
                Ok(ValueKind::Boolean(value))
            }

            fn visit_i64<E>(self, number: i64) -> Result<ValueKind, E> {
                Ok(ValueKind::Integer(number.into()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<ValueKind, E> {
                Ok(ValueKind::Integer(number.into()))
            }

            fn visit_i128<E>(self, number: i128) -> Result<ValueKind, E> {
                Ok(ValueKind::Integer(number))
            }

            #[expect(
                clippy::cast_precision_loss,
                reason = "a number beyond i128 is a float as far as options go"
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

            fn visit_newtype_struct<D: Deserializer<'de>>(self, inner: D) -> Result<ValueKind, D::Error> {
                inner.deserialize_any(self)
            }

            /// A YAML tag is ignored; its value is used.
            fn visit_enum<A: de::EnumAccess<'de>>(self, tagged: A) -> Result<ValueKind, A::Error> {
                let (de::IgnoredAny, value) = tagged.variant()?;
                de::VariantAccess::newtype_variant::<Value>(value).map(|value| value.kind)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut items: A) -> Result<ValueKind, A::Error> {
                let mut sequence = Vec::new();
                while let Some(item) = items.next_element()? {
                    sequence.push(item);
                }
                Ok(ValueKind::Sequence(sequence))
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut entries: A) -> Result<ValueKind, A::Error> {
                let mut mapping = Vec::new();
                while let Some(key) = entries.next_key::<Key>()? {
                    mapping.push((key.0, entries.next_value()?));
                }
                Ok(ValueKind::Mapping(mapping))
            }
        }

        Ok(Self::new(deserializer.deserialize_any(Visitor)?, Origin::code()))
    }
}

/// A key of a mapping as text, even if it is a number or a boolean in the document.
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|value| {
            Self(match value.kind {
                ValueKind::String(text) => text.as_str().to_owned(),
                ValueKind::Boolean(value) => value.to_string(),
                ValueKind::Integer(number) => number.to_string(),
                ValueKind::Float(number) => number.to_string(),
                ValueKind::Null => "null".to_owned(),
                ValueKind::Sequence(_) | ValueKind::Mapping(_) => "?".to_owned(),
            })
        })
    }
}
