//! `kubex contexts`: the contexts of the kubeconfig, each with the line it is on.

use kubex::{Context, configure_from_kubeconfig};
use serde::Serialize;

use crate::arguments::PageArguments;
use crate::failure::Failure;
use crate::page::{self, Page, Table};
use crate::place::Place;
use crate::session::Session;
use crate::style::Style;

/// The contexts in the order of their files.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Contexts {
    current_context: Option<String>,
    contexts: Vec<Entry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Entry {
    name: String,
    is_current: bool,
    cluster: Option<String>,
    user: Option<String>,
    namespace: Option<String>,
    written_at: Place,
}

pub(crate) async fn run(arguments: &PageArguments, session: &Session) -> Result<(), Failure> {
    let mut kubeconfig = configure_from_kubeconfig().host(session.host.clone());
    if let Some(path) = session.flags.kubeconfig() {
        kubeconfig = kubeconfig.path(path);
    }
    let kubeconfig = kubeconfig.load().await?;
    let current = kubeconfig.current_context();
    let page = Contexts {
        current_context: current.map(str::to_owned),
        contexts: kubeconfig
            .contexts()
            .map(|context| Entry::of(context, current))
            .collect(),
    };
    page::print(&page, arguments.format.output, session)
}

impl Entry {
    fn of(context: Context<'_>, current: Option<&str>) -> Self {
        Self {
            name: context.name.to_owned(),
            is_current: current == Some(context.name),
            written_at: Place::from(&context.origin),
            cluster: context.cluster,
            user: context.user,
            namespace: context.namespace,
        }
    }
}

impl Page for Contexts {
    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["CURRENT", "NAME", "CLUSTER", "USER", "NAMESPACE", "WRITTEN AT"]);
        for entry in &self.contexts {
            let or_blank = |text: &'_ Option<String>| text.clone().unwrap_or_default();
            table.row([
                if entry.is_current { "*" } else { "" },
                &entry.name,
                &or_blank(&entry.cluster),
                &or_blank(&entry.user),
                &or_blank(&entry.namespace),
                &entry.written_at.text,
            ]);
            if entry.is_current {
                table.set_off(0, Style::good);
                table.set_off(1, Style::good);
            }
        }
        table.render(style)
    }
}
