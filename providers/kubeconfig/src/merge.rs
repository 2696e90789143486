//! Several documents as one: the first one wins each named entry whole.

use kubex_core::options::{Value, ValueKind};
use kubex_core::{Error, ErrorKind, Origin, Result, Warning};

use crate::document::Parsed;
use crate::entry::{Entries, Section, entries};
use crate::fields::{Fields, near_miss, text_of};

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
        let ValueKind::Mapping(fields) = root.into_kind() else {
            self.warnings.append(&mut warnings);
            self.origins.push(document.origin.clone());
            return Ok(());
        };
        let placed = |key: &str, value: Value| {
            let node = document.layout.section(key);
            document
                .layout
                .place(value, document.origin.clone().key(key), node)
        };
        // What is no kubeconfig is told so, and not what its fields would mean in one.
        for (key, value) in &fields {
            match key.as_str() {
                "kind" => must_be(&placed(key, value.clone()), "Config")?,
                "apiVersion" => must_be(&placed(key, value.clone()), "v1")?,
                _ => {}
            }
        }
        let (mut contexts, mut clusters, mut users, mut current) = (vec![], vec![], vec![], None);
        for (key, value) in fields {
            match key.as_str() {
                "contexts" => contexts = entries(value, Section::Contexts, &document)?,
                "clusters" => clusters = entries(value, Section::Clusters, &document)?,
                "users" => users = entries(value, Section::Users, &document)?,
                "current-context" => current = name_in(&placed(&key, value))?,
                _ => {
                    let near = Fields::near(&key, TOP);
                    warnings.extend(near.map(|near| near_miss(placed(&key, value).origin(), &key, near)));
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
