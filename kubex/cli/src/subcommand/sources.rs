//! `kubex sources`: the configured sources, those of the chain in their order, then the others.

use kubex::config::SourceSummary;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, ListArguments, Output, Style, Table};
use crate::session::Session;
use crate::view::Location;

#[derive(Debug, Serialize)]
struct Sources {
    sources: Vec<Entry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    provider: String,
    /// The position in the chain, counted from 1; `null` for a source that is not in the chain.
    position: Option<usize>,
    enabled: bool,
    origin: Location,
}

pub(crate) async fn run(arguments: &ListArguments, session: &Session) -> Result<(), Failure> {
    let configuration = session.configuration().await?;
    let sources = Sources {
        sources: configuration.sources().into_iter().map(Entry::from).collect(),
    };
    Ok(output::print(&sources, arguments.format(), &session.host)?)
}

impl From<SourceSummary> for Entry {
    fn from(source: SourceSummary) -> Self {
        Self {
            position: source.position.map(|position| position + 1),
            enabled: source.is_enabled,
            origin: Location::from(&source.origin),
            name: source.name,
            provider: source.provider,
        }
    }
}

impl Output for Sources {
    fn names(&self) -> Vec<&str> {
        self.sources.iter().map(|entry| entry.name.as_str()).collect()
    }

    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["POSITION", "NAME", "PROVIDER", "ENABLED", "LOCATION"]);
        for source in &self.sources {
            let position = source
                .position
                .map(|position| position.to_string())
                .unwrap_or_default();
            let enabled = if source.enabled { "yes" } else { "no" };
            table.row([
                position.as_str(),
                &source.name,
                &source.provider,
                enabled,
                &source.origin.text,
            ]);
        }
        table.render(style)
    }
}
