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
pub(crate) struct Mapping<'d> {
    /// `None` if it is missing.
    node: Option<Node<'d>>,
    /// Empty if the mapping is blank or missing.
    fields: Vec<Field<'d>>,
    origin: Origin,
    /// `None` if the document came as bytes or from a pipe, which are in no directory.
    directory: Option<&'d Path>,
}

/// A field as it is written, blank or not.
struct Field<'d> {
    name: Cow<'d, str>,
    key: Key<'d>,
    value: Node<'d>,
    kind: Kind<'d>,
}

impl fmt::Debug for Mapping<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Mapping");
        shown.field("origin", &self.origin).finish_non_exhaustive()
    }
}

impl Field<'_> {
    fn is_blank(&self) -> bool {
        is_blank(self.kind, self.value)
    }
}

impl<'d> Mapping<'d> {
    /// This node as a mapping; empty if the node is blank or missing.
    pub(crate) fn new(node: Option<Node<'d>>, origin: Origin, directory: Option<&'d Path>) -> Result<Self> {
        let mut fields = Vec::new();
        match node {
            Some(node) if node.kind() == Kind::Mapping => {
                // Fields are looked up linearly.
                if node.most_entries() > MAX_FIELDS {
                    return Err(over_budget(
                        format_args!("the mapping has more than {MAX_FIELDS} keys"),
                        &origin,
                    ));
                }
                fields.reserve_exact(node.len());
                fields.extend(node.entries().map(|(key, value)| Field {
                    name: key.name(),
                    key,
                    value,
                    kind: value.kind(),
                }));
            }
            Some(node) if !node.is_blank() => return Err(wrong_type(node, "a mapping", &origin)),
            _ => {}
        }
        Ok(Self {
            node,
            fields,
            origin: origin.shared(),
            directory,
        })
    }

    /// Where the mapping is.
    pub(crate) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The location of a field, or of its mapping if it is missing.
    pub(crate) fn origin_of(&self, key: &str) -> Origin {
        match self.field(key) {
            Some(field) => self.origin_at(field),
            None => self.origin.clone().key(key),
        }
    }

    fn origin_at(&self, field: &Field<'_>) -> Origin {
        Places::Values.locate(self.origin.clone().key(&field.name), field.key, field.value)
    }

    /// A field that is set and not blank.
    fn field(&self, key: &str) -> Option<&Field<'d>> {
        let field = self.written(key);
        field.filter(|field| !field.is_blank())
    }

    /// A field that is set, blank or not.
    fn written(&self, key: &str) -> Option<&Field<'d>> {
        self.fields.iter().find(|field| field.name == key)
    }

    /// The fields that are not blank, and their values.
    pub(crate) fn values(&self) -> Result<impl Iterator<Item = (&str, Value)>> {
        self.check_budget()?;
        let fields = self.fields.iter().filter(|field| !field.is_blank());
        Ok(fields.map(|field| {
            let value = field
                .value
                .to_value(self.origin_at(field), Conversion::KUBECONFIG);
            (&*field.name, value)
        }))
    }

    /// The fields, each a list of texts. A blank one is an empty list.
    pub(crate) fn text_lists(&self) -> Result<Vec<(String, Value)>> {
        self.check_budget()?;
        let lists = self.fields.iter().map(|field| {
            let origin = self.origin_at(field).shared();
            if !field.is_blank() && field.kind != Kind::Sequence {
                return Err(wrong_type(field.value, "a list", &origin));
            }
            let items = field.value.items().enumerate();
            let items = items.map(|(index, item)| text_item(item, item.locate(origin.clone().item(index))));
            let items = items.collect::<Result<Vec<_>>>()?;
            Ok((
                field.name.clone().into_owned(),
                Value::new(ValueKind::Sequence(items), origin),
            ))
        });
        lists.collect()
    }

    fn check_budget(&self) -> Result<()> {
        match self.node {
            Some(node) if node.is_more_than(MAX_VALUES) => Err(too_many_values(&self.origin)),
            _ => Ok(()),
        }
    }

    /// The whole value of a field that is set and not blank. It belongs to a plugin and contains no field of a
    /// kubeconfig.
    pub(crate) fn extension(&self, key: &str) -> Result<Option<Value>> {
        let Some(field) = self.field(key) else {
            return Ok(None);
        };
        let origin = self.origin_at(field);
        if field.value.is_more_than(MAX_VALUES) {
            return Err(too_many_values(&origin));
        }
        Ok(Some(field.value.to_value(origin, Conversion::EXTENSION)))
    }

    /// Warnings about keys that resemble one of the known fields.
    pub(crate) fn near_misses(&self, known: &[&'static str]) -> Vec<Warning> {
        near_misses(self.entries(), known, || self.origin.clone())
    }

    /// The key that is probably a misspelling of this missing field.
    fn misspelt(&self, field: &'static str) -> Option<&str> {
        let mut keys = self.fields.iter().map(|field| &*field.name).take(MAX_COMPARED);
        keys.find(|key| near(key, &[field]).is_some())
    }

    /// The error for a missing field, with the value to set.
    pub(crate) fn missing(&self, kind: ErrorKind, message: &str, field: &'static str, help: &str) -> Error {
        let error = Error::new(kind, message).with_origin(&self.origin_of(field));
        match self.misspelt(field) {
            Some(key) => error.with_help(format_args!("rename \"{}\" to \"{field}\"", shown(key))),
            None => error.with_help(help),
        }
    }

    /// Whether a field is set and not blank.
    pub(crate) fn has(&self, key: &str) -> bool {
        self.field(key).is_some()
    }

    /// Whether a field is set, blank or not.
    pub(crate) fn is_written(&self, key: &str) -> bool {
        self.written(key).is_some()
    }

    /// Whether a field is set and not null.
    pub(crate) fn is_set(&self, key: &str) -> bool {
        self.written(key).is_some_and(|field| field.kind != Kind::Null)
    }

    /// Whether one of these fields is set and not blank.
    pub(crate) fn has_any(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| self.has(key))
    }

    /// A text that is not longer than it may be.
    pub(crate) fn text(&self, key: &str) -> Result<Option<&'d str>> {
        self.field(key).map(|field| self.text_in(field)).transpose()
    }

    fn text_in(&self, field: &Field<'d>) -> Result<&'d str> {
        let Kind::Text(text) = field.kind else {
            return Err(not_text(field.value, &self.origin_at(field)));
        };
        let most = match &*field.name {
            "token" => MAX_TOKEN,
            key if key.ends_with("-data") => MAX_DATA,
            _ => MAX_TEXT,
        };
        not_longer(text, &field.name, most, || self.origin_at(field))?;
        Ok(text)
    }

    /// A boolean; `false` if the field is missing.
    pub(crate) fn flag(&self, key: &str) -> Result<bool> {
        let Some(field) = self.field(key) else {
            return Ok(false);
        };
        match field.kind {
            Kind::Boolean(flag) => Some(flag),
            _ => field.value.as_yaml_1_1_boolean(),
        }
        .ok_or_else(|| wrong_type(field.value, "true or false", &self.origin_at(field)))
    }

    /// A list of texts, with the place of each; `None` if the field is missing. A null in it is an empty text, as in Go.
    pub(crate) fn texts(&self, key: &str) -> Result<Option<Value>> {
        let Some(field) = self.field(key) else {
            return Ok(None);
        };
        let origin = self.origin_at(field).shared();
        let items = items(field, &origin)?;
        let items = items.map(|(index, item)| text_item(item, item.locate(origin.clone().item(index))));
        let items = items.collect::<Result<Vec<_>>>()?;
        Ok(Some(Value::new(ValueKind::Sequence(items), origin)))
    }

    /// A mapping within this one.
    pub(crate) fn mapping(&self, key: &str) -> Result<Option<Self>> {
        let Some(field) = self.field(key) else {
            return Ok(None);
        };
        Self::new(Some(field.value), self.origin_at(field), self.directory).map(Some)
    }

    /// A list of mappings within this one; empty if the field is missing. A null in it is an empty mapping.
    pub(crate) fn mappings(&self, key: &str) -> Result<Vec<Self>> {
        let Some(field) = self.field(key) else {
            return Ok(Vec::new());
        };
        let origin = self.origin_at(field).shared();
        let items = items(field, &origin)?;
        items
            .map(|(index, item)| {
                let origin = item.locate(origin.clone().item(index));
                Self::new(Some(item), origin, self.directory)
            })
            .collect()
    }

    /// The fields as they are written, blank ones included.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (Cow<'d, str>, Key<'d>, Node<'d>)> {
        let fields = self.fields.iter();
        fields.map(|field| (field.name.clone(), field.key, field.value))
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
        for (name, option) in fields {
            if let Some(field) = self.field(name) {
                options.insert(option, Value::new(self.text_in(field)?, self.origin_at(field)));
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

fn too_many_values(origin: &Origin) -> Error {
    over_budget(
        format_args!("the field has more than {MAX_VALUES} values"),
        origin,
    )
}

/// The items of a field, which must be a list.
fn items<'d>(
    field: &Field<'d>,
    origin: &Origin,
) -> Result<impl Iterator<Item = (usize, Node<'d>)> + use<'d>> {
    if field.kind != Kind::Sequence {
        return Err(wrong_type(field.value, "a list", origin));
    }
    if field.value.len() > MAX_VALUES {
        let what = format_args!("\"{}\" has more than {MAX_VALUES} items", field.name);
        return Err(over_budget(what, origin));
    }
    Ok(field.value.items().enumerate())
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
fn is_blank(kind: Kind<'_>, value: Node<'_>) -> bool {
    match kind {
        Kind::Null | Kind::Text("") => true,
        Kind::Sequence => value.is_empty(),
        _ => false,
    }
}

/// A name for display: cleaned and shortened.
pub(crate) fn shown(name: &str) -> Cow<'_, str> {
    if name.len() <= LONGEST_SHOWN {
        return clean_line(name);
    }
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
        Kind::Text(text) => text,
        _ => return Err(not_text(item, &origin)),
    };
    if text.len() > MAX_TEXT {
        let what = format_args!("an item is longer than {MAX_TEXT} bytes");
        return Err(over_budget(what, &origin));
    }
    Ok(Value::new(text, origin))
}

/// The text that a value must be.
pub(crate) fn text_of(value: Node<'_>, origin: impl FnOnce() -> Origin) -> Result<&str> {
    value.as_str().ok_or_else(|| not_text(value, &origin()))
}

fn not_text(value: Node<'_>, origin: &Origin) -> Error {
    let error = wrong_type(value, "a string", origin);
    match value.kind() {
        Kind::Sequence | Kind::Mapping => error,
        _ => error.with_help("put the value in quotes"),
    }
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
