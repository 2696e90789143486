//! The outline of a large document: which items its lists have, and which part of the text each one is.
//!
//! A kubeconfig of many contexts is mostly certificates of clusters that are not selected. So a large document in the form
//! that tools write is scanned once, and only what is selected is parsed ([`Slice::read`]). A document in any other form is
//! parsed as a whole.
//!
//! | file | content |
//! |---|---|
//! | `field.rs` | what is found: fields, items and their parts of the text |
//! | `yaml.rs` | the outline of simple YAML |
//! | `json.rs` | the scan of a JSON document |
//!
//! # Why the result is the same
//!
//! Results, errors, warnings and positions are those of the full reading.
//!
//! 1. **The outline accepts [simple YAML](crate::simple)**, which is valid and causes no warning. The items of a list must be
//!    mappings, their names must certainly be text, and there must not be very many very short items. JSON is accepted in
//!    ASCII, with whole numbers, and without `\\u` escapes; keys and names have no escapes.
//! 2. **A part has the same meaning alone as within the document**: without anchors and tags, it refers to nothing else, and
//!    its lines keep their columns.
//!
//! The limit on the number of values applies to each part separately. Property tests and the fuzz target
//! `outline_against_full` compare both ways.

mod field;
mod json;
#[cfg(test)]
mod tests;
mod yaml;

pub use field::{OutlinedField, OutlinedItem, Slice};

use crate::json::begins_like_json;

/// How many bytes a document must have for each of its items to be outlined: an item costs about 130 bytes of memory,
/// however short its text is. The minimum is for the smallest documents that are outlined.
const BYTES_FOR_AN_ITEM: usize = 64;
const MIN_ITEMS: usize = 64;

/// The key of an item's name.
const NAME: &str = "name";

/// How many items a text of this length may have.
fn most_items(length: usize) -> usize {
    (length / BYTES_FOR_AN_ITEM).max(MIN_ITEMS)
}

/// Returns the top-level fields of a YAML or JSON document, in order, and the items of the lists with these keys, without
/// parsing any of them. `None` if the document is not in the form that tools write, whether it is valid or not.
///
/// A document with an outline is valid and causes no [warning](crate::Document::warnings).
///
/// ```
/// use kubex_document::{Budget, OutlinedField, outline};
///
/// let text = "kind: Config\nusers:\n- name: jane\n  user:\n    token: abc\n- name: joe\n";
/// let fields = outline(text, &["users"]).unwrap();
/// let [OutlinedField::Values(kind), OutlinedField::List(0, users)] = &fields[..] else { panic!() };
/// assert_eq!(kind.read(text, &Budget::KUBECONFIG)?.root().get("kind").unwrap().as_str(), Some("Config"));
/// assert_eq!(users[0].name.of(text), "jane");
/// let jane = users[0].slice.unwrap().read(text, &Budget::KUBECONFIG)?;
/// let token = jane.root().get("user").and_then(|user| user.get("token")).unwrap();
/// assert_eq!((token.position().line, token.position().column), (5, 12));
///
/// assert!(outline("users: &all []\n", &["users"]).is_none());
/// # Ok::<(), kubex_document::ReadError>(())
/// ```
pub fn outline(text: &str, lists: &[&str]) -> Option<Vec<OutlinedField>> {
    if begins_like_json(text) {
        json::read(text, lists)
    } else {
        yaml::read(text, lists)
    }
}
