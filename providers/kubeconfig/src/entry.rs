//! The named entries of a kubeconfig: contexts, clusters and users.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use kubex_core::options::{Value, ValueKind};
use kubex_core::text::nearest;
use kubex_core::{Error, ErrorKind, Origin, Result, Warning};

use crate::layout::{Layout, Node};
use crate::mapping::{Mapping, near_miss, shown, text_of, wrong_type};
use crate::names::{Name, Names};
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
///
/// A large kubeconfig has tens of thousands of them, so one is small and, as long as it is not chosen, owns nothing.
pub(crate) struct Entry {
    name: Name,
    section: Section,
    /// Which item of its list it is.
    index: u32,
    content: Content,
    document: Arc<Document>,
    /// Keys beside the name and the content that look like one of the two.
    near_misses: Vec<(String, &'static str)>,
}

/// What an entry says, and where it is.
enum Content {
    /// Decoded with the document; its list has so many items.
    Tree { value: Box<Value>, of: u32 },
    /// Not decoded yet: where the item begins, and where the text of its content is.
    Text { item: Spot, content: Option<Spot> },
}

impl Entry {
    pub(crate) fn name(&self) -> &str {
        self.name.of(self.document.layout.text())
    }

    /// Where the entry is.
    pub(crate) fn origin(&self) -> Origin {
        let origin =
            self.document
                .origin
                .clone()
                .key(&format!("{}[{}]", self.section.list(), shown(self.name())));
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
    pub(crate) fn fields(&self) -> Result<Mapping> {
        let layout = &self.document.layout;
        let inner = self.section.inner();
        let (content, node) = match &self.content {
            Content::Tree { value, .. } => {
                let node = self.node().and_then(|node| layout.below(node, inner));
                (Value::clone(value), node)
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
        Ok(Mapping::new(content, self.document.directory.clone()))
    }

    fn decoded(&self, content: Option<Spot>) -> Option<Value> {
        Some(selective::value(content?, self.document.layout.text()))
    }

    /// What is written in the entry and looks like a field, but is none.
    pub(crate) fn warnings(&self, fields: &Mapping) -> Vec<Warning> {
        let beside = self.near_misses.iter().map(|(key, near)| {
            let origin = self.origin().key(key);
            let node = self.node().and_then(|node| self.document.layout.below(node, key));
            near_miss(&self.document.layout.locate(origin, node), key, near)
        });
        beside.chain(fields.near_misses(self.section.fields())).collect()
    }

    fn node(&self) -> Option<Node> {
        match &self.content {
            Content::Tree { of, .. } => {
                let layout = &self.document.layout;
                layout.item(self.section.list(), self.index as usize, *of as usize)
            }
            Content::Text { item, .. } => self.document.layout.beginning(*item),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("name", &shown(self.name()))
            .field("section", &self.section)
            .finish_non_exhaustive()
    }
}

/// A list of entries, found by name, of which no two have the same.
#[derive(Debug)]
pub(crate) struct Entries {
    section: Section,
    list: Vec<Entry>,
    names: Names,
}

impl Entries {
    pub(crate) fn new(section: Section) -> Self {
        Self::with_room_for(0, section)
    }

    fn with_room_for(count: usize, section: Section) -> Self {
        Self {
            section,
            list: Vec::with_capacity(count),
            names: Names::with_room_for(count),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.list.iter()
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Entry> {
        self.list.get(self.names.find(name, name_in(&self.list))?)
    }

    /// Adds those of a further document after those that are there, which win. Gives back what they hide: the entry
    /// that counts, and the one that does not.
    pub(crate) fn add(&mut self, more: Self) -> Vec<(Origin, Origin)> {
        if self.list.is_empty() {
            *self = more;
            return Vec::new();
        }
        let mut shadowed = Vec::new();
        for entry in more.list {
            if let Err(hidden) = self.push(entry)
                && let Some(taken) = self.get(hidden.name())
            {
                shadowed.push((taken.origin(), hidden.origin()));
            }
        }
        shadowed
    }

    /// Adds an entry; gives it back where its name is taken.
    fn push(&mut self, entry: Entry) -> Result<(), Entry> {
        let index = self.list.len();
        match self.names.add(entry.name(), index, name_in(&self.list)) {
            Ok(()) => {
                self.list.push(entry);
                Ok(())
            }
            Err(_) => Err(entry),
        }
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
        .with_origin(origin);
        let mut names: Vec<&str> = self.list.iter().map(Entry::name).collect();
        if names.is_empty() {
            return Err(error.with_help(format_args!("the kubeconfig declares no {what}")));
        }
        let declared = names.len();
        // Comparing takes time by the product of the lengths.
        names.retain(|known| known.len() <= LONGEST_COMPARED && name.len() <= LONGEST_COMPARED);
        Err(match nearest(name, &names) {
            Some(near) => error.with_help(format_args!("did you mean \"{}\"?", shown(near))),
            None if declared <= MOST_LISTED => {
                let listed: Vec<_> = names.iter().map(|name| format!("\"{}\"", shown(name))).collect();
                error.with_help(format_args!(
                    "name one of those that are there: {}",
                    listed.join(", ")
                ))
            }
            None => error.with_help(format_args!("name one of the {declared} that are there")),
        })
    }
}

/// How the names of a list's entries are known to its index.
fn name_in<'e>(list: &'e [Entry]) -> impl Fn(usize) -> &'e str {
    |index| list.get(index).map_or("", Entry::name)
}

/// How many names are listed in place of one that is near.
const MOST_LISTED: usize = 8;

/// The longest name that is compared with others for its likeness.
const LONGEST_COMPARED: usize = 256;

/// The entries of one document's list, each under its name.
pub(crate) fn entries(value: Value, section: Section, document: &Arc<Document>) -> Result<Entries> {
    let layout = &document.layout;
    let origin = document.origin.clone().key(section.list());
    if value.is_blank() {
        return Ok(Entries::new(section));
    }
    if !matches!(value.kind(), ValueKind::Sequence(_)) {
        let node = layout.section(section.list());
        return Err(wrong_type(&layout.place(value, origin, node), "a list"));
    }
    let ValueKind::Sequence(items) = value.into_kind() else {
        return Ok(Entries::new(section));
    };
    let of = items.len();
    let node = |index: usize| layout.item(section.list(), index, of);
    let place = |index: usize| layout.locate(origin.clone().key(&format!("[{index}]")), node(index));
    let mut entries = Entries::with_room_for(of, section);
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
        let mut name = Name::Own(Box::default());
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
                        .extend(Mapping::near(&key, &["name", section.inner()]).map(|near| (key, near)));
                }
            }
        }
        entries.push_of(
            Entry {
                name,
                section,
                index: u32::try_from(index).unwrap_or(u32::MAX),
                content: Content::Tree {
                    value: Box::new(content),
                    of: u32::try_from(of).unwrap_or(u32::MAX),
                },
                document: Arc::clone(document),
                near_misses,
            },
            &place,
        )?;
    }
    Ok(entries)
}

/// The entries of a list that was passed over, each under its name.
pub(crate) fn entries_of_items(
    items: &[Item],
    section: Section,
    document: &Arc<Document>,
) -> Result<Entries> {
    let layout = &document.layout;
    let origin = document.origin.clone().key(section.list());
    let place = |index: usize| {
        let node = items.get(index).and_then(|item| layout.beginning(item.spot));
        layout.locate(origin.clone().key(&format!("[{index}]")), node)
    };
    let mut entries = Entries::with_room_for(items.len(), section);
    for (index, item) in items.iter().enumerate() {
        if !item.is_mapping {
            continue;
        }
        let name = match item.name {
            None => Name::Own(Box::default()),
            Some(spot) => {
                if let Some(written) = selective::written(spot, layout.text()) {
                    Name::Written(written)
                } else {
                    let value = selective::value(spot, layout.text());
                    name_of(&layout.place(value, place(index).key("name"), Some(layout.value(spot))))?
                }
            }
        };
        let near_misses = item.others.iter().filter_map(|spot| {
            let key = spot.of(layout.text());
            let near = Mapping::near(key, &["name", section.inner()])?;
            Some((key.to_owned(), near))
        });
        entries.push_of(
            Entry {
                name,
                section,
                index: u32::try_from(index).unwrap_or(u32::MAX),
                content: Content::Text {
                    item: item.spot,
                    content: item.content,
                },
                document: Arc::clone(document),
                near_misses: near_misses.collect(),
            },
            &place,
        )?;
    }
    Ok(entries)
}

/// The name that an entry has; one without has an empty one, as kubectl reads it.
fn name_of(value: &Value) -> Result<Name> {
    if value.is_blank() {
        return Ok(Name::Own(Box::default()));
    }
    text_of(value).map(|name| Name::Own(name.into()))
}

impl Entries {
    /// Adds an entry of the same document, in which each name may be once.
    fn push_of(&mut self, entry: Entry, place: &dyn Fn(usize) -> Origin) -> Result<()> {
        let Err(second) = self.push(entry) else {
            return Ok(());
        };
        let first = self.get(second.name()).map_or(second.index, |first| first.index);
        let placed = |index: u32| (index as usize, place(index as usize));
        Err(twice(
            second.name(),
            self.section,
            [placed(first), placed(second.index)],
        ))
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
    .with_origin(&second.1)
    .with_help("rename or remove one of them")
}
