//! Reads the fields of an object of a hub: each error names the field and its place, and never the value.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use kubex_core::options::{Value, ValueKind};
use kubex_core::text::shown_key;
use kubex_core::{Error, ErrorKind, Options, Origin, Result, SecretBytes};

/// The fields of a mapping. A field that is null or an empty text is absent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields<'v>(&'v Value);

impl<'v> Fields<'v> {
    /// The fields of a value, which must be a mapping.
    pub(crate) fn new(value: &'v Value) -> Result<Self> {
        match value.kind() {
            ValueKind::Mapping(_) => Ok(Self(value)),
            _ => Err(wrong_type(value, "a mapping")),
        }
    }

    pub(crate) fn origin(self) -> &'v Origin {
        self.0.origin()
    }

    /// The value of a field, whatever its type.
    pub(crate) fn get(self, key: &str) -> Option<&'v Value> {
        self.0.get(key).filter(|value| !value.is_blank())
    }

    /// The place of a field; the place of the mapping, with the key, if the field is absent.
    pub(crate) fn origin_of(self, key: &str) -> Origin {
        let place = self.get(key).map(Value::origin);
        place.map_or_else(|| self.origin().clone().key(key), Clone::clone)
    }

    /// A field with a text.
    pub(crate) fn text(self, key: &str) -> Result<Option<&'v Value>> {
        match self.get(key) {
            Some(value) if value.as_str().is_none() => Err(wrong_type(value, "a text")),
            found => Ok(found),
        }
    }

    /// A field with a text, as a text.
    pub(crate) fn str(self, key: &str) -> Result<Option<&'v str>> {
        Ok(self.text(key)?.and_then(Value::as_str))
    }

    /// A field with a text that must be there.
    pub(crate) fn required(self, key: &str) -> Result<&'v Value> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// A field that is `true` or `false`.
    pub(crate) fn flag(self, key: &str) -> Result<bool> {
        match self.get(key).map(|value| (value, value.kind())) {
            None => Ok(false),
            Some((_, ValueKind::Boolean(flag))) => Ok(*flag),
            Some((value, _)) => Err(wrong_type(value, "true or false")),
        }
    }

    /// Copies fields with texts into options, each under the option's name.
    pub(crate) fn copy_texts(self, options: &mut Options, names: &[(&str, &str)]) -> Result<()> {
        for (key, option) in names {
            if let Some(value) = self.text(key)? {
                options.insert(option, value.clone());
            }
        }
        Ok(())
    }

    /// Copies fields that are `true` into options, each under the option's name.
    pub(crate) fn copy_flags(self, options: &mut Options, names: &[(&str, &str)]) -> Result<()> {
        for (key, option) in names {
            if self.flag(key)? {
                options.insert(option, Value::new(true, self.origin_of(key)));
            }
        }
        Ok(())
    }

    /// A field with further fields.
    pub(crate) fn fields(self, key: &str) -> Result<Option<Self>> {
        self.get(key).map(Fields::new).transpose()
    }

    /// A field with a list.
    pub(crate) fn list(self, key: &str) -> Result<&'v [Value]> {
        match self.get(key).map(|value| (value, value.kind())) {
            None => Ok(&[]),
            Some((_, ValueKind::Sequence(items))) => Ok(items),
            Some((value, _)) => Err(wrong_type(value, "a list")),
        }
    }

    /// A field with a list of texts.
    pub(crate) fn texts(self, key: &str) -> Result<Vec<&'v Value>> {
        self.list(key)?.iter().map(text).collect()
    }

    /// All fields with their values.
    pub(crate) fn entries(self) -> impl Iterator<Item = (&'v str, &'v Value)> {
        let entries: &[(String, Value)] = match self.0.kind() {
            ValueKind::Mapping(entries) => entries,
            _ => &[],
        };
        entries.iter().map(|(key, value)| (key.as_str(), value))
    }

    pub(crate) fn missing(self, key: &str) -> Error {
        Error::new(
            ErrorKind::MissingField,
            format_args!("\"{}\" is missing", shown_key(key)),
        )
        .with_origin(&self.origin_of(key))
        .with_help(format_args!("set \"{}\"", shown_key(key)))
    }
}

/// A value that must be a text.
pub(crate) fn text(value: &Value) -> Result<&Value> {
    match value.as_str() {
        Some(_) => Ok(value),
        None => Err(wrong_type(value, "a text")),
    }
}

/// The bytes of a base64 text.
pub(crate) fn decoded(value: &Value, key: &str) -> Result<SecretBytes> {
    let decoded = BASE64_STANDARD.decode(value.as_str().unwrap_or_default());
    decoded.map(SecretBytes::from).map_err(|_| {
        Error::new(
            ErrorKind::InvalidBase64,
            format_args!("\"{}\" is not valid base64", shown_key(key)),
        )
        .with_origin(value.origin())
        .with_help("encode the value with: base64 -w0")
    })
}

fn wrong_type(value: &Value, wanted: &str) -> Error {
    let keys = value.origin().keys();
    let message = format!("\"{keys}\" is {}, not {wanted}", value.type_name());
    Error::new(ErrorKind::InvalidValue, message)
        .with_origin(value.origin())
        .with_help(format_args!("write {wanted} there"))
}
