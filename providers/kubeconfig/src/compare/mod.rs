//! All results of a kubeconfig, by the outline and by the full reader, for tests and a fuzz target that compare them.

#[cfg(test)]
mod tests;

use std::fmt::{Result, Write as _};

use kubex_core::Origin;
use kubex_core::options::{Value, ValueKind};
use kubex_document::{Conversion, Text};

use crate::entry::Entries;
use crate::file::{self, File, ParsedFile};
use crate::merge::Merged;

/// Reads a text with the outline and with the full reader, and returns both results as text. `None` if the text has no
/// outline.
#[must_use]
#[allow(unreachable_pub, reason = "only the fuzz target reaches it")]
pub fn both_ways(text: &str) -> Option<[String; 2]> {
    let read = || Text::new(text.as_bytes().to_vec().into()).ok();
    let file = || File {
        origin: Origin::file("/config"),
        directory: None,
    };
    let text = read()?;
    let fields = file::outline(text.as_str())?;
    Some([
        shown(file::outlined(text, fields, file())),
        shown(file::whole(read()?, file())),
    ])
}

fn shown(parsed: kubex_core::Result<ParsedFile>) -> String {
    let mut merged = Merged::new();
    match parsed.and_then(|parsed| merged.add(parsed)) {
        Ok(()) => {
            let mut out = String::new();
            // Writing to a text does not fail.
            let _ = show_all(&merged, &mut out);
            out
        }
        Err(error) => error.to_string(),
    }
}

fn show_all(merged: &Merged, out: &mut String) -> Result {
    writeln!(out, "{:?}", merged.current_context)?;
    let lists: [&Entries; 3] = [&merged.contexts, &merged.clusters, &merged.users];
    for entry in lists.into_iter().flat_map(Entries::iter) {
        writeln!(out, "{} at {}", entry.name(), entry.origin())?;
        match entry.fields() {
            Err(error) => writeln!(out, "{error}")?,
            Ok(fields) => {
                writeln!(out, "{}", fields.origin())?;
                for (key, _, value) in fields.entries() {
                    write!(out, "{key} at {}: ", fields.origin_of(&key))?;
                    let origin = value.locate(fields.origin().clone().key(&key));
                    show(&value.to_value(origin, Conversion::EXTENSION), out)?;
                }
                for warning in entry.warnings(&fields).unwrap_or_default() {
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
