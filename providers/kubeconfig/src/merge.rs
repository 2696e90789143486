//! Merges several documents: of entries with the same name, the first one is used as a whole.

use std::borrow::Cow;
use std::sync::Arc;

use kubex_core::host::effort;
use kubex_core::{Error, ErrorKind, Origin, Result, Warning};
use kubex_document::{Key, Node, Places, Text};

use crate::cluster::named_extensions;
use crate::entry::{Entries, entries, outlined_entries};
use crate::file::{FieldSource, File, ParsedFile};
use crate::mapping::{Mapping, current_context};
use crate::near_miss::near_misses;
use crate::other_object::OtherObject;
use crate::section::Section;

/// The top-level fields of a kubeconfig.
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

/// How many shadowed entries the report lists, each with both locations.
const MAX_SHADOWED: usize = 1000;

/// The kubeconfig that all documents form.
#[derive(Debug)]
pub(crate) struct Merged {
    pub(crate) current_context: Option<(String, Origin)>,
    pub(crate) contexts: Entries,
    pub(crate) clusters: Entries,
    pub(crate) users: Entries,
    pub(crate) warnings: Vec<Warning>,
    /// Pairs of entries with the same name: the one that is used, and the shadowed one.
    pub(crate) shadowed: Vec<(Origin, Origin)>,
    texts: Vec<Text>,
    /// The origins of the documents.
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
            texts: Vec::new(),
            origins: Vec::new(),
        }
    }

    /// Whether it contains no cluster, no user, no context and no current context.
    pub(crate) fn declares_nothing(&self) -> bool {
        self.contexts.is_empty()
            && self.clusters.is_empty()
            && self.users.is_empty()
            && self.current_context.is_none()
    }

    /// The effort to parse the documents.
    pub(crate) fn effort(&self) -> usize {
        let efforts = self.texts.iter().map(|text| effort(text.as_str().as_bytes()));
        efforts.fold(0, usize::saturating_add)
    }

    /// Adds a file. Earlier files take precedence. Nothing is added if the file is not a kubeconfig.
    pub(crate) fn add(&mut self, parsed: ParsedFile) -> Result<()> {
        let ParsedFile {
            file,
            text,
            fields,
            mut warnings,
        } = parsed;
        let file = Arc::new(file);
        let documents: Vec<_> = fields.iter().filter_map(FieldSource::document).cloned().collect();
        let tops = documents.iter().map(|document| {
            let directory = file.directory.as_deref();
            Mapping::new(Some(document.root()), file.origin.clone(), directory)
        });
        let tops: Vec<_> = tops.collect::<Result<_>>()?;
        check_kind(&tops, &file)?;
        warnings.append(&mut near_misses(all(&tops), TOP, || file.origin.clone()));
        for top in &tops {
            check_ignored_fields(top)?;
        }
        let mut lists = Section::ALL.map(Entries::new);
        let mut put = |entries: Entries| {
            if let Some(list) = lists.get_mut(entries.section() as usize) {
                *list = entries;
            }
        };
        let mut current = None;
        let mut tops = documents.iter().zip(&tops);
        for field in fields {
            if let FieldSource::Outlined(section, text, items) = field {
                put(outlined_entries(items, section, &text, &file)?);
                continue;
            }
            let Some((document, top)) = tops.next() else {
                continue;
            };
            for (name, key, value) in top.entries() {
                let origin = || Places::Values.locate(file.origin.clone().key(&name), key, value);
                if let Some(section) = Section::from_list(&name) {
                    put(entries(key, value, section, document, &file)?);
                } else if name != "current-context" {
                    // The warnings about misspelled fields are added above.
                } else if value.is_blank() {
                    current = None;
                } else {
                    current = Some((current_context(value, origin)?.to_owned(), origin()));
                }
            }
        }
        let [contexts, clusters, users] = lists;
        let mut hidden = 0;
        for (list, more) in [
            (&mut self.contexts, contexts),
            (&mut self.clusters, clusters),
            (&mut self.users, users),
        ] {
            hidden += list.add(more, &mut self.shadowed, MAX_SHADOWED);
        }
        if hidden > 0 {
            let message = format_args!(
                "{hidden} more entries of this file are hidden by entries of the same name in an earlier file"
            );
            warnings.push(Warning::new("shadowed-entries", message).with_origin(&file.origin));
        }
        match (&self.current_context, current) {
            (None, found) => self.current_context = found,
            (Some((_, taken)), Some((_, other))) => self.shadowed.push((taken.clone(), other)),
            (Some(_), None) => {}
        }
        self.warnings.append(&mut warnings);
        self.texts.push(text);
        self.origins.push(file.origin.clone());
        Ok(())
    }
}

/// The top-level fields of a file.
fn all<'d>(tops: &[Mapping<'d>]) -> impl Iterator<Item = (Cow<'d, str>, Key<'d>, Node<'d>)> {
    tops.iter().flat_map(Mapping::entries)
}

/// Checks that a file is a kubeconfig. For another object, only that is reported, and not the problems of its fields.
fn check_kind(tops: &[Mapping<'_>], file: &File) -> Result<()> {
    let of = |wanted| all(tops).filter(move |(name, ..)| name == wanted);
    for (name, key, value) in of("kind") {
        must_be(&["Config"], &name, key, value, &file.origin)
            .map_err(|error| not_a_kubeconfig(error, value.as_str().unwrap_or_default(), tops))?;
    }
    // The core API group has an empty name.
    for (name, key, value) in of("apiVersion") {
        must_be(&["v1", "/v1"], &name, key, value, &file.origin)?;
    }
    Ok(())
}

/// The error for an object of another kind, with that kind.
fn not_a_kubeconfig(error: Error, kind: &str, tops: &[Mapping<'_>]) -> Error {
    let fields = all(tops).map(|(name, _, value)| (name.into_owned(), value));
    match OtherObject::new(kind, fields) {
        Some(object) => Error::new(error.kind(), object.message)
            .with_origin(error.origin().unwrap_or(&Origin::code()))
            .with_help(object.help),
        None => error,
    }
}

/// Checks the types of fields that are ignored here but are errors in kubectl: the preferences and the top-level extensions.
fn check_ignored_fields(top: &Mapping<'_>) -> Result<()> {
    named_extensions(top)?;
    let Some(preferences) = top.mapping("preferences")? else {
        return Ok(());
    };
    preferences.flag("colors")?;
    named_extensions(&preferences).map(drop)
}

fn must_be(expected: &[&str], name: &str, key: Key<'_>, value: Node<'_>, origin: &Origin) -> Result<()> {
    if value.is_blank() || value.as_str().is_some_and(|text| expected.contains(&text)) {
        return Ok(());
    }
    let expected = expected.first().copied().unwrap_or_default();
    Err(Error::new(
        ErrorKind::MalformedDocument,
        format_args!("this is not a kubeconfig: its {name} is not {expected}"),
    )
    .with_origin(&Places::Values.locate(origin.clone().key(name), key, value))
    .with_help(format_args!("set \"{name}\" to {expected}, or name another file")))
}
