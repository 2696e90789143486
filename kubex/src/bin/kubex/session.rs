//! What a run of the command has at hand: the flags, the host, and both streams.

use std::io::{self, IsTerminal as _, Write as _};

use kubex::config::Configuration;
use kubex::host::Terminal;
use kubex::options::Value;
use kubex::{Chain, ClientConfiguration, Host, Options, Source, registry};

use crate::failure::Failure;
use crate::flags::Flags;
use crate::say::say;
use crate::style::Style;

/// One run of the command.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) flags: Flags,
    pub(crate) host: Host,
}

impl Session {
    pub(crate) fn new(flags: Flags) -> Self {
        Self {
            flags,
            // Nothing here reads standard input, so a plugin may ask its user there.
            host: Host::real().with_terminal(Terminal::standard_input()),
        }
    }

    /// What files, variables and the flags that are no choice of a kubeconfig's say.
    pub(crate) async fn configuration(&self) -> kubex::Result<Configuration> {
        let configuration = Configuration::load(&self.host).await?;
        let overrides = self.flags.overrides_on_top();
        if overrides.is_empty() {
            return Ok(configuration);
        }
        configuration.with(Options::new().set("overrides", mapping(&overrides)))
    }

    /// The configured chain; or the kubeconfig alone, where the flags choose something of it. With a context that was
    /// asked for by name, the pod's identity would be somebody else's.
    pub(crate) async fn chain(&self) -> kubex::Result<Chain> {
        let configuration = self.configuration().await?;
        let Some(chosen) = self.flags.kubeconfig_options() else {
            return configuration.chain(registry()?)?.build();
        };
        if self.flags.kubeconfig().is_some() {
            // Another kubeconfig has other contexts: what is configured of the usual one does not count.
            let nothing = Options::new().set("chain", Vec::<String>::new());
            let chain = configuration.with(nothing)?.chain(registry()?)?;
            return chain.source(Source::new(KUBECONFIG).options(chosen)).build();
        }
        let sources = configuration.sources();
        let mut kubeconfigs = sources.iter().filter(|source| source.provider == KUBECONFIG);
        let first = kubeconfigs.clone().next();
        let name = kubeconfigs
            .find(|source| source.name == KUBECONFIG)
            .or(first)
            .map_or(KUBECONFIG, |source| &source.name);
        let sources = Options::new().set(name, mapping(&chosen.set("enabled", true)));
        let alone = Options::new()
            .set("chain", vec![name])
            .set("sources", mapping(&sources));
        configuration.with(alone)?.chain(registry()?)?.build()
    }

    /// What the chain answers.
    pub(crate) async fn resolve(&self) -> kubex::Result<ClientConfiguration> {
        self.chain().await?.resolve().await
    }

    /// The same for a subcommand that goes on with the answer: what its user should know is said first.
    pub(crate) async fn resolve_and_warn(&self) -> Result<ClientConfiguration, Failure> {
        let configuration = self.resolve().await?;
        let style = Style::of_standard_error(&self.host);
        for warning in configuration.warnings() {
            say(&format!("{} {warning}", style.warning("warning:")));
        }
        Ok(configuration)
    }

    /// Prints data that is clean already.
    #[expect(clippy::unused_self, reason = "the streams are the session's")]
    pub(crate) fn print(&self, text: &str) -> Result<(), Failure> {
        Ok(io::stdout().lock().write_all(text.as_bytes())?)
    }

    /// Whether a person reads the data.
    #[expect(clippy::unused_self, reason = "the streams are the session's")]
    pub(crate) fn prints_to_a_terminal(&self) -> bool {
        io::stdout().is_terminal()
    }
}

/// The provider that the flags choose something of.
const KUBECONFIG: &str = "kubeconfig";

fn mapping(options: &Options) -> Vec<(String, Value)> {
    let entries = options.iter();
    entries
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect()
}
