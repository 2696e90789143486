//! One run of the command: its flags, its host, and the chain that they select.

mod flags;
mod other_sources;
mod wait;

use std::sync::Arc;

use async_trait::async_trait;
use kubex::config::{Configuration, SourceSummary};
use kubex::follow::{ChainLoader, Follow, Watch};
use kubex::host::{Input, PluginStderr, Terminal};
use kubex::options::{Value, ValueKind};
use kubex::{Chain, ClientConfiguration, Host, Options, Origin, Source, registry};

pub(crate) use self::flags::Flags;
pub(crate) use self::wait::waiting_for;
use crate::failure::Failure;
use crate::output::{Style, print_message};

/// One run of the command.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) flags: Flags,
    pub(crate) host: Host,
}

impl Session {
    pub(crate) fn new(flags: Flags) -> Self {
        Self {
            flags,
            // The command itself never reads stdin, so a plugin may ask its user there.
            host: Host::real()
                .with_terminal(Terminal::standard_input())
                .with_plugin_stderr(PluginStderr::inherit()),
        }
    }

    /// The configuration of files and variables, with the overrides of the flags.
    pub(crate) async fn configuration(&self) -> kubex::Result<Configuration> {
        self.configuration_on(&self.host).await
    }

    async fn configuration_on(&self, host: &Host) -> kubex::Result<Configuration> {
        let configuration = match self.flags.config() {
            Some(file) => Configuration::load_with_file(file, Origin::flag("--config"), host).await?,
            None => Configuration::load(host).await?,
        };
        let configuration = configuration.with_kuberc(self.flags.kuberc());
        let overrides = self.flags.overrides();
        if overrides.is_empty() {
            return Ok(configuration);
        }
        configuration.with(Options::new().set("overrides", mapping(&overrides)))
    }

    /// The configured chain. If the flags select something in the kubeconfig, the chain is the kubeconfig alone, because the
    /// pod's service account would be another identity than the selected one.
    pub(crate) async fn chain(&self) -> kubex::Result<Chain> {
        let configuration = self.configuration().await?;
        if let Some(name) = self.flags.source() {
            let origin = Origin::flag("--source");
            let mut alone = Options::new();
            let item = Value::new(name, origin.clone());
            alone.insert(
                "chain",
                Value::new(ValueKind::Sequence(vec![item]), origin.clone()),
            );
            // A source that is named by a flag is used even if the configuration disables it.
            let is_off = |source: &SourceSummary| source.name == name && !source.is_enabled;
            if configuration.sources().iter().any(is_off) {
                alone.insert(&format!("sources.{name}.enabled"), Value::new(true, origin));
            }
            return configuration.with(alone)?.chain(registry()?)?.build();
        }
        let Some(selected) = self.flags.kubeconfig_options() else {
            return configuration.chain(registry()?)?.build();
        };
        if self.flags.kubeconfig().is_some() {
            // Another kubeconfig has other contexts, so the configured options do not apply to it.
            let empty = Options::new().set("chain", Vec::<String>::new());
            let chain = configuration.with(empty)?.chain(registry()?)?;
            return chain.source(Source::new(KUBECONFIG).options(selected)).build();
        }
        let sources = configuration.sources();
        let mut kubeconfigs = sources.iter().filter(|source| source.provider == KUBECONFIG);
        let first = kubeconfigs.clone().next();
        let name = kubeconfigs
            .find(|source| source.name == KUBECONFIG)
            .or(first)
            .map_or(KUBECONFIG, |source| &source.name);
        let sources = Options::new().set(name, mapping(&selected.set("enabled", true)));
        let alone = Options::new()
            .set("chain", vec![name])
            .set("sources", mapping(&sources));
        configuration.with(alone)?.chain(registry()?)?.build()
    }

    /// A chain with this source alone, on another host.
    pub(crate) async fn chain_of(&self, source: &str, host: &Host) -> kubex::Result<Chain> {
        // The caller shares the credential itself.
        let private = Options::new().set(source, mapping(&Options::new().set("cache", "memory")));
        let alone = Options::new()
            .set("chain", vec![source])
            .set("sources", mapping(&private));
        let configuration = self.configuration_on(host).await?.with(alone)?;
        configuration.chain(registry()?)?.build()
    }

    /// Resolves the chain.
    pub(crate) async fn resolve(&self) -> kubex::Result<ClientConfiguration> {
        self.resolve_with_inputs().await.map(|(resolved, _)| resolved)
    }

    /// Resolves the chain. Also returns what the chosen source was read from.
    pub(crate) async fn resolve_with_inputs(&self) -> kubex::Result<(ClientConfiguration, Vec<Input>)> {
        self.resolve_chain(&self.chain().await?).await
    }

    /// Like [`resolve_with_inputs`](Self::resolve_with_inputs), for the chain of this session.
    pub(crate) async fn resolve_chain(
        &self,
        chain: &Chain,
    ) -> kubex::Result<(ClientConfiguration, Vec<Input>)> {
        match chain.resolve_with_inputs().await {
            Ok(resolved) => Ok(resolved),
            Err(error) => Err(self.with_help_from_other_sources(error).await),
        }
    }

    /// Resolves the chain, and watches for changes of its sources and of the configuration.
    pub(crate) async fn watch(&self) -> kubex::Result<Watch> {
        let chain = self.chain().await?;
        match Follow::new(chain).reloading(Arc::new(self.clone())).watch().await {
            Ok(watch) => Ok(watch),
            Err(error) => Err(self.with_help_from_other_sources(error).await),
        }
    }

    /// Resolves the chain and prints the warnings, for a subcommand whose output does not contain them.
    pub(crate) async fn resolve_and_warn(&self) -> Result<ClientConfiguration, Failure> {
        let configuration = self.resolve().await?;
        let style = Style::for_stderr(&self.host);
        for warning in configuration.warnings() {
            print_message(&format!("{} {warning}", style.warning("warning:")));
        }
        Ok(configuration)
    }
}

#[async_trait]
impl ChainLoader for Session {
    async fn load(&self) -> kubex::Result<Chain> {
        self.chain().await
    }
}

/// The provider whose options the flags select.
const KUBECONFIG: &str = "kubeconfig";

fn mapping(options: &Options) -> Vec<(String, Value)> {
    let entries = options.iter();
    entries
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect()
}
