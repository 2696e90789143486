//! The named entries of a kubeconfig: contexts, clusters and users.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use kubex_core::options::{Value, ValueKind};
use kubex_core::text::nearest;
use kubex_core::{Error, ErrorKind, Origin, Result, Warning};

use crate::fields::{Fields, near_miss, shown, text_of, wrong_type};
use crate::layout::{Layout, Node};

/// One of the three lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    Contexts,
    Clusters,
    Users,
}

impl Section {
    /// The list's key at the top of the document.
    pub(crate) fn list(self) -> &'static str {
        match self {
            Self::Contexts => "contexts",
            Self::Clusters => "clusters",
            Self::Users => "users",
        }
    }

    /// The key of what an item says, beside its name.
    fn inner(self) -> &'static str {
        match self {
            Self::Contexts => "context",
            Self::Clusters => "cluster",
            Self::Users => "user",
        }
    }

    /// The fields of what an item says.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Contexts => &["cluster", "user", "namespace", "extensions"],
            Self::Clusters => &[
                "server",
                "tls-server-name",
                "insecure-skip-tls-verify",
                "certificate-authority",
                "certificate-authority-data",
                "proxy-url",
                "disable-compression",
                "extensions",
            ],
            Self::Users => &[
                "client-certificate",
                "client-certificate-data",
                "client-key",
                "client-key-data",
                "token",
                "tokenFile",
                "as",
                "as-uid",
                "as-groups",
                "as-user-extra",
                "username",
                "password",
                "auth-provider",
                "exec",
                "extensions",
            ],
        }
    }

    /// The error where one of them is not there.
    fn missing(self) -> ErrorKind {
        match self {
            Self::Contexts => ErrorKind::MissingContext,
            Self::Clusters => ErrorKind::MissingCluster,
            Self::Users => ErrorKind::MissingUser,
        }
    }
}

/// The document that an entry is in.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) origin: Origin,
    /// Where relative paths start; `None` where the document came as bytes, which are in no directory.
    pub(crate) directory: Option<Arc<Path>>,
    pub(crate) layout: Layout,
}

/// A named entry. What is in it is looked at when it is chosen.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    section: Section,
    content: Value,
    document: Arc<Document>,
    /// Which item of its list it is, and how many there are.
    index: usize,
    of: usize,
    /// Keys beside the name and the content that look like one of the two.
    near_misses: Vec<(String, &'static str)>,
}

impl Entry {
    /// Where the entry is.
    pub(crate) fn origin(&self) -> Origin {
        let origin =
            self.document
                .origin
                .clone()
                .key(&format!("{}[{}]", self.section.list(), shown(&self.name)));
        self.document.layout.locate(origin, self.node())
    }

    /// A text of the entry as it is written.
    pub(crate) fn text(&self, key: &str) -> Option<&str> {
        let value = self.content.get(key)?;
        value.as_str().filter(|text| !text.is_empty())
    }

    /// What is in the entry, each field with its place.
    pub(crate) fn fields(&self) -> Result<Fields> {
        let inner = self.section.inner();
        let node = self
            .node()
            .and_then(|node| self.document.layout.below(node, inner));
        let origin = self.origin().key(inner);
        let content = self.document.layout.place(self.content.clone(), origin, node);
        if !content.is_blank() && !matches!(content.kind(), ValueKind::Mapping(_)) {
            return Err(wrong_type(&content, "a mapping"));
        }
        Ok(Fields::new(content, self.document.directory.clone()))
    }

    /// What is written in the entry and looks like a field, but is none.
    pub(crate) fn warnings(&self, fields: &Fields) -> Vec<Warning> {
        let beside = self.near_misses.iter().map(|(key, near)| {
            let origin = self.origin().key(key);
            let node = self.node().and_then(|node| self.document.layout.below(node, key));
            near_miss(&self.document.layout.locate(origin, node), key, near)
        });
        beside.chain(fields.near_misses(self.section.fields())).collect()
    }

    fn node(&self) -> Option<Node> {
        self.document
            .layout
            .item(self.section.list(), self.index, self.of)
    }
}

/// A list of entries of all documents, found by name.
#[derive(Debug)]
pub(crate) struct Entries {
    section: Section,
    list: Vec<Entry>,
    index: HashMap<String, usize>,
}

impl Entries {
    pub(crate) fn new(section: Section) -> Self {
        Self {
            section,
            list: Vec::new(),
            index: HashMap::new(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.list.iter()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.list.get(*self.index.get(name)?)
    }

    /// Adds entries after those that are there, which win. Gives back what they hide: the entry that counts, and
    /// the one that does not.
    pub(crate) fn add(&mut self, more: Vec<Entry>) -> Vec<(Origin, Origin)> {
        let mut shadowed = Vec::new();
        for entry in more {
            if let Some(taken) = self.get(&entry.name) {
                shadowed.push((taken.origin(), entry.origin()));
            } else {
                self.index.insert(entry.name.clone(), self.list.len());
                self.list.push(entry);
            }
        }
        shadowed
    }

    /// Finds an entry by its exact name; where it is missing, the error proposes the nearest.
    pub(crate) fn find(&self, name: &str, origin: &Origin) -> Result<&Entry> {
        if let Some(entry) = self.get(name) {
            return Ok(entry);
        }
        let what = self.section.inner();
        let error = Error::new(
            self.section.missing(),
            format_args!("there is no {what} \"{}\"", shown(name)),
        )
        .at(origin);
        let mut names: Vec<&str> = self.list.iter().map(|entry| entry.name.as_str()).collect();
        if names.is_empty() {
            return Err(error.advise(format_args!("the kubeconfig declares no {what}")));
        }
        let declared = names.len();
        // Comparing takes time by the product of the lengths.
        names.retain(|known| known.len() <= LONGEST_COMPARED && name.len() <= LONGEST_COMPARED);
        Err(match nearest(name, &names) {
            Some(near) => error.advise(format_args!("did you mean \"{}\"?", shown(near))),
            None if declared <= MOST_LISTED => {
                let listed: Vec<_> = names.iter().map(|name| format!("\"{}\"", shown(name))).collect();
                error.advise(format_args!(
                    "name one of those that are there: {}",
                    listed.join(", ")
                ))
            }
            None => error.advise(format_args!("name one of the {declared} that are there")),
        })
    }
}

/// How many names are listed in place of one that is near.
const MOST_LISTED: usize = 8;

/// The longest name that is compared with others for its likeness.
const LONGEST_COMPARED: usize = 256;

/// The entries of one document's list, each under its name.
pub(crate) fn entries(value: Value, section: Section, document: &Arc<Document>) -> Result<Vec<Entry>> {
    let layout = &document.layout;
    let origin = document.origin.clone().key(section.list());
    if value.is_blank() {
        return Ok(Vec::new());
    }
    if !matches!(value.kind(), ValueKind::Sequence(_)) {
        let node = layout.section(section.list());
        return Err(wrong_type(&layout.place(value, origin, node), "a list"));
    }
    let ValueKind::Sequence(items) = value.into_kind() else {
        return Ok(Vec::new());
    };
    let of = items.len();
    let node = |index: usize| layout.item(section.list(), index, of);
    let place = |index: usize| layout.locate(origin.clone().key(&format!("[{index}]")), node(index));
    let mut entries: Vec<Entry> = Vec::with_capacity(of);
    let mut indexes = HashMap::with_capacity(of);
    for (index, item) in items.into_iter().enumerate() {
        if item.is_blank() {
            continue;
        }
        if !matches!(item.kind(), ValueKind::Mapping(_)) {
            let item = layout.place(item, origin.clone().key(&format!("[{index}]")), node(index));
            return Err(wrong_type(&item, "a mapping with a name"));
        }
        let mut entry = Entry {
            name: String::new(),
            section,
            content: Value::default(),
            document: Arc::clone(document),
            index,
            of,
            near_misses: Vec::new(),
        };
        let ValueKind::Mapping(fields) = item.into_kind() else {
            continue;
        };
        for (key, value) in fields {
            match key.as_str() {
                "name" if !value.is_blank() => {
                    let node = node(index).and_then(|node| layout.below(node, "name"));
                    let value = layout.place(value, place(index).key("name"), node);
                    text_of(&value)?.clone_into(&mut entry.name);
                }
                "name" => {}
                _ if key == section.inner() => entry.content = value,
                _ => {
                    let near = Fields::near(&key, &["name", section.inner()]);
                    entry.near_misses.extend(near.map(|near| (key, near)));
                }
            }
        }
        if let Some(first) = indexes.insert(entry.name.clone(), index) {
            return Err(twice(
                &entry.name,
                section,
                [(first, place(first)), (index, place(index))],
            ));
        }
        entries.push(entry);
    }
    Ok(entries)
}

fn twice(name: &str, section: Section, [first, second]: [(usize, Origin); 2]) -> Error {
    let lines = match (first.1.line_and_column(), second.1.line_and_column()) {
        (Some((one, _)), Some((other, _))) => format!(", on the lines {one} and {other},"),
        _ => String::new(),
    };
    Error::new(
        ErrorKind::DuplicateName,
        format_args!(
            "the entries {} and {} of {}{lines} have the same name \"{}\"",
            first.0 + 1,
            second.0 + 1,
            section.list(),
            shown(name)
        ),
    )
    .at(&second.1)
    .advise("rename or remove one of them")
}
