//! Several files as one: the first file wins each named entry whole.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use kubex_core::options::{Value, ValueKind};
use kubex_core::text::nearest;
use kubex_core::{Error, ErrorKind, Origin, Result, Warning};

use crate::document::Document;
use crate::fields::{Fields, shown, text_of, wrong_type};

/// A named entry: a cluster, a user or a context. What is in it is looked at when it is chosen.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    content: Value,
    origin: Origin,
    directory: Option<Arc<Path>>,
}

impl Entry {
    /// What is in the entry, each field with its place.
    pub(crate) fn fields(&self) -> Result<Fields> {
        let content = self.content.clone().located(self.origin.clone());
        if !content.is_blank() && !matches!(content.kind(), ValueKind::Mapping(_)) {
            return Err(wrong_type(&content, "a mapping"));
        }
        Ok(Fields::new(content, self.directory.clone()))
    }
}

/// The kubeconfig of all files together.
#[derive(Debug, Default)]
pub(crate) struct Kubeconfig {
    pub(crate) current_context: Option<(String, Origin)>,
    pub(crate) contexts: Vec<Entry>,
    pub(crate) clusters: Vec<Entry>,
    pub(crate) users: Vec<Entry>,
    pub(crate) warnings: Vec<Warning>,
    /// The documents it was made of.
    pub(crate) origins: Vec<Origin>,
}

impl Kubeconfig {
    /// Whether it declares no cluster, no user and no context, and chooses none.
    pub(crate) fn says_nothing(&self) -> bool {
        self.contexts.is_empty()
            && self.clusters.is_empty()
            && self.users.is_empty()
            && self.current_context.is_none()
    }

    /// Adds a document after those that are there, which win. Relative paths in it start from the directory.
    ///
    /// Nothing is added where the document is no kubeconfig.
    pub(crate) fn add(
        &mut self,
        document: Document,
        origin: &Origin,
        directory: Option<&Arc<Path>>,
    ) -> Result<()> {
        let mut added = Self {
            warnings: document.warnings,
            origins: vec![origin.clone()],
            ..Self::default()
        };
        let ValueKind::Mapping(fields) = document.root.into_kind() else {
            self.warnings.append(&mut added.warnings);
            self.origins.append(&mut added.origins);
            return Ok(());
        };
        let placed = |key: &str, value: Value| value.located(origin.clone().key(key));
        // What is no kubeconfig is told so, and not what its fields would mean in one.
        for (key, value) in &fields {
            match key.as_str() {
                "kind" => must_be(&placed(key, value.clone()), "Config")?,
                "apiVersion" => must_be(&placed(key, value.clone()), "v1")?,
                _ => {}
            }
        }
        for (key, value) in fields {
            let entries = |value, inner| named_entries(value, &key, inner, origin, directory);
            match key.as_str() {
                "contexts" => added.contexts = entries(value, "context")?,
                "clusters" => added.clusters = entries(value, "cluster")?,
                "users" => added.users = entries(value, "user")?,
                "current-context" => added.current_context = name_in(&placed(&key, value))?,
                _ => {}
            }
        }
        take_new(&mut self.contexts, added.contexts);
        take_new(&mut self.clusters, added.clusters);
        take_new(&mut self.users, added.users);
        self.current_context = self.current_context.take().or(added.current_context);
        self.warnings.append(&mut added.warnings);
        self.origins.append(&mut added.origins);
        Ok(())
    }
}

/// Finds an entry by its exact name; where it is missing, an error of this kind proposes the nearest.
pub(crate) fn find<'a>(
    entries: &'a [Entry],
    name: &str,
    kind: ErrorKind,
    what: &str,
    origin: &Origin,
) -> Result<&'a Entry> {
    entries.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let error = Error::new(kind, format_args!("there is no {what} \"{}\"", shown(name))).at(origin);
        let mut names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        if names.is_empty() {
            return error.advise(format_args!("the kubeconfig declares no {what}"));
        }
        let declared = names.len();
        // Comparing takes time by the product of the lengths.
        names.retain(|known| known.len() <= LONGEST_COMPARED && name.len() <= LONGEST_COMPARED);
        match nearest(name, &names) {
            Some(near) => error.advise(format_args!("did you mean \"{}\"?", shown(near))),
            None if declared <= MOST_LISTED => {
                let listed: Vec<_> = names.iter().map(|name| format!("\"{}\"", shown(name))).collect();
                error.advise(format_args!(
                    "name one of those that are there: {}",
                    listed.join(", ")
                ))
            }
            None => error.advise(format_args!("name one of the {declared} that are there")),
        }
    })
}

/// How many names are listed in place of one that is near.
const MOST_LISTED: usize = 8;

/// The longest name that is compared with others for its likeness.
const LONGEST_COMPARED: usize = 256;

fn name_in(value: &Value) -> Result<Option<(String, Origin)>> {
    if value.is_blank() {
        return Ok(None);
    }
    Ok(Some((text_of(value)?.to_owned(), value.origin().clone())))
}

fn must_be(value: &Value, expected: &str) -> Result<()> {
    if value.is_blank() || value.as_str() == Some(expected) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::MalformedDocument,
        format_args!(
            "this is no kubeconfig: its {} is not {expected}",
            value.origin().keys()
        ),
    )
    .at(value.origin()))
}

/// The entries of a list such as `users`, each under its name.
fn named_entries(
    value: Value,
    list: &str,
    inner: &str,
    origin: &Origin,
    directory: Option<&Arc<Path>>,
) -> Result<Vec<Entry>> {
    let place = |index: usize| origin.clone().key(list).key(&format!("[{index}]"));
    if value.is_blank() {
        return Ok(Vec::new());
    }
    if !matches!(value.kind(), ValueKind::Sequence(_)) {
        return Err(wrong_type(&value.located(origin.clone().key(list)), "a list"));
    }
    let ValueKind::Sequence(items) = value.into_kind() else {
        return Ok(Vec::new());
    };
    let mut entries: Vec<Entry> = Vec::with_capacity(items.len());
    let mut indexes = HashMap::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        if item.is_blank() {
            continue;
        }
        let (name, content) = name_and_content(item, inner, place(index))?;
        if let Some(first) = indexes.insert(name.clone(), index) {
            return Err(Error::new(
                ErrorKind::DuplicateName,
                format_args!(
                    "the entries {} and {} of {list} have the same name \"{}\"",
                    first + 1,
                    index + 1,
                    shown(&name)
                ),
            )
            .at(&place(index))
            .advise("rename or remove one of them"));
        }
        let origin = origin
            .clone()
            .key(&format!("{list}[{}]", shown(&name)))
            .key(inner);
        entries.push(Entry {
            name,
            content,
            origin,
            directory: directory.cloned(),
        });
    }
    Ok(entries)
}

/// What an item of such a list says: its name, and what stands under `cluster`, `user` or `context`.
fn name_and_content(item: Value, inner: &str, place: Origin) -> Result<(String, Value)> {
    if !matches!(item.kind(), ValueKind::Mapping(_)) {
        return Err(wrong_type(&item.located(place), "a mapping with a name"));
    }
    let mut name = String::new();
    let mut content = Value::default();
    if let ValueKind::Mapping(fields) = item.into_kind() {
        for (key, value) in fields {
            match key.as_str() {
                "name" if !value.is_blank() => {
                    text_of(&value.located(place.clone().key("name")))?.clone_into(&mut name);
                }
                _ if key == inner => content = value,
                _ => {}
            }
        }
    }
    Ok((name, content))
}

fn take_new(entries: &mut Vec<Entry>, more: Vec<Entry>) {
    let known: HashSet<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    entries.extend(more.into_iter().filter(|entry| !known.contains(&entry.name)));
}
