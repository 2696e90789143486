//! A kubeconfig that was read once, and its contexts.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use kubex_core::error::Problems;
use kubex_core::host::parse;
use kubex_core::options::KubeconfigUser;
use kubex_core::origin::Place;
use kubex_core::resolved_source::{IdentityNote, SourcePart};
use kubex_core::{
    CredentialProvider, Error, ErrorKind, Identity, Options, Origin, ResolveRequest, ResolvedSource, Result,
    Warning,
};

use crate::cluster::{self, named_extensions};
use crate::mapping::shown;
use crate::merge::Merged;
use crate::options::KubeconfigOptions;
use crate::select::{Selection, select};
use crate::user::identity;

/// A kubeconfig that was read once, for programs that use several of its clusters. Cloning it is cheap.
///
/// Later changes of the kubeconfig files do not affect it. The files that its entries refer to (certificates, tokens)
/// are read when a context is resolved.
///
/// ```no_run
/// use std::sync::Arc;
/// use kubex_core::{Chain, Host, Registry, Source};
/// use kubex_kubeconfig::KubeconfigProvider;
///
/// # async fn example() -> kubex_core::Result<()> {
/// let registry = Registry::linked()?;
/// let kubeconfig = KubeconfigProvider::new().load(&Host::real()).await?;
/// for context in kubeconfig.contexts() {
///     let provider = Arc::new(kubeconfig.context(context.name));
///     let source = Source::from_provider(context.name, provider);
///     let chain = Chain::builder(registry.clone()).source(source).build()?;
///     println!("{}", chain.resolve().await?);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Kubeconfig {
    merged: Arc<Merged>,
    trust: Trust,
}

/// What a kubeconfig may do beyond what it contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// Refer to files and run plugins, as the user's own.
    Full,
    /// Run plugins that the rules for plugins permit, and refer to no file.
    Plugins,
    /// Neither.
    None,
}

/// A context of a kubeconfig. It may name a cluster or a user that does not exist in the kubeconfig.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Context<'a> {
    /// The name of the context.
    pub name: &'a str,
    /// The name of the context's cluster. `None` if the context has none.
    pub cluster: Option<String>,
    /// The name of the context's user. `None` if the context has none.
    pub user: Option<String>,
    /// The namespace of the context. `None` if the context has none.
    pub namespace: Option<String>,
    /// The place of the context in its file.
    pub origin: Origin,
}

impl Kubeconfig {
    pub(crate) fn new(merged: Merged, trust: Trust) -> Self {
        Self {
            merged: Arc::new(merged),
            trust,
        }
    }

    /// Returns the contexts, in the order of the files.
    pub fn contexts(&self) -> impl Iterator<Item = Context<'_>> {
        self.merged.contexts.iter().map(|entry| Context {
            name: entry.name(),
            cluster: entry.text("cluster"),
            user: entry.text("user"),
            namespace: entry.text("namespace"),
            origin: entry.origin(),
        })
    }

    /// Returns the names of the clusters, in the order of the files.
    pub fn cluster_names(&self) -> impl Iterator<Item = &str> {
        self.merged.clusters.iter().map(crate::entry::Entry::name)
    }

    /// Returns the names of the users, in the order of the files.
    pub fn user_names(&self) -> impl Iterator<Item = &str> {
        self.merged.users.iter().map(crate::entry::Entry::name)
    }

    /// Returns the name of the current context, or `None` if the kubeconfig does not set it. A context of this name need not
    /// exist.
    pub fn current_context(&self) -> Option<&str> {
        self.merged
            .current_context
            .as_ref()
            .map(|(name, _)| name.as_str())
    }

    /// Returns a provider for the context of this name, to be added to a chain. If there is no such context, the chain
    /// returns an error when it is resolved.
    pub fn context(&self, name: &str) -> ContextProvider {
        ContextProvider {
            kubeconfig: self.clone(),
            options: KubeconfigOptions {
                context: Some(name.to_owned()),
                ..KubeconfigOptions::default()
            },
        }
    }

    /// What the options select, as data. `written` contains the origins of the options. `followed` is the context that was
    /// current when the source was resolved first.
    ///
    /// All problems of the context, its cluster and its user are collected in the result.
    pub(crate) fn answer(
        &self,
        options: &KubeconfigOptions,
        written: &Options,
        followed: Option<&str>,
    ) -> Result<ResolvedSource> {
        let mut problems = Problems::new();
        let selection = select(&self.merged, options, written, followed, &mut problems)?;
        self.refuse_the_untrusted(&selection)?;
        let mut answer = match &selection.cluster {
            Some(cluster) => cluster::answer(&selection, cluster),
            None => ResolvedSource::new(Options::with_origin(selection.origin.clone())),
        };
        if let Err(missing) = problems.into_result() {
            answer.add_problem(SourcePart::Source, missing);
        }
        for warning in self.merged.warnings.iter().chain(&selection.warnings) {
            answer.warn(SourcePart::Source, warning.clone());
        }
        if let Some(chosen_at) = &selection.chosen_at {
            answer.record_origin("context", chosen_at);
            if let Some(name) = selection.context {
                answer.record_value("context", &shown(name));
                answer = answer.choice(Some(name));
            }
        }
        for (field, name, origin) in &selection.named {
            answer.record_origin(field, origin);
            answer.record_value(field, &shown(name));
        }
        for (taken, shadowed) in &self.merged.shadowed {
            answer.record_shadowed(taken, shadowed);
        }
        let Some(user) = &selection.user else {
            let warning = Warning::fixed("no-user", "the context names no user, so requests are anonymous")
                .with_origin(&selection.origin);
            let identity = Identity::from_fields(Options::with_origin(selection.origin.clone()));
            return Ok(answer.identity(identity.with_note(IdentityNote::Anonymous, warning)));
        };
        if let Err(problem) = named_extensions(user) {
            answer.add_problem(SourcePart::Source, problem);
        }
        let mut warnings = Vec::new();
        let written_to = match user.origin().place() {
            Place::File(file) if options.write_tokens && self.trust == Trust::Full => Some(KubeconfigUser {
                file: file.to_path_buf(),
                name: selection.user_name.to_owned(),
            }),
            _ => None,
        };
        match identity(user, written_to, &mut warnings) {
            Ok(identity) => answer = answer.identity(identity),
            Err(problem) => {
                // Overrides of single fields still apply, so that this problem is the one that is reported.
                answer = answer.identity(Identity::from_fields(Options::with_origin(user.origin().clone())));
                answer.add_problem(SourcePart::Identity, problem);
            }
        }
        for warning in warnings {
            answer.warn(SourcePart::Source, warning);
        }
        Ok(answer)
    }

    /// Refuses untrusted bytes that run a plugin or refer to a file.
    fn refuse_the_untrusted(&self, selection: &Selection<'_>) -> Result<()> {
        if self.trust == Trust::Full {
            return Ok(());
        }
        let cluster = selection.cluster.as_ref();
        let user = selection.user.as_ref();
        for (fields, key, want) in [
            (cluster, "certificate-authority", "names a file"),
            (user, "client-certificate", "names a file"),
            (user, "client-key", "names a file"),
            (user, "tokenFile", "names a file"),
            (user, "exec", "runs a plugin"),
            (user, "auth-provider", "uses an auth provider"),
        ] {
            if key == "exec" && self.trust == Trust::Plugins {
                continue;
            }
            if let Some(fields) = fields
                && fields.has(key)
            {
                return Err(Error::new(
                    ErrorKind::Refused,
                    format_args!(
                        "a kubeconfig that was passed as bytes {want}, which is allowed only if it is trusted"
                    ),
                )
                .with_origin(&fields.origin_of(key))
                .with_help("if you trust the kubeconfig, call `trusted(true)`"));
            }
        }
        Ok(())
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

/// A provider that resolves one context of a [`Kubeconfig`].
#[derive(Clone, Debug)]
pub struct ContextProvider {
    kubeconfig: Kubeconfig,
    options: KubeconfigOptions,
}

impl ContextProvider {
    /// Sets the namespace to use instead of the context's own.
    #[must_use]
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.options.namespace = Some(name.into());
        self
    }
}

#[async_trait]
impl CredentialProvider for ContextProvider {
    async fn resolve(&self, _: ResolveRequest<'_>) -> Result<ResolvedSource> {
        let (kubeconfig, options) = (self.kubeconfig.clone(), self.options.clone());
        // An entry of a large kubeconfig may be large as well.
        let effort = kubeconfig.merged.effort();
        parse(effort, move || kubeconfig.answer(&options, &Options::new(), None)).await?
    }
}
