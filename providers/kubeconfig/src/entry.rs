//! The named entries of a kubeconfig: contexts, clusters and users.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use kubex_core::options::{Value, ValueKind};
use kubex_core::text::nearest;
use kubex_core::{Error, ErrorKind, Origin, Result, Warning};

use crate::document::value;
use crate::fields::{Fields, near_miss, shown, text_of, wrong_type};
use crate::layout::{Layout, Node};
use crate::selective::{self, Item, Spot};

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
    pub(crate) name: Arc<str>,
    section: Section,
    content: Content,
    document: Arc<Document>,
    /// Keys beside the name and the content that look like one of the two.
    near_misses: Vec<(String, &'static str)>,
}

/// What an entry says, and where it is.
#[derive(Debug)]
enum Content {
    /// Decoded with the document: which item of its list it is, and how many there are.
    Tree { value: Value, index: usize, of: usize },
    /// Not decoded yet: where the item begins, and where the text of its content is.
    Text { item: Spot, content: Option<Spot> },
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

    /// What the entry says of this, as it is written.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let text = |value: &Value| value.get(key).and_then(Value::as_str).map(str::to_owned);
        match &self.content {
            Content::Tree { value, .. } => text(value),
            Content::Text { content, .. } => text(&self.decoded(*content)?),
        }
        .filter(|text| !text.is_empty())
    }

    /// What is in the entry, each field with its place.
    pub(crate) fn fields(&self) -> Result<Fields> {
        let layout = &self.document.layout;
        let inner = self.section.inner();
        let (content, node) = match &self.content {
            Content::Tree { value, .. } => {
                let node = self.node().and_then(|node| layout.below(node, inner));
                (value.clone(), node)
            }
            Content::Text { content, .. } => {
                let value = self.decoded(*content).unwrap_or_default();
                (value, content.map(|spot| layout.value(spot)))
            }
        };
        let content = layout.place(content, self.origin().key(inner), node);
        if !content.is_blank() && !matches!(content.kind(), ValueKind::Mapping(_)) {
            return Err(wrong_type(&content, "a mapping"));
        }
        Ok(Fields::new(content, self.document.directory.clone()))
    }

    fn decoded(&self, content: Option<Spot>) -> Option<Value> {
        value(content?.of(self.document.layout.text()))
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
        match &self.content {
            Content::Tree { index, of, .. } => self.document.layout.item(self.section.list(), *index, *of),
            Content::Text { item, .. } => self.document.layout.beginning(*item),
        }
    }
}

/// A list of entries of all documents, found by name.
#[derive(Debug)]
pub(crate) struct Entries {
    section: Section,
    list: Vec<Entry>,
    index: HashMap<Arc<str>, usize>,
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
                self.index.insert(Arc::clone(&entry.name), self.list.len());
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
        let mut names: Vec<&str> = self.list.iter().map(|entry| &*entry.name).collect();
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
    let mut entries = Named::new(section, document, of);
    for (index, item) in items.into_iter().enumerate() {
        if item.is_blank() {
            continue;
        }
        if !matches!(item.kind(), ValueKind::Mapping(_)) {
            let item = layout.place(item, origin.clone().key(&format!("[{index}]")), node(index));
            return Err(wrong_type(&item, "a mapping with a name"));
        }
        let ValueKind::Mapping(fields) = item.into_kind() else {
            continue;
        };
        let mut name = Arc::from("");
        let mut content = Value::default();
        let mut near_misses = Vec::new();
        for (key, value) in fields {
            match key.as_str() {
                "name" => {
                    let node = node(index).and_then(|node| layout.below(node, "name"));
                    name = name_of(&layout.place(value, place(index).key("name"), node))?;
                }
                _ if key == section.inner() => content = value,
                _ => {
                    near_misses
                        .extend(Fields::near(&key, &["name", section.inner()]).map(|near| (key, near)));
                }
            }
        }
        let content = Content::Tree {
            value: content,
            index,
            of,
        };
        entries.add(index, name, content, near_misses, &place)?;
    }
    Ok(entries.list)
}

/// The entries of a list that was passed over, each under its name.
pub(crate) fn entries_of_items(
    items: Vec<Item>,
    section: Section,
    document: &Arc<Document>,
) -> Result<Vec<Entry>> {
    let layout = &document.layout;
    let origin = document.origin.clone().key(section.list());
    let spots: Vec<Spot> = items.iter().map(|item| item.spot).collect();
    let place = |index: usize| {
        let node = spots.get(index).and_then(|spot| layout.beginning(*spot));
        layout.locate(origin.clone().key(&format!("[{index}]")), node)
    };
    let mut entries = Named::new(section, document, items.len());
    for (index, item) in items.into_iter().enumerate() {
        if !item.is_mapping {
            continue;
        }
        let name = match item.name {
            None => Arc::from(""),
            Some(spot) => {
                let text = spot.of(layout.text());
                // What may follow on the next lines is blank, or a comment.
                if let Some(name) = text.lines().next().and_then(selective::text) {
                    Arc::from(name)
                } else {
                    let value = value(text).unwrap_or_default();
                    name_of(&layout.place(value, place(index).key("name"), Some(layout.value(spot))))?
                }
            }
        };
        let near_misses = item.others.iter().filter_map(|spot| {
            let key = spot.of(layout.text());
            let near = Fields::near(key, &["name", section.inner()])?;
            Some((key.to_owned(), near))
        });
        let content = Content::Text {
            item: item.spot,
            content: item.content,
        };
        entries.add(index, name, content, near_misses.collect(), &place)?;
    }
    Ok(entries.list)
}

/// The name that an entry has; one without has an empty one, as kubectl reads it.
fn name_of(value: &Value) -> Result<Arc<str>> {
    if value.is_blank() {
        return Ok(Arc::from(""));
    }
    text_of(value).map(Arc::from)
}

/// The entries of one list, of which no two have one name.
struct Named<'d> {
    section: Section,
    document: &'d Arc<Document>,
    list: Vec<Entry>,
    indexes: HashMap<Arc<str>, usize>,
}

impl<'d> Named<'d> {
    fn new(section: Section, document: &'d Arc<Document>, of: usize) -> Self {
        Self {
            section,
            document,
            list: Vec::with_capacity(of),
            indexes: HashMap::with_capacity(of),
        }
    }

    fn add(
        &mut self,
        index: usize,
        name: Arc<str>,
        content: Content,
        near_misses: Vec<(String, &'static str)>,
        place: &dyn Fn(usize) -> Origin,
    ) -> Result<()> {
        if let Some(first) = self.indexes.insert(Arc::clone(&name), index) {
            return Err(twice(
                &name,
                self.section,
                [(first, place(first)), (index, place(index))],
            ));
        }
        self.list.push(Entry {
            name,
            section: self.section,
            content,
            document: Arc::clone(self.document),
            near_misses,
        });
        Ok(())
    }
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
