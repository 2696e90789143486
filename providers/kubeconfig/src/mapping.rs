//! The fields of one entry, read as a kubeconfig means them.
//!
//! An empty text and a null are the same as a field that is not there. A name or a token that is written as a
//! number is an error that says to quote it, as kubectl refuses it too. Of a boolean, the words of YAML 1.1
//! are taken (`yes`, `off`), which kubectl reads.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kubex_core::options::{Value, ValueKind};
use kubex_core::text::{clean_line, nearest_within};
use kubex_core::{Error, ErrorKind, Options, Origin, Result, Warning};

/// A mapping of the kubeconfig and the directory that its relative paths start from.
#[derive(Clone, Debug)]
pub(crate) struct Mapping {
    value: Value,
    /// `None` where the document came as bytes, which are in no directory.
    directory: Option<Arc<Path>>,
}

impl Mapping {
    pub(crate) fn new(value: Value, directory: Option<Arc<Path>>) -> Self {
        Self { value, directory }
    }

    /// Where the mapping is.
    pub(crate) fn origin(&self) -> &Origin {
        self.value.origin()
    }

    /// Where a field is, or would be.
    pub(crate) fn origin_of(&self, key: &str) -> Origin {
        self.get(key)
            .map_or_else(|| self.origin().clone().key(key), |value| value.origin().clone())
    }

    /// A field that is there and not blank.
    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.value.get(key).filter(|value| !is_blank(value))
    }

    /// What is written here and looks like one of the known fields, but is none.
    pub(crate) fn near_misses(&self, known: &[&'static str]) -> Vec<Warning> {
        let entries = self.entries().filter(|(key, _)| !known.contains(key));
        entries
            .filter_map(|(key, value)| {
                let near = Self::near(key, known)?;
                Some(near_miss(value.origin(), key, near))
            })
            .collect()
    }

    /// The key that is likely to be meant for this field, which is missing.
    pub(crate) fn misspelt(&self, field: &'static str) -> Option<&str> {
        let mut keys = self.entries().map(|(key, _)| key);
        keys.find(|key| Self::near(key, &[field]).is_some())
    }

    /// The error of a field that is missing, with what to set it to.
    pub(crate) fn missing(&self, kind: ErrorKind, message: &str, field: &'static str, help: &str) -> Error {
        let error = Error::new(kind, message).with_origin(&self.origin_of(field));
        match self.misspelt(field) {
            Some(key) => error.with_help(format_args!("rename \"{}\" to \"{field}\"", shown(key))),
            None => error.with_help(help),
        }
    }

    /// The known field that a key is likely to be meant for: the same but for case, dashes and underscores, or
    /// a letter or two apart.
    pub(crate) fn near(key: &str, known: &[&'static str]) -> Option<&'static str> {
        if known.contains(&key) {
            return None;
        }
        let bare = |key: &str| key.replace(['-', '_'], "").to_lowercase();
        let same = known.iter().find(|field| bare(field) == bare(key)).copied();
        same.or_else(|| {
            let near = nearest_within(key, known, |longer| if longer < 8 { 1 } else { 2 });
            near.filter(|near| near.len() > 3)
        })
    }

    /// Whether a field is there and not blank.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Whether one of these fields is there and not blank.
    pub(crate) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.has(key))
    }

    /// A text.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&str>> {
        self.get(key).map(text_of).transpose()
    }

    /// A boolean; `false` where it is not there.
    pub(crate) fn flag(&self, key: &str) -> Result<bool> {
        let Some(value) = self.get(key) else {
            return Ok(false);
        };
        match value.kind() {
            ValueKind::Boolean(flag) => Some(*flag),
            ValueKind::String(word) => match word.to_ascii_lowercase().as_str() {
                "y" | "yes" | "on" => Some(true),
                "n" | "no" | "off" => Some(false),
                _ => None,
            },
            _ => None,
        }
        .ok_or_else(|| wrong_type(value, "true or false"))
    }

    /// A list of texts; empty where it is not there.
    pub(crate) fn texts(&self, key: &str) -> Result<Vec<&str>> {
        match self.get(key).map(|value| (value, value.kind())) {
            None => Ok(Vec::new()),
            Some((_, ValueKind::Sequence(items))) => items.iter().map(text_of).collect(),
            Some((value, _)) => Err(wrong_type(value, "a list")),
        }
    }

    /// A mapping within this one.
    pub(crate) fn mapping(&self, key: &str) -> Result<Option<Self>> {
        match self.get(key).map(|value| (value, value.kind())) {
            None => Ok(None),
            Some((value, ValueKind::Mapping(_))) => {
                Ok(Some(Self::new(value.clone(), self.directory.clone())))
            }
            Some((value, _)) => Err(wrong_type(value, "a mapping")),
        }
    }

    /// A list of mappings within this one; empty where it is not there.
    pub(crate) fn mappings(&self, key: &str) -> Result<Vec<Self>> {
        let items = match self.get(key).map(|value| (value, value.kind())) {
            None => return Ok(Vec::new()),
            Some((_, ValueKind::Sequence(items))) => items,
            Some((value, _)) => return Err(wrong_type(value, "a list")),
        };
        let items = items.iter().filter(|item| !item.is_blank());
        items
            .map(|item| match item.kind() {
                ValueKind::Mapping(_) => Ok(Self::new(item.clone(), self.directory.clone())),
                _ => Err(wrong_type(item, "a mapping")),
            })
            .collect()
    }

    /// The fields as they are written, blank ones included.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        let entries = match self.value.kind() {
            ValueKind::Mapping(entries) => entries.as_slice(),
            _ => &[],
        };
        entries.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A path of the field of that key, made absolute by the directory of the file that has it; symbolic links
    /// are not followed.
    pub(crate) fn resolve(&self, path: &str, key: &str) -> Result<String> {
        match &self.directory {
            _ if Path::new(path).is_absolute() => Ok(path.to_owned()),
            Some(directory) => clean(&directory.join(path))
                .into_os_string()
                .into_string()
                .map_err(|_| {
                    Error::new(
                        ErrorKind::InvalidValue,
                        "the path is relative to a directory whose name is not Unicode",
                    )
                    .with_origin(&self.origin_of(key))
                    .with_help("write an absolute path")
                }),
            None => Err(Error::new(
                ErrorKind::InvalidValue,
                "a kubeconfig that is no file has a relative path in it",
            )
            .with_origin(&self.origin_of(key))
            .with_help("write an absolute path, or the content itself")),
        }
    }

    /// Copies fields into options: the same field under the option's name.
    pub(crate) fn copy_into(&self, options: &mut Options, fields: &[(&str, &str)]) -> Result<()> {
        for (field, option) in fields {
            if let Some(value) = self.get(field) {
                text_of(value)?;
                options.insert(option, value.clone());
            }
        }
        Ok(())
    }

    /// Copies a path into options, made absolute.
    pub(crate) fn copy_path_into(&self, options: &mut Options, field: &str, option: &str) -> Result<()> {
        if let Some(path) = self.text(field)? {
            let path = self.resolve(path, field)?;
            options.insert(option, Value::new(path, self.origin_of(field)));
        }
        Ok(())
    }
}

/// Null, an empty text or an empty list. An empty mapping is a block that lacks its fields.
fn is_blank(value: &Value) -> bool {
    match value.kind() {
        ValueKind::Sequence(items) => items.is_empty(),
        _ => value.is_blank(),
    }
}

/// A name as a person is shown it: cleaned, and not longer than a line or two.
pub(crate) fn shown(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(LONGEST_SHOWN) {
        None => clean_line(name),
        Some((end, _)) => Cow::Owned(format!("{}...", clean_line(name.get(..end).unwrap_or_default()))),
    }
}

/// How many characters of a name are shown.
const LONGEST_SHOWN: usize = 256;

/// The warning of a key that looks like a field and is none. It shows the key, never what stands under it.
pub(crate) fn near_miss(origin: &Origin, key: &str, near: &str) -> Warning {
    Warning::new(
        "unknown-field",
        format_args!(
            "\"{}\" is no field and is ignored; did you mean \"{near}\"?",
            shown(key)
        ),
    )
    .with_origin(origin)
}

pub(crate) fn text_of(value: &Value) -> Result<&str> {
    value.as_str().ok_or_else(|| match value.kind() {
        ValueKind::Sequence(_) | ValueKind::Mapping(_) => wrong_type(value, "a text"),
        _ => wrong_type(value, "a text").with_help("put it in quotes"),
    })
}

pub(crate) fn wrong_type(value: &Value, expected: &str) -> Error {
    Error::new(
        ErrorKind::InvalidValue,
        format_args!("expected {expected}, found {}", value.type_name()),
    )
    .with_origin(value.origin())
}

/// Takes `.` and `..` out of a path by its text alone, as client-go does.
fn clean(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut cleaned = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                cleaned.pop();
            }
            other => cleaned.push(other),
        }
    }
    cleaned
}
