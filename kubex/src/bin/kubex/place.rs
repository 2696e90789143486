//! A place where something was written down, for a page.

use kubex::Origin;
use kubex::origin::Place as OriginPlace;
use serde::Serialize;

/// An [`Origin`] for a program: exactly one of `file`, `variable`, `flag` and `document`, and what is known of where in it.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Place {
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

impl From<&Origin> for Place {
    fn from(origin: &Origin) -> Self {
        let mut place = Self {
            line: origin.line_and_column().map(|(line, _)| line),
            column: origin.line_and_column().map(|(_, column)| column),
            key: origin.keys().to_owned(),
            text: origin.to_string(),
            ..Self::default()
        };
        match origin.place() {
            OriginPlace::File(path) => place.file = Some(path.to_string_lossy().into_owned()),
            OriginPlace::Variable(name) => place.variable = Some(name.to_string()),
            OriginPlace::Flag(name) => place.flag = Some(name.to_string()),
            OriginPlace::Bytes(name) => place.document = Some(name.to_string()),
            _ => place.document = Some("the program".to_owned()),
        }
        place
    }
}
