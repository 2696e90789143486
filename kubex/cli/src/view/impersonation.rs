//! The user that requests impersonate.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

/// The user that requests impersonate.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Impersonation {
    username: String,
    uid: Option<String>,
    groups: Vec<String>,
    extra: BTreeMap<String, Vec<String>>,
}

impl From<&kubex::Impersonation> for Impersonation {
    fn from(impersonation: &kubex::Impersonation) -> Self {
        Self {
            username: impersonation.user.clone(),
            uid: impersonation.uid.clone(),
            groups: impersonation.groups.clone(),
            extra: impersonation.extra.iter().cloned().collect(),
        }
    }
}

impl Impersonation {
    /// One line, for a table.
    pub(crate) fn text(&self) -> String {
        let mut text = self.username.clone();
        for (name, values) in [
            ("uid", self.uid.clone().into_iter().collect::<Vec<_>>()),
            ("groups", self.groups.clone()),
        ] {
            if !values.is_empty() {
                // Writing to a String cannot fail.
                let _ = write!(text, "; {name} {}", values.join(", "));
            }
        }
        for (key, values) in &self.extra {
            let _ = write!(text, "; {key} {}", values.join(", "));
        }
        text
    }
}
