//! The registration of a provider: its name, its options, and the function that builds it.

use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;

use super::Registry;
use super::replacement::ReplacePlugin;
use super::with_cluster::WithCluster;
use crate::error::{Error, ErrorKind, Result};
use crate::host::ProgramRunner;
use crate::options::{ClusterFields, ClusterOptions, Options};
use crate::provider::CredentialProvider;
use crate::source::CredentialSource;

/// The values that [`FromOptions::from_options`] receives in addition to the typed options.
#[derive(Clone, Copy, Debug)]
pub struct BuildContext<'a> {
    /// All registered providers, for a provider that gets its credential from another provider.
    pub registry: &'a Registry,
    /// The options before parsing. They contain the origin of each value, for errors.
    pub options: &'a Options,
}

/// Builds a registered provider or credential source from its options.
pub trait FromOptions: Sized {
    /// The type of the options. Add `#[serde(deny_unknown_fields)]`, so that a misspelled key is an error.
    type Options: DeserializeOwned + JsonSchema;

    /// Builds the provider or the credential source. It must not read files or variables; resolving and fetching do that later.
    ///
    /// # Errors
    /// Returns an error if an option is not valid, or if two options exclude each other.
    fn from_options(options: Self::Options, context: &BuildContext<'_>) -> Result<Self>;
}

type BuildProvider = fn(&Options, &Registry) -> Result<Arc<dyn CredentialProvider>>;
type BuildSource = fn(&Options, &Registry) -> Result<Arc<dyn CredentialSource>>;

/// The function that builds a plugin: a provider, which knows its cluster, or a credential source, which does not.
enum Factory {
    Provider(BuildProvider),
    Source(BuildSource),
}

/// The entry of a provider in the registry. Define it as a `static` with [`register!`](crate::register).
pub struct Registration {
    name: &'static str,
    summary: &'static str,
    crate_name: &'static str,
    crate_version: &'static str,
    schema: fn() -> Schema,
    factory: Factory,
    kubeconfig_keys: &'static [&'static str],
    shown_keys: &'static [&'static str],
    replaces: Option<(&'static str, ReplacePlugin)>,
    program_runner: Option<&'static dyn ProgramRunner>,
}

impl Registration {
    /// Registers a provider that returns both the cluster and the identity.
    pub const fn provider<P: CredentialProvider + FromOptions + 'static>(
        name: &'static str,
        summary: &'static str,
    ) -> Self {
        fn build<P: CredentialProvider + FromOptions + 'static>(
            options: &Options,
            registry: &Registry,
        ) -> Result<Arc<dyn CredentialProvider>> {
            Ok(Arc::new(from_options::<P>(options, registry)?))
        }
        Self::new(
            name,
            summary,
            schema_of::<P::Options>,
            Factory::Provider(build::<P>),
        )
    }

    /// Registers a provider that only returns a credential. Its options may also contain those of the cluster
    /// (`server`, `certificate-authority`, ...).
    pub const fn source<S: CredentialSource + FromOptions + 'static>(
        name: &'static str,
        summary: &'static str,
    ) -> Self {
        fn build<S: CredentialSource + FromOptions + 'static>(
            options: &Options,
            registry: &Registry,
        ) -> Result<Arc<dyn CredentialSource>> {
            Ok(Arc::new(from_options::<S>(options, registry)?))
        }
        Self::new(
            name,
            summary,
            schema_with_cluster::<S::Options>,
            Factory::Source(build::<S>),
        )
    }

    const fn new(
        name: &'static str,
        summary: &'static str,
        schema: fn() -> Schema,
        factory: Factory,
    ) -> Self {
        Self {
            name,
            summary,
            crate_name: "",
            crate_version: "",
            schema,
            factory,
            kubeconfig_keys: &[],
            shown_keys: &[],
            replaces: None,
            program_runner: None,
        }
    }

    /// Sets the crate that contains the provider. [`register!`](crate::register) calls this method.
    #[must_use]
    pub const fn from_crate(mut self, name: &'static str, version: &'static str) -> Self {
        self.crate_name = name;
        self.crate_version = version;
        self
    }

    /// Declares the options that a kubeconfig may set for a user with this provider as `auth-provider`. Other keys in the
    /// kubeconfig are ignored. Without this call, a kubeconfig cannot use the provider.
    ///
    /// Declare only options that an untrusted kubeconfig may set. Time limits and policies are not among them.
    ///
    /// ```
    /// # use kubex_core::{BuildContext, Credential, CredentialSource, FetchRequest, FromOptions, Registration, Result};
    /// # #[derive(serde::Deserialize, schemars::JsonSchema)] struct NoOptions {}
    /// # #[derive(Debug)] struct Vault;
    /// # impl FromOptions for Vault { type Options = NoOptions; fn from_options(_: NoOptions, _: &BuildContext<'_>) -> Result<Self> { Ok(Vault) } }
    /// # #[async_trait::async_trait] impl CredentialSource for Vault {
    /// #   async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> { Ok(Credential::anonymous()) }
    /// #   fn describe(&self) -> String { "vault".into() } }
    /// pub static REGISTRATION: Registration =
    ///     Registration::source::<Vault>("vault", "Tokens from the vault").kubeconfig_keys(&["role"]);
    /// // users: [{name: jane, user: {auth-provider: {name: vault, config: {role: deployer}}}}]
    /// assert!(REGISTRATION.is_source());
    /// ```
    #[must_use]
    pub const fn kubeconfig_keys(mut self, keys: &'static [&'static str]) -> Self {
        self.kubeconfig_keys = keys;
        self
    }

    /// Declares the options whose values people may see, in [`Provenance::value_of`](crate::Provenance::value_of) and in the
    /// output of `kubex explain`: texts, numbers and booleans that are never a secret. The user name and the password in an
    /// address are masked.
    ///
    /// ```
    /// # use kubex_core::{BuildContext, Credential, CredentialSource, FetchRequest, FromOptions, Registration, Result};
    /// # #[derive(serde::Deserialize, schemars::JsonSchema)] struct NoOptions {}
    /// # #[derive(Debug)] struct Vault;
    /// # impl FromOptions for Vault { type Options = NoOptions; fn from_options(_: NoOptions, _: &BuildContext<'_>) -> Result<Self> { Ok(Vault) } }
    /// # #[async_trait::async_trait] impl CredentialSource for Vault {
    /// #   async fn fetch(&self, _: FetchRequest<'_>) -> Result<Credential> { Ok(Credential::anonymous()) }
    /// #   fn describe(&self) -> String { "vault".into() } }
    /// pub static REGISTRATION: Registration =
    ///     Registration::source::<Vault>("vault", "Tokens from the vault").shown_keys(&["role"]);
    /// assert_eq!(REGISTRATION.name(), "vault");
    /// ```
    #[must_use]
    pub const fn shown_keys(mut self, keys: &'static [&'static str]) -> Self {
        self.shown_keys = keys;
        self
    }

    /// Whether people may see the value of this option.
    pub(crate) fn shows(&self, key: &str) -> bool {
        self.shown_keys.contains(&key)
    }

    /// Declares that the provider can replace the exec plugin with this command. It does so only if
    /// [`PluginRules::native`](crate::host::PluginRules::native) lists the plugin.
    #[must_use]
    pub const fn replaces(mut self, command: &'static str, replace: ReplacePlugin) -> Self {
        self.replaces = Some((command, replace));
        self
    }

    /// Returns the command of the exec plugin that this provider can replace; `None` if it replaces none.
    pub fn replaced_plugin(&self) -> Option<&'static str> {
        self.replaces.map(|(command, _)| command)
    }

    /// Declares the runner through which all providers can run other programs. See [`Registry::program_runner`].
    #[must_use]
    pub const fn runs_programs(mut self, runner: &'static dyn ProgramRunner) -> Self {
        self.program_runner = Some(runner);
        self
    }

    /// The runner that the provider lends to the others.
    pub(super) fn program_runner(&self) -> Option<&'static dyn ProgramRunner> {
        self.program_runner
    }

    /// The function that replaces calls of this command.
    pub(super) fn replacement_of(&self, command: &str) -> Option<ReplacePlugin> {
        let (replaced, replace) = self.replaces?;
        (replaced == command).then_some(replace)
    }

    /// Returns the provider's name.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the provider's description, which is one line.
    pub fn summary(&self) -> &'static str {
        self.summary
    }

    /// Returns the name of the crate that contains the provider.
    pub fn crate_name(&self) -> &'static str {
        self.crate_name
    }

    /// Returns the version of the crate that contains the provider.
    pub fn crate_version(&self) -> &'static str {
        self.crate_version
    }

    /// Returns the JSON Schema of the provider's options, including those of the cluster if the provider accepts them.
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// Returns whether the provider only returns a credential. If so, the user of a kubeconfig and other providers can refer to
    /// it by name.
    pub fn is_source(&self) -> bool {
        matches!(self.factory, Factory::Source(_))
    }

    pub(super) fn build_provider(
        &self,
        mut options: Options,
        registry: &Registry,
    ) -> Result<Arc<dyn CredentialProvider>> {
        match &self.factory {
            Factory::Provider(build) => build(&options, registry),
            Factory::Source(build) => {
                let cluster = options.split_off(ClusterOptions::KEYS);
                cluster.parse::<ClusterFields>()?;
                let source = build(&options, registry)?;
                Ok(Arc::new(WithCluster::new(self.name, cluster, options, source)))
            }
        }
    }

    pub(super) fn build_source(
        &self,
        options: Options,
        registry: &Registry,
    ) -> Option<Result<Arc<dyn CredentialSource>>> {
        match &self.factory {
            Factory::Provider(_) => None,
            Factory::Source(build) if options.is_from_kubeconfig() => Some(
                self.allowed_to_kubeconfigs(options)
                    .and_then(|options| build(&options, registry)),
            ),
            Factory::Source(build) => Some(build(&options, registry)),
        }
    }

    /// The options without the keys that a kubeconfig may not set.
    fn allowed_to_kubeconfigs(&self, mut options: Options) -> Result<Options> {
        if self.kubeconfig_keys.is_empty() {
            return Err(Error::new(
                ErrorKind::Refused,
                format_args!("a kubeconfig may not use the provider \"{}\"", self.name),
            )
            .with_origin(options.origin())
            .with_help("use the provider in Kubex's own configuration"));
        }
        Ok(options.split_off(self.kubeconfig_keys))
    }
}

fn from_options<P: FromOptions>(options: &Options, registry: &Registry) -> Result<P> {
    P::from_options(options.parse()?, &BuildContext { registry, options })
}

fn schema_of<O: JsonSchema>() -> Schema {
    schemars::schema_for!(O)
}

/// Returns one object schema with the plugin's own options and those of the cluster.
fn schema_with_cluster<O: JsonSchema>() -> Schema {
    let mut schema = schemars::schema_for!(O);
    let cluster = schemars::schema_for!(ClusterFields);
    if let Some(fields) = cluster
        .get("properties")
        .and_then(|properties| properties.as_object())
    {
        let own = schema
            .ensure_object()
            .entry("properties")
            .or_insert_with(|| serde_json::json!({}));
        if let Some(own) = own.as_object_mut() {
            own.extend(fields.clone());
        }
    }
    schema
}

impl fmt::Debug for Registration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registration")
            .field("name", &self.name)
            .field(
                "crate",
                &format_args!("{} {}", self.crate_name, self.crate_version),
            )
            .finish_non_exhaustive()
    }
}
