//! `kubex sources`: what is configured, source by source: those of the chain in their order, then the others.

use kubex::config::SourceSummary;
use serde::Serialize;

use crate::arguments::PageArguments;
use crate::failure::Failure;
use crate::page::{self, Page, Table};
use crate::place::Place;
use crate::session::Session;
use crate::style::Style;

#[derive(Debug, Serialize)]
struct Sources {
    sources: Vec<Entry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Entry {
    name: String,
    provider: String,
    /// Its place in the chain, counted from 1; `null` where the chain does not name it.
    position: Option<usize>,
    is_enabled: bool,
    written_at: Place,
}

pub(crate) async fn run(arguments: &PageArguments, session: &Session) -> Result<(), Failure> {
    let configuration = session.configuration().await?;
    let sources = configuration.sources().into_iter().map(Entry::of).collect();
    page::print(&Sources { sources }, arguments.format.output, session)
}

impl Entry {
    fn of(source: SourceSummary) -> Self {
        Self {
            position: source.position.map(|position| position + 1),
            is_enabled: source.is_enabled,
            written_at: Place::from(&source.origin),
            name: source.name,
            provider: source.provider,
        }
    }
}

impl Page for Sources {
    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["POSITION", "NAME", "PROVIDER", "ENABLED", "WRITTEN AT"]);
        for source in &self.sources {
            let position = source
                .position
                .map(|position| position.to_string())
                .unwrap_or_default();
            let enabled = if source.is_enabled { "yes" } else { "no" };
            table.row([
                position.as_str(),
                &source.name,
                &source.provider,
                enabled,
                &source.written_at.text,
            ]);
        }
        table.render(style)
    }
}
