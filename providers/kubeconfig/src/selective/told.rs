//! Everything that is told of a document, by this way and by the parser's: what tests and a fuzz target compare.

use std::fmt::{Result, Write as _};
use std::sync::Arc;

use kubex_core::Origin;
use kubex_core::options::{Value, ValueKind};

use crate::document::{self, Parsed, Root};
use crate::entry::{Document, Entries};
use crate::layout::Layout;
use crate::merge::Merged;
use crate::text::Text;

/// What is told by either; nothing where a document takes no other way than the parser's.
#[must_use]
#[allow(unreachable_pub, reason = "only the fuzz target reaches it")]
pub fn told(text: &str) -> Option<[String; 2]> {
    let layout = || Text::of(text.as_bytes().to_vec().into()).map(Layout::of);
    let found = layout()?;
    let parts = super::read(found.text())?;
    let parts = parts
        .into_iter()
        .map(|(key, part)| (key.to_owned(), part))
        .collect();
    let origin = Origin::file("/config");
    let merged = |root, warnings, layout| {
        let document = Document {
            origin: origin.clone(),
            directory: None,
            layout,
        };
        let mut merged = Merged::new();
        let added = merged.add(Parsed {
            root,
            warnings,
            document: Arc::new(document),
        });
        match added {
            Ok(()) => {
                let mut out = String::new();
                // Writing to a text does not fail.
                let _ = show_all(&merged, &mut out);
                out
            }
            Err(error) => error.to_string(),
        }
    };
    let whole = document::whole(&found, &origin);
    Some([
        merged(Root::Parts(parts), Vec::new(), layout()?),
        match whole {
            Ok((root, warnings)) => merged(Root::Tree(root), warnings, layout()?),
            Err(error) => error.to_string(),
        },
    ])
}

fn show_all(merged: &Merged, out: &mut String) -> Result {
    writeln!(out, "{:?}", merged.current_context)?;
    let lists: [&Entries; 3] = [&merged.contexts, &merged.clusters, &merged.users];
    for entry in lists.into_iter().flat_map(Entries::iter) {
        writeln!(out, "{} at {}", entry.name(), entry.origin())?;
        match entry.fields() {
            Err(error) => writeln!(out, "{error}")?,
            Ok(fields) => {
                for (key, value) in fields.entries() {
                    write!(out, "{key}: ")?;
                    show(value, out)?;
                }
                for warning in entry.warnings(&fields) {
                    writeln!(out, "{warning}")?;
                }
            }
        }
    }
    for warning in &merged.warnings {
        writeln!(out, "{warning}")?;
    }
    Ok(())
}

fn show(value: &Value, out: &mut String) -> Result {
    match value.kind() {
        ValueKind::String(text) => writeln!(out, "{:?} ({})", text.as_str(), value.origin()),
        ValueKind::Null => writeln!(out, "null ({})", value.origin()),
        ValueKind::Boolean(flag) => writeln!(out, "{flag} ({})", value.origin()),
        ValueKind::Integer(number) => writeln!(out, "{number} ({})", value.origin()),
        ValueKind::Float(number) => writeln!(out, "{number} ({})", value.origin()),
        ValueKind::Sequence(items) => items.iter().try_for_each(|item| show(item, out)),
        ValueKind::Mapping(entries) => {
            for (key, value) in entries {
                write!(out, "{key}: ")?;
                show(value, out)?;
            }
            Ok(())
        }
    }
}
