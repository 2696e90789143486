//! `kubex cache list`: the credentials in the store, with their users and expiry times, without secrets.

use std::collections::BTreeMap;

use kubex_store::{BackOff, BackedOff, Kept};
use serde::Serialize;

use crate::output::{Output, Style, Table};
use crate::view::rfc3339;

/// The contexts whose users have a slot, by its id.
pub(super) type Contexts = BTreeMap<String, Vec<String>>;

/// The slots.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct List {
    directory: String,
    credentials: Vec<Entry>,
    back_offs: Vec<Waiting>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    id: String,
    description: String,
    contexts: Vec<String>,
    credential: &'static str,
    fetched_at: String,
    expires_at: Option<String>,
    valid: bool,
}

/// A login that was not completed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    id: String,
    description: String,
    contexts: Vec<String>,
    /// `timed-out` or `cancelled`.
    reason: &'static str,
    failed_at: String,
    until: String,
}

impl List {
    pub(super) fn new(
        directory: String,
        credentials: Vec<Kept>,
        back_offs: Vec<BackedOff>,
        contexts: &Contexts,
    ) -> Self {
        let contexts_of = |slot: &str| contexts.get(slot).cloned().unwrap_or_default();
        let credentials = credentials.into_iter().map(|kept| Entry {
            contexts: contexts_of(&kept.slot),
            id: kept.slot,
            description: kept.description,
            credential: kept.kind,
            fetched_at: rfc3339(kept.fetched_at),
            expires_at: kept.expires_at.map(rfc3339),
            valid: kept.is_valid,
        });
        let back_offs = back_offs.into_iter().map(|waiting| Waiting {
            contexts: contexts_of(&waiting.slot),
            id: waiting.slot,
            description: waiting.description,
            reason: reason(waiting.reason),
            failed_at: rfc3339(waiting.failed_at),
            until: rfc3339(waiting.until),
        });
        Self {
            directory,
            credentials: credentials.collect(),
            back_offs: back_offs.collect(),
        }
    }
}

fn reason(back_off: BackOff) -> &'static str {
    match back_off {
        BackOff::Cancelled => "cancelled",
        _ => "timed-out",
    }
}

impl Output for List {
    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["FETCHED BY", "CONTEXTS", "CREDENTIAL", "FETCHED", "EXPIRES"]);
        for entry in &self.credentials {
            let expires = entry.expires_at.clone().unwrap_or_default();
            let expires = if entry.valid {
                expires
            } else {
                format!("{expires} (expired)")
            };
            table.row([
                entry.description.as_str(),
                &entry.contexts.join(", "),
                entry.credential,
                &entry.fetched_at,
                &expires,
            ]);
        }
        let mut text = table.render(style);
        if !self.back_offs.is_empty() {
            let headings = [
                "FETCHED BY",
                "CONTEXTS",
                "LAST LOGIN",
                "ENDED",
                "NEXT LOGIN NOT BEFORE",
            ];
            let mut table = Table::new(&headings);
            for waiting in &self.back_offs {
                table.row([
                    waiting.description.as_str(),
                    &waiting.contexts.join(", "),
                    &waiting.reason.replace('-', " "),
                    &waiting.failed_at,
                    &waiting.until,
                ]);
            }
            text.push('\n');
            text.push_str(&table.render(style));
        }
        text
    }
}
