//! Scans simple YAML: the subset that tools write. It is scanned line by line, several times faster than all of YAML.
//!
//! | file | content |
//! |---|---|
//! | `lines.rs` | the lines with content |
//! | `line.rs` | what a line may be |
//! | `scan.rs` | the collections around a line, by its indentation |
//! | `sink.rs` | what receives the nodes |
//! | `tree.rs` | the tree of a simple document |
//!
//! A [`Sink`] receives the nodes of the document, in order. If the document turns out not to be simple, the scan ends without
//! a result, and the document is read by the reader of all YAML, whether it is valid or not.
//!
//! # Why the result is the same
//!
//! 1. **Not simple** are: anchors, aliases, tags, merge keys, flow collections that are not empty, quotes with escapes or over
//!    several lines, plain texts over several lines, comments after a value, directives, further documents, tabs, characters
//!    beyond ASCII, keys of anything but letters, digits and `-_./`, duplicate keys, mappings of more than 256 keys, and
//!    collections nested deeper than 24.
//! 2. **A simple document is valid**: no line can be an error of YAML's scanner, and the indentation follows the one rule of
//!    block collections ([`scan`]).
//! 3. **A simple document causes no warning**: duplicate keys and further documents are not simple.
//!
//! Property tests and fuzz targets compare both ways of reading.

#[cfg(any(test, fuzzing))]
pub(crate) mod compare;
mod line;
mod lines;
mod scan;
mod sink;
#[cfg(test)]
mod tests;
mod tree;

pub(crate) use line::{MOST_KEYS, is_certainly_text};
pub(crate) use scan::{DEEPEST, scan};
pub(crate) use sink::{At, Scalar, Sink};
pub(crate) use tree::read;
