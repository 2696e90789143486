//! Warnings, with their stable ids.

use std::fmt::Write as _;

use serde::Serialize;

use super::location::Location;
use crate::output::Style;

/// A warning of a client configuration.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Warning {
    id: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Location>,
}

impl Warning {
    pub(crate) fn from_all(warnings: &[kubex::Warning]) -> Vec<Self> {
        let view = |warning: &kubex::Warning| Self {
            id: warning.id(),
            message: warning.message().to_owned(),
            origin: warning.origin().map(Location::from),
        };
        warnings.iter().map(view).collect()
    }

    /// One line per warning, after a blank line where there are any.
    pub(crate) fn lines(warnings: &[Self], style: Style) -> String {
        let mut lines = String::new();
        if !warnings.is_empty() {
            lines.push('\n');
        }
        for warning in warnings {
            let location = warning
                .origin
                .as_ref()
                .map(|origin| format!(" ({})", origin.text));
            let location = location.unwrap_or_default();
            let word = style.warning("warning:");
            // Writing to a String cannot fail.
            let _ = writeln!(lines, "{word} {}{location} [{}]", warning.message, warning.id);
        }
        lines
    }
}
