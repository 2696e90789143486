//! The chain from configuration files and variables.
//!
//! Layers, each winning over those before it:
//!
//! 1. the built-in defaults: `chain: [kubeconfig, in-cluster]`
//! 2. `/etc/kubex/config.yaml` or `config.toml`
//! 3. the user's: `$XDG_CONFIG_HOME/kubex/config.yaml`, else `~/.config/kubex/config.yaml`, or `config.toml` there
//! 4. the file that `KUBEX_CONFIG` names, which must be there
//! 5. variables: `KUBEX_CHAIN=in-cluster,kubeconfig`, `KUBEX_SOURCES__KUBECONFIG__CONTEXT=prod`
//! 6. the program: [`Configuration::with`]
//!
//! Mappings are united key by key; in everything else, lists too, the later layer wins. `KUBEX_PROFILE` chooses a
//! named set of the files, which wins over what they say outside of it. The working directory is never looked at.
//!
//! ```
//! use kubex_core::host::SimulatedHost;
//! use kubex::Options;
//! use kubex::config::Configuration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> kubex::Result<()> {
//! let world = SimulatedHost::new();
//! world.set_variable("HOME", "/home/jane");
//! world.set_variable("KUBEX_SOURCES__BREAK_GLASS__ENABLED", "true");
//! world.write("/run/secrets/bg", "abc");
//! world.write("/home/jane/.config/kubex/config.yaml", "
//! chain: [break-glass, kubeconfig]
//! sources:
//!   break-glass:
//!     provider: token-file
//!     server: https://10.0.0.1:6443
//!     token-file: /run/secrets/bg
//!     enabled: false
//! ");
//!
//! let configuration = Configuration::load(&world.host()).await?;
//! let configuration = configuration.with(Options::new().set("overrides.namespace", "team-a"))?;
//! let configuration = configuration.chain(kubex::registry()?)?.build()?.resolve().await?;
//! assert_eq!(configuration.report().chosen().unwrap().source, "break-glass");
//! assert_eq!(configuration.namespace(), "team-a");
//! # Ok(())
//! # }
//! ```
//!
//! A secret is not written into a file: `token-env` names the variable that holds it, `token-file` the file. Every
//! key, with recipes, is in the page `docs/configuration.md` of the repository.

mod document;
mod entry;
mod layer;
mod paths;
mod places;
mod prepare;
mod schema;
mod settings;
mod variables;

use std::collections::HashSet;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use kubex_core::error::Problems;
use kubex_core::host::PluginRules;
use kubex_core::text::{clean_line, nearest};
use kubex_core::{
    Chain, ChainBuilder, Error, ErrorKind, Host, Options, Origin, Registration, Registry, Result, Source,
};

use crate::default_chain::DEFAULT_ORDER;
use layer::Layer;
use settings::{Named, Settings, SourceSettings};

pub use entry::Entry;
pub use schema::schema;

/// How long reading the files may take, for one that is on a network file system.
const READING_LIMIT: Duration = Duration::from_secs(30);

/// The layers, folded into one configuration. See the [module](self).
#[derive(Clone)]
pub struct Configuration {
    host: Host,
    layers: Vec<Layer>,
    profile: Option<Named>,
    settings: Settings,
}

/// Keys may be secrets where somebody wrote a file wrong, so neither keys nor values are shown.
impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration")
            .field("files", &self.files().collect::<Vec<_>>())
            .field("profile", &self.profile())
            .field("sources", &self.settings.sources.len())
            .finish_non_exhaustive()
    }
}

/// What is configured of one source.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceSummary {
    /// Its name.
    pub name: String,
    /// The provider it uses.
    pub provider: String,
    /// Whether it may be asked; off by `enabled: false`.
    pub is_enabled: bool,
    /// Its place in the chain, counted from 0; `None` where the chain does not name it.
    pub position: Option<usize>,
    /// Where it was first written down.
    pub origin: Origin,
}

impl Configuration {
    /// Reads every layer but the program's: the files and variables of this host.
    ///
    /// # Errors
    /// `MalformedDocument`, `UnreadableFile`, `UnknownField`, `InvalidValue`, `DuplicateName`, each with its file
    /// and key and, where the format tells it, its line; `MissingField` for a profile that no file has. What a
    /// source's options have wrong is told by [`chain`](Self::chain).
    pub async fn load(host: &Host) -> Result<Self> {
        let read = host.within(READING_LIMIT, places::layers(host)).await;
        let read = read.unwrap_or_else(|_| {
            let limit = READING_LIMIT.as_secs();
            let message = format!("the configuration files could not be read within {limit} s");
            Err(Error::new(ErrorKind::TimedOut, message))
        });
        let mut layers = vec![Layer::defaults(DEFAULT_ORDER)];
        layers.extend(read?);
        let profile = host.environment().unicode(variables::PROFILE_VARIABLE)?;
        let profile = profile.map(|name| Named {
            name,
            origin: Origin::variable(variables::PROFILE_VARIABLE),
        });
        let files = layer::fold(&layers, chosen(profile.as_ref()))?;
        layers.push(variables::layer(host, &files)?);
        Self::of(host.clone(), layers, profile)
    }

    /// Reads the defaults and this one file, for a look at it alone. A relative path starts at the working
    /// directory.
    ///
    /// # Errors
    /// As [`load`](Self::load), and `UnreadableFile` where it is not there.
    pub async fn from_file(path: impl AsRef<Path>, host: &Host) -> Result<Self> {
        let directory = host.environment().current_directory().unwrap_or_default();
        let path = directory.join(path);
        let file = places::required(&path, host, &Origin::file(&path)).await?;
        Self::of(host.clone(), vec![Layer::defaults(DEFAULT_ORDER), file], None)
    }

    /// Puts the program's own options on top. A key with dots in it is a path, `sources.kubeconfig.context`. Only
    /// here a secret may be given as it is.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    #[expect(
        clippy::needless_pass_by_value,
        reason = "options are handed over, as to a chain"
    )]
    pub fn with(mut self, options: Options) -> Result<Self> {
        self.layers.push(layer::of_code(&options));
        Self::of(self.host, self.layers, self.profile)
    }

    /// The same files with this profile, in place of the one that `KUBEX_PROFILE` names.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn in_profile(self, name: &str) -> Result<Self> {
        let profile = Named {
            name: name.to_owned(),
            origin: Origin::code(),
        };
        Self::of(self.host, self.layers, Some(profile))
    }

    fn of(host: Host, layers: Vec<Layer>, profile: Option<Named>) -> Result<Self> {
        let settings = Settings::of(layer::fold(&layers, chosen(profile.as_ref()))?)?;
        Ok(Self {
            host,
            layers,
            profile,
            settings,
        })
    }

    /// The chain, on the host that the configuration was read on, with everything it says: the sources that are
    /// enabled in their order, their time limits, the overrides and the rules for plugins.
    ///
    /// # Errors
    /// `UnknownSource` for a name in the chain that is neither a source nor a provider, `UnknownProvider`, and what
    /// the options of the chain's sources have wrong, each with its place. All problems are told at once.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "it goes to the chain, as to its builder"
    )]
    pub fn chain(&self, registry: Registry) -> Result<ChainBuilder> {
        let mut problems = Problems::default();
        let overrides = problems
            .take(prepare::overrides(&self.settings.overrides, &self.host))
            .unwrap_or_default();
        let mut chain = Chain::builder(registry.clone()).host(self.host.clone());
        if let Some(rules) = &self.settings.rules {
            chain = self.hand_over_the_plugin_rules(chain, rules);
        }
        let mut prepared = Vec::new();
        for named in &self.settings.chain {
            let Some(source) = problems.take(self.source(named, &registry)) else {
                continue;
            };
            if source.is_enabled {
                let ready = problems.take(prepare::source(&source, &registry, &self.host));
                prepared.extend(ready.map(|ready| (source, ready)));
            }
        }
        problems.into_result()?;
        for (source, ready) in prepared {
            let mut built = Source::from_provider(&source.name, ready.provider).overrides(ready.overriding);
            if let Some(timeout) = source.timeout {
                built = built.timeout(timeout);
            }
            chain = chain.source(built);
        }
        Ok(chain.overrides(overrides))
    }

    /// The one place where the section `exec` reaches what runs plugins: the host of the chain asks these rules
    /// before each run.
    #[expect(
        clippy::unused_self,
        reason = "a method, so that it is found beside what calls it"
    )]
    fn hand_over_the_plugin_rules(&self, chain: ChainBuilder, rules: &PluginRules) -> ChainBuilder {
        chain.plugin_rules(rules.clone())
    }

    /// The source that a name in the chain means.
    fn source(&self, named: &Named, registry: &Registry) -> Result<SourceSettings> {
        if let Some(source) = self.settings.source(&named.name) {
            return Ok(source.clone());
        }
        if registry.get(&named.name).is_ok() {
            return Ok(SourceSettings::bare(named));
        }
        let mut known: Vec<&str> = registry.iter().map(Registration::name).collect();
        known.extend(self.settings.sources.iter().map(|source| source.name.as_str()));
        known.sort_unstable();
        known.dedup();
        let name = clean_line(&named.name).into_owned();
        let message = format!("the chain names \"{name}\", which is neither a source nor a provider");
        let error = Error::new(ErrorKind::UnknownSource, message).with_origin(&named.origin);
        Err(match nearest(&named.name, &known) {
            Some(near) => error.with_help(format_args!("did you mean \"{}\"?", clean_line(near))),
            None => error.with_help(format_args!(
                "describe it under sources.{name}; there are: {}",
                clean_line(&known.join(", "))
            )),
        })
    }

    /// Looks at everything, also at what this chain does not use: sources that are off or not in it, and every
    /// profile of the files.
    ///
    /// # Errors
    /// All that is wrong, at once.
    pub fn check(&self, registry: &Registry) -> Result<()> {
        let mut found = vec![self.check_profile(registry)];
        for name in self.profiles() {
            let profile = self.clone().in_profile(&name);
            found.push(profile.and_then(|profile| profile.check_profile(registry)));
        }
        // What is outside of the profiles is wrong in each of them.
        let mut told = HashSet::new();
        let mut problems = Problems::default();
        for error in found.iter().filter_map(|result| result.as_ref().err()) {
            for problem in error.problems() {
                if told.insert((problem.message(), problem.origin())) {
                    problems.add(alone(problem));
                }
            }
        }
        problems.into_result()
    }

    fn check_profile(&self, registry: &Registry) -> Result<()> {
        let mut problems = Problems::default();
        problems.take(self.chain(registry.clone()));
        let is_looked_at = |source: &SourceSettings| {
            source.is_enabled && self.settings.chain.iter().any(|named| named.name == source.name)
        };
        for source in self
            .settings
            .sources
            .iter()
            .filter(|source| !is_looked_at(source))
        {
            problems.take(prepare::source(source, registry, &self.host));
        }
        problems.into_result()
    }

    /// The sources: those of the chain in their order, then the others by name.
    pub fn sources(&self) -> Vec<SourceSummary> {
        let of_chain = self.settings.chain.iter().enumerate().map(|(position, named)| {
            let source = self.settings.source(&named.name).cloned();
            (
                source.unwrap_or_else(|| SourceSettings::bare(named)),
                Some(position),
            )
        });
        let is_in_chain =
            |source: &&SourceSettings| self.settings.chain.iter().any(|named| named.name == source.name);
        let others = self.settings.sources.iter().filter(|source| !is_in_chain(source));
        of_chain
            .chain(others.map(|source| (source.clone(), None)))
            .map(|(source, position)| SourceSummary {
                provider: source.provider_name().to_owned(),
                name: source.name,
                is_enabled: source.is_enabled,
                position,
                origin: source.origin,
            })
            .collect()
    }

    /// Every value that is set, with where it was written down; a secret, and whatever the registry's providers
    /// say may hold one, is hidden.
    pub fn entries(&self, registry: &Registry) -> Vec<Entry> {
        entry::entries(&self.settings, registry)
    }

    /// The files that were read, in order.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.layers.iter().filter_map(|layer| layer.origin().path())
    }

    /// The names of the profiles that the files have, sorted.
    pub fn profiles(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .layers
            .iter()
            .flat_map(Layer::profile_names)
            .map(str::to_lowercase)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The profile that was chosen.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_ref().map(|profile| profile.name.as_str())
    }

    /// The rules for plugins that are configured.
    pub fn plugin_rules(&self) -> Option<&PluginRules> {
        self.settings.rules.as_ref()
    }
}

/// A problem without those that were found with it.
fn alone(problem: &Error) -> Error {
    let mut error = Error::new(problem.kind(), problem.message());
    if let Some(origin) = problem.origin() {
        error = error.with_origin(origin);
    }
    if let Some(help) = problem.help() {
        error = error.with_help(help);
    }
    match problem.source_name() {
        Some(name) => error.in_source(name),
        None => error,
    }
}

fn chosen(profile: Option<&Named>) -> Option<(&str, &Origin)> {
    profile.map(|profile| (profile.name.as_str(), &profile.origin))
}
