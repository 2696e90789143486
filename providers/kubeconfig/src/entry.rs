//! The named entries of a kubeconfig: contexts, clusters and users.

use std::fmt;
use std::sync::{Arc, OnceLock};

use kubex_core::text::nearest;
use kubex_core::{Error, ErrorKind, Origin, Result, Warning};
use kubex_document::{
    Budget, Document, Key, Kind, Node, NodeId, OutlinedItem, Places, ReadError, Slice, Span, Text,
};

use crate::file::File;
use crate::mapping::{Mapping, shown, text_of, wrong_type};
use crate::names::Names;
use crate::near_miss::near_misses;
use crate::section::Section;

/// A named entry. Its content is read when it is selected.
///
/// A large kubeconfig has tens of thousands of entries, so an entry is small, and owns nothing until it is selected.
pub(crate) struct Entry {
    section: Section,
    /// Its index in the list.
    index: u32,
    item: ItemSource,
    file: Arc<File>,
}

/// Where the item is.
enum ItemSource {
    /// This node of a document, and that of its name.
    Node {
        document: Arc<Document>,
        item: NodeId,
        name: Option<NodeId>,
    },
    /// This part of a text, and the document that it was read to.
    Slice {
        text: Arc<Text>,
        slice: Slice,
        name: Span,
        read: OnceLock<Box<Result<Document, ReadError>>>,
    },
}

impl Entry {
    /// Its name. An entry without a name has an empty one, as in kubectl.
    pub(crate) fn name(&self) -> &str {
        match &self.item {
            ItemSource::Node { document, name, .. } => {
                let name = name.and_then(|name| document.node(name).as_str());
                name.unwrap_or_default()
            }
            ItemSource::Slice { text, name, .. } => name.of(text.as_str()),
        }
    }

    /// Where the entry is.
    pub(crate) fn origin(&self) -> Origin {
        self.locate(&[self.section.list(), "[", &shown(self.name()), "]"].concat())
    }

    fn locate(&self, key: &str) -> Origin {
        let origin = self.file.origin.clone().key(key);
        match &self.item {
            ItemSource::Node { document, item, .. } => document.node(*item).locate(origin),
            ItemSource::Slice { slice, .. } => origin.position(slice.start.line, slice.start.column),
        }
    }

    /// The item, which is a mapping.
    fn node(&self) -> Result<Node<'_>> {
        match &self.item {
            ItemSource::Node { document, item, .. } => Ok(document.node(*item)),
            ItemSource::Slice {
                text, slice, read, ..
            } => match read
                .get_or_init(|| Box::new(slice.read(text.as_str(), &Budget::KUBECONFIG)))
                .as_ref()
            {
                Ok(document) => Ok(document.root()),
                Err(error) => Err(error.clone().into_error("the kubeconfig", &self.file.origin)),
            },
        }
    }

    /// A text field of the entry, as it is written.
    pub(crate) fn text(&self, key: &str) -> Option<String> {
        let content = self.node().ok()?.get(self.section.inner())?;
        let text = content.get(key).and_then(Node::as_str)?;
        (!text.is_empty()).then(|| text.to_owned())
    }

    /// The content of the entry.
    pub(crate) fn fields(&self) -> Result<Mapping<'_>> {
        let inner = self.section.inner();
        let origin = self.origin().key(inner);
        let entry = self.node()?.get_entry(inner);
        let origin = match entry {
            Some((key, value)) => Places::Values.locate(origin, key, value),
            None => origin,
        };
        Mapping::new(
            entry.map(|(_, value)| value),
            origin,
            self.file.directory.as_deref(),
        )
    }

    /// The warning that this entry is used, although it has no name.
    pub(crate) fn unnamed(&self) -> Warning {
        let what = self.section.inner();
        Warning::new(
            "unnamed-entry",
            format_args!("the {what} has no name; it is used because no {what} is selected"),
        )
        .with_origin(&self.origin())
    }

    /// Warnings about keys of the entry that resemble a field.
    pub(crate) fn warnings(&self, fields: &Mapping<'_>) -> Result<Vec<Warning>> {
        let entries = self
            .node()?
            .entries()
            .map(|(key, value)| (key.name(), key, value));
        let mut warnings = near_misses(entries, &["name", self.section.inner()], || self.origin());
        warnings.append(&mut fields.near_misses(self.section.fields()));
        Ok(warnings)
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

/// A list of entries with an index by name. The names are unique.
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

    pub(crate) fn section(&self) -> Section {
        self.section
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

    /// Adds the entries of another document. Existing entries take precedence. Records each shadowed entry together with the
    /// one that is used. Returns the number of shadowed entries that exceed the limit and are not recorded.
    pub(crate) fn add(&mut self, more: Self, shadowed: &mut Vec<(Origin, Origin)>, most: usize) -> usize {
        if self.list.is_empty() {
            *self = more;
            return 0;
        }
        let mut not_recorded = 0;
        for entry in more.list {
            let Err(hidden) = self.push(entry) else { continue };
            if shadowed.len() >= most {
                not_recorded += 1;
            } else if let Some(taken) = self.get(hidden.name()) {
                shadowed.push((taken.origin(), hidden.origin()));
            }
        }
        not_recorded
    }

    /// Adds an entry. Returns it if its name is taken.
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

    /// Finds an entry by its exact name. If it is missing, the error suggests the most similar name.
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
            return Err(error.with_help(format_args!("add a {what} to the kubeconfig: it contains none")));
        }
        if let Some(nameless) = self.list.iter().find(|entry| entry.name().is_empty())
            && names.iter().all(|name| name.is_empty())
        {
            return Err(error.with_help(format_args!(
                "set \"name\" in the {what} that has no name{}",
                match nameless.locate("").line_and_column() {
                    Some((line, _)) => format!(", on line {line}"),
                    None => String::new(),
                }
            )));
        }
        names.retain(|name| !name.is_empty());
        let declared = names.len();
        let listed: Vec<_> = names
            .iter()
            .take(MOST_LISTED)
            .map(|name| format!("\"{}\"", shown(name)))
            .collect();
        // Comparing takes time in proportion to the product of the lengths. Names of very different lengths are not similar.
        names.retain(|known| {
            known.len() <= LONGEST_COMPARED
                && name.len() <= LONGEST_COMPARED
                && known.len().abs_diff(name.len()) <= known.len().max(name.len()) / 3 + 1
        });
        names.truncate(MAX_COMPARED);
        Err(match nearest(name, &names) {
            Some(near) => error.with_help(format_args!("did you mean \"{}\"?", shown(near))),
            None if declared <= MOST_LISTED => {
                error.with_help(format_args!("use one of: {}", listed.join(", ")))
            }
            None => error.with_help(format_args!(
                "use one of the {declared} names in the kubeconfig, such as {}",
                listed.join(", ")
            )),
        })
    }
}

/// Gives the index access to the names of the entries.
fn name_in<'e>(list: &'e [Entry]) -> impl Fn(usize) -> &'e str {
    |index| list.get(index).map_or("", Entry::name)
}

/// How many names are listed if none is similar.
const MOST_LISTED: usize = 8;

/// How many names are compared with one that is missing.
const MAX_COMPARED: usize = 1000;

/// The longest name that is compared with others.
const LONGEST_COMPARED: usize = 256;

/// The entries of a list, by name.
pub(crate) fn entries(
    key: Key<'_>,
    list: Node<'_>,
    section: Section,
    document: &Arc<Document>,
    file: &Arc<File>,
) -> Result<Entries> {
    if list.is_blank() {
        return Ok(Entries::new(section));
    }
    let origin = || file.origin.clone().key(section.list());
    if list.kind() != Kind::Sequence {
        return Err(wrong_type(
            list,
            "a list",
            &Places::Values.locate(origin(), key, list),
        ));
    }
    let mut entries = Entries::with_room_for(list.len(), section);
    for (index, item) in list.items().enumerate() {
        if item.is_blank() {
            continue;
        }
        let origin = || item.locate(origin().item(index));
        if item.kind() != Kind::Mapping {
            return Err(wrong_type(item, "a mapping with a name", &origin()));
        }
        let name = item.get_entry("name");
        if let Some((key, name)) = name
            && !name.is_blank()
        {
            text_of(name, || Places::Values.locate(origin().key("name"), key, name))?;
        }
        entries.push_unique(Entry {
            section,
            index: u32::try_from(index).unwrap_or(u32::MAX),
            item: ItemSource::Node {
                document: Arc::clone(document),
                item: item.id(),
                name: name.map(|(_, name)| name.id()),
            },
            file: Arc::clone(file),
        })?;
    }
    Ok(entries)
}

/// The entries of an outlined list, by name.
pub(crate) fn outlined_entries(
    items: Vec<OutlinedItem>,
    section: Section,
    text: &Arc<Text>,
    file: &Arc<File>,
) -> Result<Entries> {
    let mut entries = Entries::with_room_for(items.len(), section);
    for (index, item) in items.into_iter().enumerate() {
        let Some(slice) = item.slice else { continue };
        entries.push_unique(Entry {
            section,
            index: u32::try_from(index).unwrap_or(u32::MAX),
            item: ItemSource::Slice {
                text: Arc::clone(text),
                slice,
                name: item.name,
                read: OnceLock::new(),
            },
            file: Arc::clone(file),
        })?;
    }
    Ok(entries)
}

impl Entries {
    /// Adds an entry of the same document, in which names must be unique.
    fn push_unique(&mut self, entry: Entry) -> Result<()> {
        let Err(second) = self.push(entry) else {
            return Ok(());
        };
        Err(same_name(self.get(second.name()).unwrap_or(&second), &second))
    }
}

fn same_name(first: &Entry, second: &Entry) -> Error {
    let section = second.section.list();
    let place = |entry: &Entry| entry.locate(&format!("{section}[{}]", entry.index));
    let origin = place(second);
    let entries = match (place(first).line_and_column(), origin.line_and_column()) {
        (Some((one, _)), Some((other, _))) if one != other => {
            format!("entries of {section} on lines {one} and {other}")
        }
        _ => format!(
            "entries {} and {} of {section}",
            first.index + 1,
            second.index + 1
        ),
    };
    Error::new(
        ErrorKind::DuplicateName,
        format_args!("the {entries} have the same name \"{}\"", shown(second.name())),
    )
    .with_origin(&origin)
    .with_help("rename or remove one of them")
}
