//! Reads the fields of one entry, by the rules of kubeconfigs.
//!
//! An empty text and null are the same as a missing field. A name or a token that is an unquoted number is an error, as in
//! kubectl; the help is to quote it. Booleans may be the words of YAML 1.1 (`yes`, `off`), as in kubectl.

use std::borrow::Cow;
use std::fmt;
use std::path::{Path, PathBuf};

use kubex_core::options::{Value, ValueKind};
use kubex_core::origin::Place;
use kubex_core::text::{check_path, clean_line};
use kubex_core::{Error, ErrorKind, Options, Origin, Result, Warning};
use kubex_document::{Conversion, Key, Kind, Node, Places};

use crate::near_miss::{MAX_COMPARED, near, near_misses};

/// A mapping of the kubeconfig and the directory that its relative paths start from.
#[derive(Clone, Debug)]
pub(crate) struct Mapping<'d> {
    /// `None` if it is missing.
    node: Option<Node<'d>>,
    origin: Origin,
    /// `None` if the document came as bytes or from a pipe, which are in no directory.
    directory: Option<&'d Path>,
}

impl<'d> Mapping<'d> {
    /// This node as a mapping; empty if the node is blank or missing.
    pub(crate) fn new(node: Option<Node<'d>>, origin: Origin, directory: Option<&'d Path>) -> Result<Self> {
        if let Some(node) = node
            && !node.is_blank()
            && node.kind() != Kind::Mapping
        {
            return Err(wrong_type(node, "a mapping", &origin));
        }
        // Fields are looked up linearly.
        if node.is_some_and(|node| node.most_entries() > MAX_FIELDS) {
            return Err(over_budget(
                format_args!("the mapping has more than {MAX_FIELDS} keys"),
                &origin,
            ));
        }
        Ok(Self {
            node,
            origin,
            directory,
        })
    }

    /// Where the mapping is.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The location of a field, or of its mapping if it is missing.
    pub(crate) fn origin_of(&self, key: &str) -> Origin {
        match self.entry(key) {
            Some((key, value)) => self.origin_at(key, value),
            None => self.origin.clone().key(key),
        }
    }

    fn origin_at(&self, key: Key<'_>, value: Node<'_>) -> Origin {
        Places::Values.locate(self.origin.clone().key(&key.name()), key, value)
    }

    /// A field that is set and not blank.
    fn entry(&self, key: &str) -> Option<(Key<'d>, Node<'d>)> {
        let entry = self.node?.get_entry(key);
        entry.filter(|(_, value)| !is_blank(*value))
    }

    fn get(&self, key: &str) -> Option<Node<'d>> {
        self.entry(key).map(|(_, value)| value)
    }

    /// The fields that are not blank, and their values.
    pub(crate) fn values(&self) -> Result<impl Iterator<Item = (Cow<'d, str>, Value)>> {
        if let Some(node) = self.node {
            within_budget(node, &self.origin)?;
        }
        let entries = self.entries().filter(|(_, value)| !is_blank(*value));
        Ok(entries.map(|(key, value)| {
            let found = value.to_value(self.origin_at(key, value), Conversion::KUBECONFIG);
            (key.name(), found)
        }))
    }

    /// The fields, each a list of texts. A blank one is an empty list.
    pub(crate) fn text_lists(&self) -> Result<Vec<(String, Value)>> {
        if let Some(node) = self.node {
            within_budget(node, &self.origin)?;
        }
        let lists = self.entries().map(|(key, list)| {
            let origin = self.origin_at(key, list);
            if !is_blank(list) && list.kind() != Kind::Sequence {
                return Err(wrong_type(list, "a list", &origin));
            }
            let items = list.items().enumerate();
            let items = items.map(|(index, item)| text_item(item, item.locate(origin.clone().item(index))));
            let items = items.collect::<Result<Vec<_>>>()?;
            Ok((
                key.name().into_owned(),
                Value::new(ValueKind::Sequence(items), origin),
            ))
        });
        lists.collect()
    }

    /// The whole value of a field that is set and not blank. It belongs to a plugin and contains no field of a
    /// kubeconfig.
    pub(crate) fn extension(&self, key: &str) -> Result<Option<Value>> {
        let Some((key, value)) = self.entry(key) else {
            return Ok(None);
        };
        let origin = self.origin_at(key, value);
        within_budget(value, &origin)?;
        Ok(Some(value.to_value(origin, Conversion::EXTENSION)))
    }

    /// Warnings about keys that resemble one of the known fields.
    pub(crate) fn near_misses(&self, known: &[&'static str]) -> Vec<Warning> {
        near_misses(self.entries(), known, || self.origin.clone())
    }

    /// The key that is probably a misspelling of this missing field.
    fn misspelt(&self, field: &'static str) -> Option<Cow<'d, str>> {
        let mut keys = self.entries().map(|(key, _)| key.name()).take(MAX_COMPARED);
        keys.find(|key| near(key, &[field]).is_some())
    }

    /// The error for a missing field, with the value to set.
    pub(crate) fn missing(&self, kind: ErrorKind, message: &str, field: &'static str, help: &str) -> Error {
        let error = Error::new(kind, message).with_origin(&self.origin_of(field));
        match self.misspelt(field) {
            Some(key) => error.with_help(format_args!("rename \"{}\" to \"{field}\"", shown(&key))),
            None => error.with_help(help),
        }
    }

    /// Whether a field is set and not blank.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// Whether a field is set, blank or not.
    pub(crate) fn is_written(&self, key: &str) -> bool {
        self.node.is_some_and(|node| node.get(key).is_some())
    }

    /// Whether a field is set and not null.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        let value = self.node.and_then(|node| node.get(key));
        value.is_some_and(|value| value.kind() != Kind::Null)
    }

    /// Whether one of these fields is set and not blank.
    pub(crate) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.has(key))
    }

    /// A text that is not longer than it may be.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&'d str>> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let text = text_of(value, || self.origin_of(key))?;
        let most = match key {
            "token" => MAX_TOKEN,
            key if key.ends_with("-data") => MAX_DATA,
            _ => MAX_TEXT,
        };
        not_longer(text, key, most, || self.origin_of(key))?;
        Ok(Some(text))
    }

    /// A boolean; `false` if the field is missing.
    pub(crate) fn flag(&self, key: &str) -> Result<bool> {
        let Some(value) = self.get(key) else {
            return Ok(false);
        };
        match value.kind() {
            Kind::Boolean(flag) => Some(flag),
            _ => value.as_yaml_1_1_boolean(),
        }
        .ok_or_else(|| wrong_type(value, "true or false", &self.origin_of(key)))
    }

    /// A list of texts, with the place of each; `None` if the field is missing. A null in it is an empty text, as in Go.
    pub(crate) fn texts(&self, key: &str) -> Result<Option<Value>> {
        if !self.has(key) {
            return Ok(None);
        }
        let origin = self.origin_of(key);
        let items = self
            .items(key)?
            .map(|(index, item)| text_item(item, item.locate(origin.clone().item(index))));
        let items = items.collect::<Result<Vec<_>>>()?;
        Ok(Some(Value::new(ValueKind::Sequence(items), origin)))
    }

    fn items(&self, key: &str) -> Result<impl Iterator<Item = (usize, Node<'d>)> + use<'d>> {
        let list = self.get(key);
        if let Some(list) = list
            && list.kind() != Kind::Sequence
        {
            return Err(wrong_type(list, "a list", &self.origin_of(key)));
        }
        if list.is_some_and(|list| list.len() > MAX_VALUES) {
            let what = format_args!("\"{key}\" has more than {MAX_VALUES} items");
            return Err(over_budget(what, &self.origin_of(key)));
        }
        Ok(list.into_iter().flat_map(Node::items).enumerate())
    }

    /// A mapping within this one.
    pub(crate) fn mapping(&self, key: &str) -> Result<Option<Self>> {
        let Some((key, value)) = self.entry(key) else {
            return Ok(None);
        };
        Self::new(Some(value), self.origin_at(key, value), self.directory).map(Some)
    }

    /// A list of mappings within this one; empty if the field is missing. A null in it is an empty mapping.
    pub(crate) fn mappings(&self, key: &str) -> Result<Vec<Self>> {
        let origin = self.origin_of(key);
        self.items(key)?
            .map(|(index, item)| {
                Self::new(
                    Some(item),
                    item.locate(origin.clone().item(index)),
                    self.directory,
                )
            })
            .collect()
    }

    /// The fields as they are written, blank ones included.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Key<'d>, Node<'d>)> + use<'d> {
        self.node.into_iter().flat_map(Node::entries)
    }

    /// The path in this field, made absolute by the directory of its file. Symbolic links are not followed.
    pub(crate) fn resolve(&self, path: &str, key: &str) -> Result<String> {
        check_path(key, path, &self.origin_of(key))?;
        match self.directory {
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
                format_args!(
                    "\"{key}\" is a relative path, but {} has no directory",
                    match self.origin.place() {
                        Place::Pipe(_) => "a pipe",
                        _ => "a kubeconfig that the program passed as bytes",
                    }
                ),
            )
            .with_origin(&self.origin_of(key))
            .with_help("write an absolute path")),
        }
    }

    /// Copies fields into options: the same field under the option's name.
    pub(crate) fn copy_into(&self, options: &mut Options, fields: &[(&str, &str)]) -> Result<()> {
        for (field, option) in fields {
            if let Some(text) = self.text(field)? {
                options.insert(option, Value::new(text, self.origin_of(field)));
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

/// The most fields of a mapping whose fields are read. A kubeconfig has about ten.
const MAX_FIELDS: usize = 10_000;

/// The most values of one field: of a plugin's arguments, of an extension.
const MAX_VALUES: usize = 100_000;

/// The longest text of a field, in bytes. It is checked before the text is used, which happens on an async worker.
const MAX_TEXT: usize = 128 * 1024;

/// The longest token that is read; the credential has a lower limit of its own.
const MAX_TOKEN: usize = 1024 * 1024;

/// The longest data: the base64 of the largest certificate or key file.
const MAX_DATA: usize = 6 * 1024 * 1024;

fn within_budget(value: Node<'_>, origin: &Origin) -> Result<()> {
    if value.is_more_than(MAX_VALUES) {
        return Err(over_budget(
            format_args!("the field has more than {MAX_VALUES} values"),
            origin,
        ));
    }
    Ok(())
}

/// Checks that the name of a context is not longer than it may be.
pub(crate) fn current_context(value: Node<'_>, origin: impl Fn() -> Origin) -> Result<&str> {
    let name = text_of(value, &origin)?;
    not_longer(name, "current-context", MAX_TEXT, origin)?;
    Ok(name)
}

fn not_longer(text: &str, key: &str, most: usize, origin: impl Fn() -> Origin) -> Result<()> {
    if text.len() > most {
        let what = format_args!("\"{key}\" is longer than {most} bytes");
        return Err(over_budget(what, &origin()));
    }
    Ok(())
}

fn over_budget(what: fmt::Arguments<'_>, origin: &Origin) -> Error {
    Error::new(
        ErrorKind::MalformedDocument,
        format_args!("{what}, which is the limit"),
    )
    .with_origin(origin)
    .with_help("remove what the kubeconfig does not need")
}

/// Null, an empty text or an empty list. An empty mapping is a block that lacks its fields.
fn is_blank(value: Node<'_>) -> bool {
    value.is_blank() || value.kind() == Kind::Sequence && value.is_empty()
}

/// A name for display: cleaned and shortened.
pub(crate) fn shown(name: &str) -> Cow<'_, str> {
    match name.char_indices().nth(LONGEST_SHOWN) {
        None => clean_line(name),
        Some((end, _)) => Cow::Owned(format!("{}...", clean_line(name.get(..end).unwrap_or_default()))),
    }
}

/// How many characters of a name are shown.
const LONGEST_SHOWN: usize = 256;

/// An item of a list of texts. A null is an empty text, as in Go.
fn text_item(item: Node<'_>, origin: Origin) -> Result<Value> {
    let text = match item.kind() {
        Kind::Null => "",
        _ => text_of(item, || origin.clone())?,
    };
    if text.len() > MAX_TEXT {
        let what = format_args!("an item is longer than {MAX_TEXT} bytes");
        return Err(over_budget(what, &origin));
    }
    Ok(Value::new(text, origin))
}

/// The text that a value must be.
pub(crate) fn text_of(value: Node<'_>, origin: impl FnOnce() -> Origin) -> Result<&str> {
    value.as_str().ok_or_else(|| {
        let error = wrong_type(value, "a string", &origin());
        match value.kind() {
            Kind::Sequence | Kind::Mapping => error,
            _ => error.with_help("put the value in quotes"),
        }
    })
}

pub(crate) fn wrong_type(value: Node<'_>, expected: &str, origin: &Origin) -> Error {
    Error::wrong_type(expected, value.kind().type_name()).with_origin(origin)
}

/// Removes `.` and `..` from a path lexically, as client-go does.
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
