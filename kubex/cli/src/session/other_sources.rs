//! Finds the source that contains a name, if the selected source does not contain it.

use std::time::Duration;

use kubex::config::{Configuration, SourceSummary};
use kubex::origin::Place;
use kubex::text::{sanitize_line, shell_word};
use kubex::{Chain, Error, ErrorKind, Options, Origin, registry};

use super::{KUBECONFIG, Session, mapping};

/// The time limit of the search. It reads only files, and only adds help to an existing error.
const SEARCH_LIMIT: Duration = Duration::from_secs(2);

impl Session {
    /// Adds help to an error. If a flag names a context, a cluster or a user that only the kubeconfig of another source
    /// contains, the help names that source.
    pub(super) async fn with_help_from_other_sources(&self, error: Error) -> Error {
        let is_about_a_name = matches!(
            error.kind(),
            ErrorKind::MissingContext | ErrorKind::MissingCluster | ErrorKind::MissingUser
        );
        let asked = match error.origin().map(Origin::place) {
            Some(Place::Flag(flag)) if is_about_a_name && self.flags.kubeconfig().is_none() => {
                self.flags.selected(flag)
            }
            _ => None,
        };
        let Some((key, name)) = asked else {
            return error;
        };
        let used = error.source_name().map(str::to_owned);
        let search = self.host.within(
            SEARCH_LIMIT,
            Box::pin(self.source_with(key, name, used.as_deref())),
        );
        match search.await {
            Ok(Some(help)) => error.with_help(help),
            _ => error,
        }
    }

    /// The help that names the first other source that contains this name.
    async fn source_with(&self, key: &str, name: &str, used: Option<&str>) -> Option<String> {
        let configuration = self.configuration().await.ok()?;
        let is_other =
            |source: &SourceSummary| source.provider == KUBECONFIG && Some(source.name.as_str()) != used;
        for source in configuration.sources().into_iter().filter(is_other) {
            let as_configured = alone(&configuration, &source.name, Options::new());
            if let Some(chain) = as_configured
                && let Ok(resolved) = chain.resolve().await
                && resolved.provenance().value_of(key) == Some(name)
            {
                let shown = sanitize_line(&source.name).into_owned();
                return Some(format!(
                    "the source \"{shown}\" uses it: write --source {} in place of --{key}",
                    shell_word(&shown)
                ));
            }
            let selected = Options::new().set(key, name);
            if let Some(chain) = alone(&configuration, &source.name, selected)
                && chain.find().await.is_ok()
            {
                let shown = sanitize_line(&source.name).into_owned();
                return Some(format!(
                    "the kubeconfig of the source \"{shown}\" has it: set \"{key}\" of that source, and write --source {} in \
                     place of --{key}",
                    shell_word(&shown)
                ));
            }
        }
        None
    }
}

/// A chain of this source alone, with these additional options.
fn alone(configuration: &Configuration, source: &str, options: Options) -> Option<Chain> {
    let options = mapping(&options.set("enabled", true));
    let alone = Options::new()
        .set("chain", vec![source])
        .set("sources", mapping(&Options::new().set(source, options)));
    let configuration = configuration.clone().with(alone).ok()?;
    configuration.chain(registry().ok()?).ok()?.build().ok()
}
