//! `kubex cache`: what the store keeps, and how to clear it.

use clap::{Args, Subcommand};
use kubex_store::{BackOff, Location, Store, Unshared};
use serde::Serialize;

use crate::failure::{Failure, status};
use crate::output::{self, Output, OutputArguments, Style, Table, print_text};
use crate::session::Session;
use crate::view::rfc3339;

/// The arguments of `cache`.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// List the credentials that are kept, without their secrets
    List(OutputArguments),
    /// Remove the credentials that are kept, and let the next login start at once
    Clear,
}

/// All slots.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List {
    directory: String,
    credentials: Vec<Entry>,
    back_offs: Vec<Waiting>,
}

/// A login that was not completed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    description: String,
    /// `timed-out` or `cancelled`.
    reason: &'static str,
    failed_at: String,
    until: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    description: String,
    credential: &'static str,
    fetched_at: String,
    expires_at: Option<String>,
    valid: bool,
}

impl Output for List {
    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["PLUGIN", "CREDENTIAL", "FETCHED", "EXPIRES"]);
        for entry in &self.credentials {
            let expires = entry.expires_at.clone().unwrap_or_default();
            let expires = if entry.valid {
                expires
            } else {
                format!("{expires} (expired)")
            };
            table.row([
                entry.description.as_str(),
                entry.credential,
                &entry.fetched_at,
                &expires,
            ]);
        }
        let mut text = table.render(style);
        if !self.back_offs.is_empty() {
            let mut table = Table::new(&["PLUGIN", "LAST LOGIN", "ENDED", "NEXT LOGIN NOT BEFORE"]);
            for waiting in &self.back_offs {
                let reason = waiting.reason.replace('-', " ");
                table.row([
                    waiting.description.as_str(),
                    &reason,
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

impl Arguments {
    /// The arguments of the output, if it has any.
    pub(super) fn output(&mut self) -> Option<&mut OutputArguments> {
        match &mut self.what {
            What::List(output) => Some(output),
            What::Clear => None,
        }
    }
}

pub(crate) fn run(arguments: &Arguments, session: &Session) -> Result<(), Failure> {
    // Without this, `clear --context prod` would remove the credentials of every context.
    let why = "the store is not divided by context, source or user: cache is about all credentials";
    session.flags.refuse_selection(&[], why)?;
    let location = Location::of_the_user(session.host.environment()).map_err(|unshared| failed(&unshared))?;
    let store = Store::open(&location).map_err(|unshared| failed(&unshared))?;
    match &arguments.what {
        What::List(arguments) => {
            let credentials = store.list().map_err(|unshared| failed(&unshared))?;
            let entries = credentials.into_iter().map(|kept| Entry {
                description: kept.description,
                credential: kept.kind,
                fetched_at: rfc3339(kept.fetched_at),
                expires_at: kept.expires_at.map(rfc3339),
                valid: kept.is_valid,
            });
            let back_offs = store.back_offs().map_err(|unshared| failed(&unshared))?;
            let back_offs = back_offs.into_iter().map(|waiting| Waiting {
                description: waiting.description,
                reason: match waiting.reason {
                    BackOff::Cancelled => "cancelled",
                    _ => "timed-out",
                },
                failed_at: rfc3339(waiting.failed_at),
                until: rfc3339(waiting.until),
            });
            let list = List {
                directory: location.directory().display().to_string(),
                credentials: entries.collect(),
                back_offs: back_offs.collect(),
            };
            output::print(&list, arguments.format(), &session.host)?;
        }
        What::Clear => {
            let cleared = store.clear().map_err(|unshared| failed(&unshared))?;
            print_text(&format!("removed {cleared}\n"))?;
        }
    }
    Ok(())
}

fn failed(unshared: &Unshared) -> Failure {
    Failure::new(status::REQUEST_FAILED, unshared.message()).with_help(unshared.help())
}
