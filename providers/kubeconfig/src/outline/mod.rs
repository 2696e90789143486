//! The outline of a large kubeconfig in block YAML or JSON: which entries there are, and which part of the text each is.
//!
//! A kubeconfig of many contexts is mostly certificates of clusters that are not chosen. So a large file in the form that
//! tools write is scanned once, and only the chosen entries are read, by the one reader of documents
//! ([`Document::read_part`]). An entry that is not chosen costs about 100 bytes. Anything else is read as a whole.
//!
//! | file | what it is |
//! |---|---|
//! | `field.rs` | what is found: fields, items and their parts of the text |
//! | `line.rs` | what a line may be |
//! | `levels.rs` | the collections around a line, by its indentation |
//! | `scan.rs` | the scan of a YAML document |
//! | `json.rs` | the scan of a JSON document |
//! | `compare.rs`, `tests.rs` | outline and full reading agree |
//!
//! # Why it is right
//!
//! Results, errors, warnings and positions are those of the full reading.
//!
//! 1. **The outline understands a language of its own, which is smaller than YAML.** For a document that is not in it,
//!    [`read`] returns nothing, and the document is read as a whole. Not in the language are: anchors, aliases, tags, merge
//!    keys, flow collections that are not empty, quotes with escapes or over several lines, plain texts over several
//!    lines, comments behind a value, directives, further documents, tabs, characters beyond ASCII, keys of anything but
//!    letters, digits and `-_./`, a key that is written twice, mappings of more than 256 keys, collections nested deeper
//!    than 24, items that are not mappings, names that are not texts at first sight, and very many very short items. JSON is
//!    understood in ASCII, with whole numbers, and without `\\u` escapes; keys and names have no escapes.
//! 2. **A document of that language is valid**: no line of it can be an error of the scanner, and its indentation follows
//!    the one rule of block collections ([`levels`]).
//! 3. **Nothing in it earns a warning of the reader**: keys that are written twice and further documents are not in it.
//! 4. **A part means the same alone as within the document**: without anchors and tags nothing refers to the outside, and a
//!    part keeps the columns of its lines.
//!
//! The bound on the number of values holds for each part by itself. Property tests and the fuzz target
//! `outline_against_full` compare both ways.

#[cfg(any(test, fuzzing))]
pub(crate) mod compare;
mod field;
mod json;
mod levels;
mod line;
mod scan;
#[cfg(test)]
mod tests;

pub(crate) use field::{Item, RawField, Slice};

/// The fields at the top of a document, in the order they are written; `None` where the document is not in the form
/// that the outline understands, be it valid or not.
pub(crate) fn read(text: &str) -> Option<Vec<RawField>> {
    if text.trim_start().starts_with('{') {
        json::read(text)
    } else {
        scan::read(text)
    }
}
