//! A kubeconfig that was read once, and its contexts.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::error::Problems;
use kubex_core::{
    ClientConfigurationBuilder, CredentialProvider, Error, ErrorKind, Options, Origin, Registry,
    ResolveRequest, Result, Warning,
};

use crate::cluster;
use crate::fields::Fields;
use crate::merge::Merged;
use crate::options::KubeconfigOptions;
use crate::select::{Selection, select};
use crate::user::{Identity, identity};

/// A kubeconfig that was read once, for programs that speak to several of its clusters. Cheap to clone.
///
/// It stays as it was read, whatever becomes of its files. What its entries name (certificates, token files) is
/// read when a context is resolved.
///
/// ```no_run
/// use std::sync::Arc;
/// use kubex_core::{Chain, Host, Registry};
/// use kubex_kubeconfig::KubeconfigProvider;
///
/// # async fn example() -> kubex_core::Result<()> {
/// let registry = Registry::linked()?;
/// let kubeconfig = KubeconfigProvider::new(registry.clone()).load(&Host::real()).await?;
/// for context in kubeconfig.contexts() {
///     let provider = Arc::new(kubeconfig.context(context.name));
///     let chain = Chain::builder(registry.clone()).provider(context.name, provider)?.build();
///     println!("{}", chain.resolve().await?.report);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Kubeconfig {
    merged: Arc<Merged>,
    registry: Registry,
    is_trusted: bool,
}

/// A context of a kubeconfig, as it is written: what it names need not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Context<'a> {
    /// Its name.
    pub name: &'a str,
    /// The cluster it names.
    pub cluster: Option<String>,
    /// The user it names.
    pub user: Option<String>,
    /// The namespace it sets.
    pub namespace: Option<String>,
    /// Where it was written down.
    pub origin: Origin,
}

impl Kubeconfig {
    pub(crate) fn new(merged: Merged, registry: Registry, is_trusted: bool) -> Self {
        Self {
            merged: Arc::new(merged),
            registry,
            is_trusted,
        }
    }

    /// The contexts in the order they were written, those of an earlier file first.
    pub fn contexts(&self) -> impl Iterator<Item = Context<'_>> {
        self.merged.contexts.iter().map(|entry| Context {
            name: entry.name(),
            cluster: entry.text("cluster"),
            user: entry.text("user"),
            namespace: entry.text("namespace"),
            origin: entry.origin(),
        })
    }

    /// The name of the current context. It need not be there.
    pub fn current_context(&self) -> Option<&str> {
        self.merged
            .current_context
            .as_ref()
            .map(|(name, _)| name.as_str())
    }

    /// A context as a provider of its own. Whether it is there is found out when it is resolved.
    pub fn context(&self, name: &str) -> ContextProvider {
        ContextProvider {
            kubeconfig: self.clone(),
            options: KubeconfigOptions {
                context: Some(name.to_owned()),
                ..KubeconfigOptions::default()
            },
        }
    }

    /// The configuration of what the options choose. `written` knows where these were written down.
    ///
    /// All that is wrong with the context, its cluster and its user is told at once.
    pub(crate) async fn answer(
        &self,
        options: &KubeconfigOptions,
        written: &Options,
        request: ResolveRequest<'_>,
    ) -> Result<ClientConfigurationBuilder> {
        let mut problems = Problems::default();
        let selection = select(&self.merged, options, written, &mut problems)?;
        self.refuse_the_untrusted(&selection)?;

        let host = request.host();
        let cluster = selection.cluster.as_ref();
        let cluster = cluster.and_then(|cluster| cluster::options(&selection, cluster, &mut problems));
        let builder = match cluster {
            Some(cluster) => problems.take(cluster.configure(request).await),
            None => None,
        };
        let overrides = request.overrides().identity_options();
        let nobody = Fields::none(selection.origin.clone());
        let user = selection
            .user
            .as_ref()
            .or((!overrides.is_empty()).then_some(&nobody));
        let identity = user.and_then(|user| problems.take(identity(user, overrides)));
        let source = identity.as_ref().and_then(|identity| {
            let source = self.registry.source(&identity.provider, &identity.options);
            problems.take(source.map_err(|error| place(error, identity.options.origin())))
        });
        // For a server that gets no credential, none is looked for.
        if let Some(source) = &source
            && builder
                .as_ref()
                .is_none_or(ClientConfigurationBuilder::sends_credentials)
        {
            problems.take(source.check(host).await.map_err(Error::as_failure));
        }
        problems.into_result()?;
        let Some(mut builder) = builder else {
            return Err(
                Error::new(ErrorKind::MissingCluster, "the context has no cluster")
                    .with_origin(&selection.origin),
            );
        };
        builder = self.tell(builder, &selection);
        let (Some(identity), Some(source)) = (identity, source) else {
            let warning = Warning::new("no-user", "the context names no user, so requests are anonymous");
            return Ok(builder.warning(warning.with_origin(&selection.origin)));
        };
        Ok(tell_identity(builder, identity).source(source))
    }

    /// Adds the warnings and the provenance of the kubeconfig itself.
    fn tell(
        &self,
        mut builder: ClientConfigurationBuilder,
        selection: &Selection,
    ) -> ClientConfigurationBuilder {
        for warning in self.merged.warnings.iter().chain(&selection.warnings) {
            builder = builder.warning(warning.clone());
        }
        if let Some(chosen_at) = &selection.chosen_at {
            builder = builder.written_at("context", chosen_at);
        }
        for (taken, shadowed) in &self.merged.shadowed {
            builder = builder.shadowed(taken, shadowed);
        }
        builder
    }

    /// Bytes that are not trusted may neither run anything nor read anything.
    fn refuse_the_untrusted(&self, selection: &Selection) -> Result<()> {
        if self.is_trusted {
            return Ok(());
        }
        let cluster = selection.cluster.as_ref();
        let user = selection.user.as_ref();
        for (fields, key, want) in [
            (cluster, "certificate-authority", "names a file"),
            (user, "client-certificate", "names a file"),
            (user, "client-key", "names a file"),
            (user, "tokenFile", "names a file"),
            (user, "exec", "wants to run a plugin"),
            (user, "auth-provider", "wants to ask an auth provider"),
        ] {
            if let Some(fields) = fields
                && fields.has(key)
            {
                return Err(Error::new(
                    ErrorKind::Refused,
                    format_args!("a kubeconfig that was not loaded from the user's own file {want}"),
                )
                .with_origin(&fields.origin_of(key))
                .with_help(
                    "take another one, or allow it by `trusted(true)` if you know where it comes from",
                ));
            }
        }
        Ok(())
    }
}

/// Adds the warnings and the provenance of the user.
fn tell_identity(mut builder: ClientConfigurationBuilder, identity: Identity) -> ClientConfigurationBuilder {
    for warning in identity.warnings {
        builder = builder.warning(warning);
    }
    for (field, value) in identity.options.iter() {
        builder = builder.identity_written_at(field, value.origin());
    }
    builder.with_identity_overrides_taken()
}

fn place(error: Error, origin: &Origin) -> Error {
    match error.origin() {
        Some(_) => error,
        None => error.with_origin(origin),
    }
}

impl fmt::Debug for Kubeconfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kubeconfig")
            .field("documents", &self.merged.origins)
            .field("contexts", &self.merged.contexts.iter().count())
            .finish_non_exhaustive()
    }
}

/// One context of a [`Kubeconfig`], as a source for a chain.
#[derive(Clone, Debug)]
pub struct ContextProvider {
    kubeconfig: Kubeconfig,
    options: KubeconfigOptions,
}

impl ContextProvider {
    /// The namespace, in place of the context's.
    #[must_use]
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.options.namespace = Some(name.into());
        self
    }
}

#[async_trait]
impl CredentialProvider for ContextProvider {
    async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ClientConfigurationBuilder> {
        let written = Options::new();
        self.kubeconfig.answer(&self.options, &written, request).await
    }
}
