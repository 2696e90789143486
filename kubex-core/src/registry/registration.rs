//! One plugin's entry: its name, its options, and how it is built.

use std::fmt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema};
use serde::de::DeserializeOwned;

use super::Registry;
use super::with_cluster::WithCluster;
use crate::error::Result;
use crate::options::{ClusterFields, ClusterOptions, Options};
use crate::provider::CredentialProvider;
use crate::source::CredentialSource;

/// What a plugin is built from.
#[derive(Clone, Copy, Debug)]
pub struct BuildContext<'a> {
    /// The other plugins, for one that names a credential source of another kind.
    pub registry: &'a Registry,
    /// The options as they were written, for the place of each in an error.
    pub options: &'a Options,
}

/// A plugin that is made from options of its own type.
pub trait FromOptions: Sized {
    /// The options. Give them `deny_unknown_fields`, so that a typing error is found.
    type Options: DeserializeOwned + JsonSchema;

    /// Makes the plugin. Nothing is read here; that is what resolving and fetching are for.
    ///
    /// # Errors
    /// For options that cannot be meant together.
    fn from_options(options: Self::Options, context: &BuildContext<'_>) -> Result<Self>;
}

type BuildProvider = fn(&Options, &Registry) -> Result<Arc<dyn CredentialProvider>>;
type BuildSource = fn(&Options, &Registry) -> Result<Arc<dyn CredentialSource>>;

/// How a plugin is built: one that knows its cluster, or one that knows an identity alone.
enum Factory {
    Provider(BuildProvider),
    Source(BuildSource),
}

/// A plugin's entry in the registry. Make one in a `static`, through [`register!`](crate::register).
pub struct Registration {
    name: &'static str,
    summary: &'static str,
    crate_name: &'static str,
    crate_version: &'static str,
    schema: fn() -> Schema,
    factory: Factory,
}

impl Registration {
    /// A plugin that knows which cluster, and as whom.
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

    /// A plugin that knows an identity alone; the cluster options are added to its own.
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
        }
    }

    /// Says which crate it comes from. [`register!`](crate::register) does this.
    #[must_use]
    pub const fn from_crate(mut self, name: &'static str, version: &'static str) -> Self {
        self.crate_name = name;
        self.crate_version = version;
        self
    }

    /// The name it is used by.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// What it does, in one line.
    pub fn summary(&self) -> &'static str {
        self.summary
    }

    /// The crate it comes from.
    pub fn crate_name(&self) -> &'static str {
        self.crate_name
    }

    /// That crate's version.
    pub fn crate_version(&self) -> &'static str {
        self.crate_version
    }

    /// The JSON Schema of its options, those of the cluster included where it takes them.
    pub fn schema(&self) -> Schema {
        (self.schema)()
    }

    /// Whether it knows an identity alone, and so can be named as the credential source of another provider.
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
        options: &Options,
        registry: &Registry,
    ) -> Option<Result<Arc<dyn CredentialSource>>> {
        match &self.factory {
            Factory::Provider(_) => None,
            Factory::Source(build) => Some(build(options, registry)),
        }
    }
}

fn from_options<P: FromOptions>(options: &Options, registry: &Registry) -> Result<P> {
    P::from_options(options.parse()?, &BuildContext { registry, options })
}

fn schema_of<O: JsonSchema>() -> Schema {
    schemars::schema_for!(O)
}

/// The plugin's own options and the cluster's, as one object.
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
