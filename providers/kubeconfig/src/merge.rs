//! Several documents as one: the first one wins each named entry whole.

use std::sync::Arc;

use kubex_core::options::{Value, ValueKind};
use kubex_core::{Error, ErrorKind, Origin, Result, Warning};

use crate::document::{Parsed, Root};
use crate::entry::{Document, Entries, Section, entries, entries_of_items};
use crate::mapping::{Mapping, near_miss, text_of};
use crate::selective::{self, Part};

/// What stands at the top of a kubeconfig.
const TOP: &[&str] = &[
    "apiVersion",
    "kind",
    "current-context",
    "contexts",
    "clusters",
    "users",
    "preferences",
    "extensions",
];

/// The kubeconfig of all documents together.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) current_context: Option<(String, Origin)>,
    pub(crate) contexts: Entries,
    pub(crate) clusters: Entries,
    pub(crate) users: Entries,
    pub(crate) warnings: Vec<Warning>,
    /// Of two entries of one name: the one that counts, and the one that does not.
    pub(crate) shadowed: Vec<(Origin, Origin)>,
    /// The documents it was made of.
    pub(crate) origins: Vec<Origin>,
}

impl Merged {
    pub(crate) fn new() -> Self {
        Self {
            current_context: None,
            contexts: Entries::new(Section::Contexts),
            clusters: Entries::new(Section::Clusters),
            users: Entries::new(Section::Users),
            warnings: Vec::new(),
            shadowed: Vec::new(),
            origins: Vec::new(),
        }
    }

    /// Whether it declares no cluster, no user and no context, and chooses none.
    pub(crate) fn says_nothing(&self) -> bool {
        self.contexts.is_empty()
            && self.clusters.is_empty()
            && self.users.is_empty()
            && self.current_context.is_none()
    }

    /// Adds a document after those that are there, which win. Nothing is added where it is no kubeconfig.
    pub(crate) fn add(&mut self, parsed: Parsed) -> Result<()> {
        let Parsed {
            root,
            mut warnings,
            document,
        } = parsed;
        let fields: Vec<(String, Given)> = match root {
            Root::Tree(root) => match root.into_kind() {
                ValueKind::Mapping(fields) => fields
                    .into_iter()
                    .map(|(key, value)| (key, Given::Tree(value)))
                    .collect(),
                _ => Vec::new(),
            },
            Root::Parts(parts) => parts
                .into_iter()
                .map(|(key, part)| (key, Given::Part(part)))
                .collect(),
        };
        // What is no kubeconfig is told so, and not what its fields would mean in one.
        for (key, given) in &fields {
            match key.as_str() {
                "kind" => must_be(&given.placed(key, &document), "Config")?,
                "apiVersion" => must_be(&given.placed(key, &document), "v1")?,
                _ => {}
            }
        }
        let [mut contexts, mut clusters, mut users] =
            [Section::Contexts, Section::Clusters, Section::Users].map(Entries::new);
        let mut current = None;
        for (key, given) in fields {
            match key.as_str() {
                "contexts" => contexts = given.entries(Section::Contexts, &document)?,
                "clusters" => clusters = given.entries(Section::Clusters, &document)?,
                "users" => users = given.entries(Section::Users, &document)?,
                "current-context" => current = name_in(&given.placed(&key, &document))?,
                _ => {
                    let near = Mapping::near(&key, TOP);
                    warnings.extend(
                        near.map(|near| near_miss(given.placed(&key, &document).origin(), &key, near)),
                    );
                }
            }
        }
        self.shadowed.append(&mut self.contexts.add(contexts));
        self.shadowed.append(&mut self.clusters.add(clusters));
        self.shadowed.append(&mut self.users.add(users));
        match (&self.current_context, current) {
            (None, found) => self.current_context = found,
            (Some((_, taken)), Some((_, other))) => self.shadowed.push((taken.clone(), other)),
            (Some(_), None) => {}
        }
        self.warnings.append(&mut warnings);
        self.origins.push(document.origin.clone());
        Ok(())
    }
}

/// What stands under a key at the top.
enum Given {
    Tree(Value),
    Part(Part),
}

impl Given {
    /// The value, with its place.
    fn placed(&self, key: &str, document: &Document) -> Value {
        let layout = &document.layout;
        let (value, node) = match self {
            Self::Tree(value) => (value.clone(), layout.section(key)),
            Self::Part(Part::Value(spot)) => {
                (selective::value(*spot, layout.text()), Some(layout.value(*spot)))
            }
            Self::Part(Part::Items(_)) => (Value::default(), None),
        };
        layout.place(value, document.origin.clone().key(key), node)
    }

    fn entries(self, section: Section, document: &Arc<Document>) -> Result<Entries> {
        match self {
            Self::Tree(value) => entries(value, section, document),
            Self::Part(Part::Items(items)) => entries_of_items(&items, section, document),
            Self::Part(Part::Value(spot)) => {
                let value = selective::value(spot, document.layout.text());
                entries(value, section, document)
            }
        }
    }
}

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
    .with_origin(value.origin()))
}
