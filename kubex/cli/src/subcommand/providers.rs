//! `kubex providers`: the providers that are linked into this program.

use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, ListArguments, Output, Style, Table};
use crate::session::Session;

#[derive(Debug, Serialize)]
struct Providers {
    providers: Vec<Provider>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Provider {
    name: &'static str,
    summary: &'static str,
    /// `cluster-and-identity`; or `identity` for a provider that takes the options of the cluster beside its own.
    provides: &'static str,
    #[serde(rename = "crate")]
    crate_name: &'static str,
    version: &'static str,
}

pub(crate) fn run(arguments: &ListArguments, session: &Session) -> Result<(), Failure> {
    let providers = kubex::registry()?
        .iter()
        .map(|registration| Provider {
            name: registration.name(),
            summary: registration.summary(),
            provides: if registration.is_source() {
                "identity"
            } else {
                "cluster-and-identity"
            },
            crate_name: registration.crate_name(),
            version: registration.crate_version(),
        })
        .collect();
    Ok(output::print(
        &Providers { providers },
        arguments.format(),
        &session.host,
    )?)
}

impl Output for Providers {
    fn names(&self) -> Vec<&str> {
        self.providers.iter().map(|entry| entry.name).collect()
    }

    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["NAME", "PROVIDES", "SUMMARY", "CRATE"]);
        for provider in &self.providers {
            let package = format!("{} {}", provider.crate_name, provider.version);
            table.row([
                provider.name,
                &provider.provides.replace('-', " "),
                provider.summary,
                &package,
            ]);
        }
        table.render(style)
    }
}
