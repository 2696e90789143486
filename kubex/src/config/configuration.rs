//! The merged configuration, and the chain that it defines.

mod check;

use std::fmt;
use std::path::Path;
use std::time::Duration;

use kubex_core::error::Problems;
use kubex_core::host::PluginRules;
use kubex_core::text::{clean_line, nearest};
use kubex_core::{
    Chain, ChainBuilder, Error, ErrorKind, Host, Options, Origin, Registration, Registry, Result, Source,
    Warning,
};

use super::entry::{self, Entry};
use super::layer::{self, Layer};
use super::places::NamedFile;
use super::prepare::PreparedSource;
use super::settings::{LocatedName, Settings, SourceSettings};
use super::{native, places, prepare, unlinked, variables};
use crate::default_chain::DEFAULT_ORDER;
use crate::kuberc::Kuberc;

/// How long reading the files may take; one may be on a network file system.
const READING_LIMIT: Duration = Duration::from_secs(30);

/// The configuration of Kubex, merged from its files, variables and the program's options. See the [module](super).
#[derive(Clone)]
pub struct Configuration {
    host: Host,
    layers: Vec<Layer>,
    profile: Option<LocatedName>,
    /// The kuberc that is read, unless the configuration turns it off.
    kuberc: Option<Kuberc>,
    settings: Settings,
    /// The rules for plugins, with the policy of the kuberc.
    rules: Option<PluginRules>,
    /// The warning about an allowlist that a later layer put out of force.
    unused_allowlist: Option<Warning>,
}

/// Shows neither keys nor values: in a file with a mistake, a key may be a secret.
impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration")
            .field("files", &self.files().collect::<Vec<_>>())
            .field("profile", &self.profile())
            .field("sources", &self.settings.sources.len())
            .finish_non_exhaustive()
    }
}

/// A summary of one configured source. [`Configuration::sources`] returns one for each source.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceSummary {
    /// The name of the source.
    pub name: String,
    /// The name of the provider.
    pub provider: String,
    /// Whether the chain tries the source. `enabled: false` turns a source off.
    pub is_enabled: bool,
    /// The position of the source in the chain, from 0. `None` if the source is not in the chain.
    pub position: Option<usize>,
    /// The place where the source is first defined.
    pub origin: Origin,
}

impl Configuration {
    /// Reads the configuration files and the variables of this host. The program's options are not included: add them with
    /// [`with_defaults`](Self::with_defaults) and [`with`](Self::with). The options of the sources are checked later, by
    /// [`chain`](Self::chain).
    ///
    /// # Errors
    /// Each error contains file, line and key.
    ///
    /// - [`ErrorKind::MalformedDocument`]: a file is neither YAML nor TOML.
    /// - [`ErrorKind::UnreadableFile`]: a file exists, but it cannot be read.
    /// - [`ErrorKind::UnknownField`]: a key is not known.
    /// - [`ErrorKind::InvalidValue`]: a value has the wrong type or is not valid.
    /// - [`ErrorKind::DuplicateName`]: a key is written twice.
    /// - [`ErrorKind::MissingField`]: no file contains the selected profile.
    /// - [`ErrorKind::TimedOut`]: the files cannot be read within 30 s.
    pub async fn load(host: &Host) -> Result<Self> {
        Self::load_named(host, None).await
    }

    /// Like [`load`](Self::load), but reads this file instead of the one in `KUBEX_CONFIG`. A relative path starts at
    /// the working directory. Errors contain `origin`: the place that the path comes from, such as a command-line flag.
    ///
    /// # Errors
    /// Returns the errors of [`load`](Self::load), and [`ErrorKind::UnreadableFile`] if the file does not exist.
    pub async fn load_with_file(path: impl AsRef<Path>, origin: Origin, host: &Host) -> Result<Self> {
        let path = host.from_working_directory(path.as_ref());
        Self::load_named(host, Some(NamedFile { path, origin })).await
    }

    async fn load_named(host: &Host, named: Option<NamedFile>) -> Result<Self> {
        let read = host.within(READING_LIMIT, places::layers(host, named)).await;
        let read = read.unwrap_or_else(|_| {
            let limit = READING_LIMIT.as_secs();
            let message = format!("the configuration files could not be read within {limit} s");
            Err(Error::new(ErrorKind::TimedOut, message))
        });
        let mut layers = vec![Layer::defaults(DEFAULT_ORDER)];
        layers.extend(read?);
        let profile = host.environment().unicode(variables::PROFILE_VARIABLE)?;
        let profile = profile.map(|name| LocatedName {
            name,
            origin: Origin::variable(variables::PROFILE_VARIABLE),
        });
        let files = layer::merge(&layers, name_and_origin(profile.as_ref()))?;
        layers.push(variables::layer(host, &files)?);
        Self::from_layers(host.clone(), layers, profile, None)
    }

    /// Reads the built-in defaults and this file, and ignores all other files and variables. A relative path starts at
    /// the working directory.
    ///
    /// # Errors
    /// Returns the errors of [`load`](Self::load), and [`ErrorKind::UnreadableFile`] if the file does not exist.
    pub async fn from_file(path: impl AsRef<Path>, host: &Host) -> Result<Self> {
        let path = host.from_working_directory(path.as_ref());
        let file = places::required(&path, host, &Origin::file(&path)).await?;
        Self::from_layers(
            host.clone(),
            vec![Layer::defaults(DEFAULT_ORDER), file],
            None,
            None,
        )
    }

    /// Adds the program's own defaults: options that every file, profile and variable can change. They are the layer below the
    /// files of the machine. The defaults of a later call win over those of an earlier one. A key with dots is a path.
    ///
    /// ```
    /// use kubex::Options;
    /// use kubex::config::Configuration;
    /// use kubex_core::host::SimulatedHost;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> kubex::Result<()> {
    /// let world = SimulatedHost::new();
    /// let defaults = Options::new().set("chain", vec!["in-cluster", "kubeconfig"]);
    /// let configuration = Configuration::load(&world.host()).await?.with_defaults(defaults.clone())?;
    /// assert_eq!(configuration.sources()[0].name, "in-cluster");
    ///
    /// world.write("/etc/kubex/config.yaml", "chain: [kubeconfig]");
    /// let configuration = Configuration::load(&world.host()).await?.with_defaults(defaults)?;
    /// assert_eq!(configuration.sources()[0].name, "kubeconfig");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Returns the errors of [`load`](Self::load).
    #[expect(
        clippy::needless_pass_by_value,
        reason = "takes the options by value, as a chain does"
    )]
    pub fn with_defaults(mut self, options: Options) -> Result<Self> {
        let at = self
            .layers
            .iter()
            .take_while(|layer| layer.is_of_defaults())
            .count();
        self.layers.insert(at, Layer::program_defaults(&options));
        // The names of the defaults keep their spelling, as those of the files do.
        if let Some(at) = self.layers.iter().position(Layer::is_of_variables) {
            let before = self.layers.get(..at).unwrap_or_default();
            let named = layer::merge(before, name_and_origin(self.profile.as_ref()))?;
            let variables = variables::layer(&self.host, &named)?;
            if let Some(layer) = self.layers.get_mut(at) {
                *layer = variables;
            }
        }
        Self::from_layers(self.host, self.layers, self.profile, self.kuberc)
    }

    /// Adds the program's options as the last layer, which overrides all others. A key may be a path with dots, such
    /// as `sources.kubeconfig.context`. Unlike a file, the options may contain secrets.
    ///
    /// # Errors
    /// Returns the errors of [`load`](Self::load).
    #[expect(
        clippy::needless_pass_by_value,
        reason = "takes the options by value, as a chain does"
    )]
    pub fn with(mut self, options: Options) -> Result<Self> {
        self.layers.push(Layer::from_options(&options));
        Self::from_layers(self.host, self.layers, self.profile, self.kuberc)
    }

    /// Also applies the plugin policy of this kuberc (the preferences file of kubectl). A plugin runs only if both
    /// this policy and Kubex's own policy permit it.
    ///
    /// `exec.kuberc: false` in the configuration turns this policy off, unless the kuberc comes from
    /// [`Kuberc::from_file`].
    #[must_use]
    pub fn with_kuberc(mut self, kuberc: Kuberc) -> Self {
        self.kuberc = Some(kuberc);
        self.rules = rules(&self.settings, self.kuberc.as_ref(), &self.host);
        self
    }

    /// Merges the same layers again, with this profile instead of the one in `KUBEX_PROFILE`.
    ///
    /// # Errors
    /// Returns the errors of [`load`](Self::load).
    pub fn in_profile(self, name: &str) -> Result<Self> {
        let profile = LocatedName {
            name: name.to_owned(),
            origin: Origin::code(),
        };
        Self::from_layers(self.host, self.layers, Some(profile), self.kuberc)
    }

    fn from_layers(
        host: Host,
        layers: Vec<Layer>,
        profile: Option<LocatedName>,
        kuberc: Option<Kuberc>,
    ) -> Result<Self> {
        let mut problems = Problems::new();
        let configuration = Self::from_valid_parts(host, layers, profile, kuberc, &mut problems)?;
        problems.into_result().map(|()| configuration)
    }

    /// Like [`from_layers`](Self::from_layers), but leaves out the parts that have a problem.
    fn from_valid_parts(
        host: Host,
        layers: Vec<Layer>,
        profile: Option<LocatedName>,
        kuberc: Option<Kuberc>,
        problems: &mut Problems,
    ) -> Result<Self> {
        for problem in layers.iter().flat_map(Layer::problems) {
            problems.add(problem.clone());
        }
        let tree = layer::merge(&layers, name_and_origin(profile.as_ref()))?;
        let selected = profile.as_ref().map(|profile| profile.name.as_str());
        let unused_allowlist = layer::unused_allowlist(&layers, selected, &tree);
        let settings = Settings::read(tree, problems);
        let rules = rules(&settings, kuberc.as_ref(), &host);
        Ok(Self {
            host,
            layers,
            profile,
            kuberc,
            settings,
            rules,
            unused_allowlist,
        })
    }

    /// Returns a builder of the configured chain. It contains the enabled sources in order, their time limits, the
    /// overrides and the plugin rules. It uses the host that the configuration was read from.
    ///
    /// # Errors
    /// The error contains all problems, each with its location:
    ///
    /// - [`ErrorKind::UnknownSource`]: a name in the chain is neither a source nor a provider.
    /// - [`ErrorKind::UnknownProvider`]: the provider of a source is not in the registry.
    /// - The problems of the sources' options.
    pub fn chain(&self, registry: Registry) -> Result<ChainBuilder> {
        let mut problems = Problems::new();
        let (overrides, unset) = self.overrides(&mut problems);
        if let Some(unset) = unset {
            problems.add(unset);
        }
        let unreplaced = self.unreplaced_plugins(&registry);
        let prepared = self.prepared(&registry, &mut problems);
        let references = self.references(&prepared, &registry, &mut problems);
        problems.into_result()?;
        let mut chain = Chain::builder(registry).host(self.host.clone());
        if let Some(rules) = &self.rules {
            chain = chain.plugin_rules(rules.clone());
        }
        for (source, ready) in prepared {
            chain = chain.source(built(&source, ready)?);
        }
        for (source, ready) in references {
            chain = chain.reference(built(&source, ready)?);
        }
        for warning in self.warnings().cloned().chain(unreplaced) {
            chain = chain.warning(warning);
        }
        Ok(chain.overrides(overrides))
    }

    fn overrides(&self, problems: &mut Problems) -> (Options, Option<Error>) {
        prepare::prepare_overrides(&self.settings.overrides, &self.host, problems)
    }

    /// The enabled sources of the chain that have no problem.
    fn prepared(
        &self,
        registry: &Registry,
        problems: &mut Problems,
    ) -> Vec<(SourceSettings, PreparedSource)> {
        let mut prepared = Vec::new();
        for named in &self.settings.chain {
            let Some(source) = problems.take(self.source(named, registry)) else {
                continue;
            };
            if source.is_enabled {
                let ready = problems.take(prepare::prepare_source(&source, registry, &self.host));
                prepared.extend(ready.map(|ready| (source, ready)));
            }
        }
        prepared
    }

    /// The sources that enabled ones refer to by `through`, and that the chain does not try itself. They need not be
    /// enabled.
    fn references(
        &self,
        prepared: &[(SourceSettings, PreparedSource)],
        registry: &Registry,
        problems: &mut Problems,
    ) -> Vec<(SourceSettings, PreparedSource)> {
        let mut references: Vec<(SourceSettings, PreparedSource)> = Vec::new();
        let mut named: Vec<LocatedName> = prepared
            .iter()
            .filter_map(|(source, _)| through(source))
            .collect();
        while let Some(name) = named.pop() {
            let mut known = prepared.iter().chain(&references);
            if known.any(|(source, _)| source.name == name.name) {
                continue;
            }
            let found = self.source(&name, registry).map_err(|error| {
                let message = format!(
                    "\"through\" names \"{}\", which is neither a source nor a provider",
                    clean_line(&name.name)
                );
                let help = error.help().unwrap_or("name a source").to_owned();
                Error::new(ErrorKind::UnknownSource, message)
                    .with_origin(&name.origin)
                    .with_help(help)
            });
            let Some(source) = problems.take(found) else {
                continue;
            };
            named.extend(through(&source));
            let ready = problems.take(prepare::prepare_source(&source, registry, &self.host));
            references.extend(ready.map(|ready| (source, ready)));
        }
        references
    }

    /// The source that the chain names.
    fn source(&self, named: &LocatedName, registry: &Registry) -> Result<SourceSettings> {
        if let Some(source) = self.settings.source(&named.name) {
            return Ok(source.clone());
        }
        if registry.get(&named.name).is_ok() {
            return Ok(SourceSettings::from_name(named));
        }
        let mut known: Vec<&str> = registry.iter().map(Registration::name).collect();
        known.extend(self.settings.sources.iter().map(|source| source.name.as_str()));
        known.sort_unstable();
        known.dedup();
        let name = clean_line(&named.name).into_owned();
        let message = format!("the chain names \"{name}\", which is neither a source nor a provider");
        let error = Error::new(ErrorKind::UnknownSource, message).with_origin(&named.origin);
        if let Some(help) = unlinked::how_to_link(&named.name) {
            return Err(error.with_help(help));
        }
        Err(match nearest(&named.name, &known) {
            Some(near) => error.with_help(format_args!("did you mean \"{}\"?", clean_line(near))),
            None => error.with_help(format_args!(
                "define it under sources.{name}, or link the crate of a provider with this name and check that \
                 `cargo tree -i kubex-core` prints one tree, not \"ambiguous\"; known names: {}",
                clean_line(&known.join(", "))
            )),
        })
    }

    /// Returns all sources: first those of the chain, in order, then the others, sorted by name.
    pub fn sources(&self) -> Vec<SourceSummary> {
        let in_chain = self.settings.chain.iter().enumerate().map(|(position, named)| {
            let source = self.settings.source(&named.name).cloned();
            (
                source.unwrap_or_else(|| SourceSettings::from_name(named)),
                Some(position),
            )
        });
        let is_in_chain =
            |source: &&SourceSettings| self.settings.chain.iter().any(|named| named.name == source.name);
        let others = self.settings.sources.iter().filter(|source| !is_in_chain(source));
        in_chain
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

    /// Returns every configured value with its origin. A value is masked if the schema of its provider in `registry` marks it
    /// as secret, or if it looks like a secret.
    pub fn entries(&self, registry: &Registry) -> Vec<Entry> {
        entry::entries(&self.settings, registry)
    }

    /// Returns the paths of the files that were read, in order.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.layers.iter().filter_map(|layer| layer.origin().path())
    }

    /// Returns the warnings about the configuration files and variables. A
    /// [`ClientConfiguration`](crate::ClientConfiguration) that is resolved from this configuration contains them too.
    pub fn warnings(&self) -> impl Iterator<Item = &Warning> {
        let of_layers = self.layers.iter().flat_map(Layer::warnings);
        of_layers.chain(&self.unused_allowlist)
    }

    /// Returns a warning for each plugin in `exec.native` that no provider can replace. A
    /// [`ClientConfiguration`](crate::ClientConfiguration) that is resolved from this configuration contains them too.
    pub fn unreplaced_plugins(&self, registry: &Registry) -> Vec<Warning> {
        native::warnings(&self.settings, registry)
    }

    /// Returns the names of all profiles in the files, in lower case and sorted.
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

    /// Returns the name of the selected profile, or `None` if no profile is selected.
    pub fn profile(&self) -> Option<&str> {
        self.profile.as_ref().map(|profile| profile.name.as_str())
    }

    /// Returns the configured plugin rules, including the policy of the kuberc if it is read. `None` if the
    /// configuration sets no rules; the rules of the host apply then.
    pub fn plugin_rules(&self) -> Option<&PluginRules> {
        self.rules.as_ref()
    }
}

/// The rules of the settings, with the policy of the kuberc. `None` leaves those of the host.
fn rules(settings: &Settings, kuberc: Option<&Kuberc>, host: &Host) -> Option<PluginRules> {
    let own = settings.rules.clone();
    let kuberc = match (settings.reads_kuberc, kuberc) {
        (Some(true), None) => Some(Kuberc::new()),
        (Some(false), Some(kuberc)) if !kuberc.is_named() => None,
        (_, kuberc) => kuberc.cloned(),
    };
    match kuberc {
        None => own,
        Some(kuberc) => {
            let rules = own.unwrap_or_else(|| host.plugin_rules().clone());
            Some(rules.and_policy(kuberc.policy()))
        }
    }
}

fn name_and_origin(profile: Option<&LocatedName>) -> Option<(&str, &Origin)> {
    profile.map(|profile| (profile.name.as_str(), &profile.origin))
}

/// The source of the chain.
fn built(source: &SourceSettings, ready: PreparedSource) -> Result<Source> {
    let mut built = Source::from_provider(&source.name, ready.provider).overrides(ready.overrides);
    if let Some(timeout) = source.timeout {
        built = built.timeout(timeout);
    }
    super::cache::apply(built, source)
}

/// The name of the source that this one refers to.
fn through(source: &SourceSettings) -> Option<LocatedName> {
    let written = source.options.get("through")?;
    Some(LocatedName {
        name: written.as_str()?.to_owned(),
        origin: written.origin().clone(),
    })
}
