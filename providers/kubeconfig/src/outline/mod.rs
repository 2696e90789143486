//! The outline of a large kubeconfig in block YAML or JSON: which entries it has, and which part of the text each one is.
//!
//! A kubeconfig of many contexts is mostly certificates of clusters that are not selected. So a large file in the form that
//! tools write is scanned once, and only the selected entries are parsed ([`Document::read_part`]). An entry that is not
//! selected takes about 100 bytes. A file in any other form is parsed as a whole.
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
//! # Why the result is the same
//!
//! Results, errors, warnings and positions are those of the full reading.
//!
//! 1. **The outline accepts a subset of YAML.** For a document outside of this subset,
//!    [`read`] returns nothing, and the document is read as a whole. Outside of it are: anchors, aliases, tags, merge
//!    keys, flow collections that are not empty, quotes with escapes or over several lines, plain texts over several
//!    lines, comments after a value, directives, further documents, tabs, characters beyond ASCII, keys of anything but
//!    letters, digits and `-_./`, duplicate keys, mappings of more than 256 keys, collections nested deeper
//!    than 24, items that are not mappings, names that may not be text, and very many very short items. JSON is
//!    accepted in ASCII, with whole numbers, and without `\\u` escapes; keys and names have no escapes.
//! 2. **A document of the subset is valid**: no line can be an error of the scanner, and the indentation follows the one
//!    rule of block collections ([`levels`]).
//! 3. **The reader has no warning about it**: duplicate keys and further documents are outside of the subset.
//! 4. **A part has the same meaning alone as within the document**: without anchors and tags, it refers to nothing else, and
//!    its lines keep their columns.
//!
//! The limit on the number of values applies to each part separately. Property tests and the fuzz target
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

/// The top-level fields of a document, in order. `None` if the document is outside of the subset, whether valid or not.
pub(crate) fn read(text: &str) -> Option<Vec<RawField>> {
    if text.trim_start().starts_with('{') {
        json::read(text)
    } else {
        scan::read(text)
    }
}
