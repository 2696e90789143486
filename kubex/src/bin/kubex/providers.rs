//! `kubex providers`: the plugin kinds that are linked into this program, and can be named by a source.

use serde::Serialize;

use crate::arguments::PageArguments;
use crate::failure::Failure;
use crate::page::{self, Page, Table};
use crate::session::Session;
use crate::style::Style;

#[derive(Debug, Serialize)]
struct Providers {
    providers: Vec<Provider>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Provider {
    name: &'static str,
    summary: &'static str,
    /// `cluster-and-identity`, or `identity` for one that takes the cluster's options beside its own.
    gives: &'static str,
    #[serde(rename = "crate")]
    crate_name: &'static str,
    version: &'static str,
}

pub(crate) fn run(arguments: &PageArguments, session: &Session) -> Result<(), Failure> {
    let providers = kubex::registry()?
        .iter()
        .map(|registration| Provider {
            name: registration.name(),
            summary: registration.summary(),
            gives: if registration.is_source() {
                "identity"
            } else {
                "cluster-and-identity"
            },
            crate_name: registration.crate_name(),
            version: registration.crate_version(),
        })
        .collect();
    page::print(&Providers { providers }, arguments.format.output, session)
}

impl Page for Providers {
    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["NAME", "GIVES", "SUMMARY", "CRATE"]);
        for provider in &self.providers {
            let origin = format!("{} {}", provider.crate_name, provider.version);
            table.row([
                provider.name,
                &provider.gives.replace('-', " "),
                provider.summary,
                &origin,
            ]);
        }
        table.render(style)
    }
}
