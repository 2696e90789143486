//! Several files as one: the first file wins each named entry whole.

use std::path::Path;

use kubex_core::options::{Value, ValueKind};
use kubex_core::text::{clean_line, nearest};
use kubex_core::{Error, ErrorKind, Origin, Result, Warning};

use crate::document::Document;
use crate::fields::{Fields, text_of, wrong_type};

/// A named entry: a cluster, a user or a context.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) fields: Fields,
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

    /// Adds a document after those that are there, which win.
    pub(crate) fn add(
        &mut self,
        document: Document,
        origin: &Origin,
        directory: Option<&Path>,
    ) -> Result<()> {
        let root = Fields::new(document.root, directory.map(Path::to_owned));
        is_a_kubeconfig(&root)?;
        let mut added = Self {
            contexts: named_entries(&root, "contexts", "context", directory)?,
            clusters: named_entries(&root, "clusters", "cluster", directory)?,
            users: named_entries(&root, "users", "user", directory)?,
            current_context: root
                .text("current-context")?
                .map(|name| (name.to_owned(), root.origin_of("current-context"))),
            warnings: document.warnings,
            origins: vec![origin.clone()],
        };
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
        let error = Error::new(kind, format_args!("there is no {what} \"{}\"", clean_line(name))).at(origin);
        let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
        match nearest(name, &names) {
            Some(near) => error.advise(format_args!("did you mean \"{near}\"?")),
            None if names.is_empty() => error.advise(format_args!("the kubeconfig declares no {what}")),
            None => error.advise(format_args!("name one of the {} that are there", names.len())),
        }
    })
}

fn is_a_kubeconfig(root: &Fields) -> Result<()> {
    for (key, expected) in [("kind", "Config"), ("apiVersion", "v1")] {
        if root.text(key)?.is_some_and(|found| found != expected) {
            return Err(Error::new(
                ErrorKind::MalformedDocument,
                format_args!("this is no kubeconfig: its {key} is not {expected}"),
            )
            .at(&root.origin_of(key)));
        }
    }
    Ok(())
}

/// The entries of a list such as `users`, each under its name.
fn named_entries(root: &Fields, list: &str, inner: &str, directory: Option<&Path>) -> Result<Vec<Entry>> {
    let items = match root.get(list).map(|value| (value, value.kind())) {
        None => return Ok(Vec::new()),
        Some((_, ValueKind::Sequence(items))) => items,
        Some((value, _)) => return Err(wrong_type(value, "a list")),
    };
    let mut entries: Vec<Entry> = Vec::with_capacity(items.len());
    let mut positions = std::collections::HashMap::with_capacity(items.len());
    for (position, item) in items.iter().enumerate() {
        if !matches!(item.kind(), ValueKind::Mapping(_)) {
            return Err(wrong_type(item, "a mapping with a name"));
        }
        let name = item
            .get("name")
            .map(text_of)
            .transpose()?
            .unwrap_or_default()
            .to_owned();
        if let Some(first) = positions.insert(name.clone(), position + 1) {
            return Err(Error::new(
                ErrorKind::DuplicateName,
                format_args!(
                    "the entries {first} and {} of {list} have the same name \"{name}\"",
                    position + 1
                ),
            )
            .at(item.origin())
            .advise("rename or remove one of them"));
        }
        let origin = root.origin().clone().key(&format!("{list}[{name}]")).key(inner);
        let value = item.get(inner).cloned().unwrap_or_default();
        let is_mapping = matches!(value.kind(), ValueKind::Mapping(_)) || value.is_blank();
        let value = value.located(origin);
        if !is_mapping {
            return Err(wrong_type(&value, "a mapping"));
        }
        entries.push(Entry {
            name,
            fields: Fields::new(value, directory.map(Path::to_owned)),
        });
    }
    Ok(entries)
}

fn take_new(entries: &mut Vec<Entry>, more: Vec<Entry>) {
    let known: std::collections::HashSet<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    entries.extend(more.into_iter().filter(|entry| !known.contains(&entry.name)));
}

/// The value of a field that must be a name, or nothing.
pub(crate) fn reference<'a>(fields: &'a Fields, key: &str) -> Result<Option<(&'a str, Origin)>> {
    Ok(fields.text(key)?.map(|name| (name, fields.origin_of(key))))
}

/// Takes the value out of an entry, for what is kept as it is.
pub(crate) fn extensions(fields: &Fields) -> Result<Vec<(String, Value)>> {
    let Some(value) = fields.get("extensions") else {
        return Ok(Vec::new());
    };
    let ValueKind::Sequence(items) = value.kind() else {
        return Err(wrong_type(value, "a list"));
    };
    Ok(items
        .iter()
        .filter_map(|item| {
            Some((
                item.get("name")?.as_str()?.to_owned(),
                item.get("extension").cloned()?,
            ))
        })
        .collect())
}
