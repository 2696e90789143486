//! `kubex contexts`: the contexts of the kubeconfig, each with its location.

use kubex::{Context, configure_from_kubeconfig};
use serde::Serialize;

use crate::failure::Failure;
use crate::output::{self, ListArguments, Output, Style, Table};
use crate::session::Session;
use crate::view::Location;

/// The contexts, in the order of their files.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Contexts {
    current_context: Option<String>,
    contexts: Vec<Entry>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Entry {
    name: String,
    current: bool,
    cluster: Option<String>,
    user: Option<String>,
    namespace: Option<String>,
    origin: Location,
}

pub(crate) async fn run(arguments: &ListArguments, session: &Session) -> Result<(), Failure> {
    let mut kubeconfig = configure_from_kubeconfig().host(session.host.clone());
    if let Some(path) = session.flags.kubeconfig() {
        kubeconfig = kubeconfig.path(path);
    }
    let kubeconfig = kubeconfig.load().await?;
    let current = kubeconfig.current_context();
    let contexts = Contexts {
        current_context: current.map(str::to_owned),
        contexts: kubeconfig
            .contexts()
            .map(|context| Entry::new(context, current))
            .collect(),
    };
    Ok(output::print(&contexts, arguments.format(), &session.host)?)
}

impl Entry {
    fn new(context: Context<'_>, current: Option<&str>) -> Self {
        Self {
            name: context.name.to_owned(),
            current: current == Some(context.name),
            origin: Location::from(&context.origin),
            cluster: context.cluster,
            user: context.user,
            namespace: context.namespace,
        }
    }
}

impl Output for Contexts {
    fn names(&self) -> Vec<&str> {
        self.contexts.iter().map(|entry| entry.name.as_str()).collect()
    }

    fn table(&self, style: Style) -> String {
        let mut table = Table::new(&["CURRENT", "NAME", "CLUSTER", "USER", "NAMESPACE", "LOCATION"]);
        for entry in &self.contexts {
            let or_blank = |text: &'_ Option<String>| text.clone().unwrap_or_default();
            table.row([
                if entry.current { "*" } else { "" },
                &entry.name,
                &or_blank(&entry.cluster),
                &or_blank(&entry.user),
                &or_blank(&entry.namespace),
                &entry.origin.text,
            ]);
            if entry.current {
                table.highlight(0, Style::good);
                table.highlight(1, Style::good);
            }
        }
        table.render(style)
    }
}
