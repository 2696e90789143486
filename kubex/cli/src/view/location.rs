//! Where a value comes from: a file, a variable, a flag or a document.

use std::path::Path;

use kubex::Origin;
use kubex::origin::Place;
use kubex::text::{MASKED, not_a_path};
use serde::Serialize;

/// An [`Origin`]. In JSON: exactly one of `file`, `variable`, `flag` and `document`, and what is known of the position
/// in it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    variable: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    flag: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    document: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "str::is_empty")]
    key: String,
    /// For a person.
    #[serde(skip)]
    pub(crate) text: String,
}

/// A path as it is, unless it cannot be one: the content of a file, say.
fn json_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    match not_a_path(&text) {
        Some(_) => MASKED.to_owned(),
        None => text.into_owned(),
    }
}

impl From<&Origin> for Location {
    fn from(origin: &Origin) -> Self {
        let mut location = Self {
            line: origin.line_and_column().map(|(line, _)| line),
            column: origin.line_and_column().map(|(_, column)| column),
            key: origin.keys().to_owned(),
            text: origin.to_string(),
            ..Self::default()
        };
        match origin.place() {
            Place::File(path) | Place::Pipe(path) => location.file = Some(json_path(path)),
            Place::Variable(name) => location.variable = Some(name.to_string()),
            Place::Flag(name) => location.flag = Some(name.to_string()),
            Place::Bytes(name) => location.document = Some(name.to_string()),
            _ => location.document = Some("the program".to_owned()),
        }
        location
    }
}
