//! The provider: resolves a kubeconfig, from files or from bytes.

use std::path::{Path, PathBuf};

use async_trait::async_trait;
use kubex_core::text::{check_path, shown_path};
use kubex_core::{
    BuildContext, CredentialProvider, Error, ErrorKind, FromOptions, Host, Options, ResolveRequest,
    ResolvedSource, Result, SecretBytes,
};

use crate::discovery::{Places, discover, distinct};
use crate::kubeconfig::{Kubeconfig, Trust};
use crate::load::{self, Bytes};
use crate::options::KubeconfigOptions;
use crate::pattern;
use crate::replaceable::ReplaceableKubeconfig;

/// The provider `kubeconfig`. The registry must also contain the providers that supply the credentials of the
/// kubeconfig's users: `static`, `token-file`, `exec`, or the one in an `auth-provider`.
///
/// ```no_run
/// use std::sync::Arc;
/// use kubex_core::{Chain, Registry, Source};
/// use kubex_kubeconfig::KubeconfigProvider;
///
/// # async fn example() -> kubex_core::Result<()> {
/// let registry = Registry::linked()?;
/// let provider = KubeconfigProvider::new().path("/etc/kubeconfig").context("prod");
/// let chain = Chain::builder(registry).source(Source::from_provider("prod", Arc::new(provider))).build()?;
/// let configuration = chain.resolve().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct KubeconfigProvider {
    options: KubeconfigOptions,
    /// The options with their origins, for errors about them.
    written: Options,
    document: Option<Bytes>,
}

impl FromOptions for KubeconfigProvider {
    type Options = KubeconfigOptions;

    fn from_options(options: KubeconfigOptions, context: &BuildContext<'_>) -> Result<Self> {
        if options.path.is_some() && !options.paths.is_empty() {
            return Err(Error::new(
                ErrorKind::ConflictingFields,
                "\"path\" and \"paths\" are both set, and only one can apply",
            )
            .with_origin(&context.options.origin_of("paths"))
            .with_help("remove one of them"));
        }
        Ok(Self {
            options,
            written: context.options.clone(),
            document: None,
        })
    }
}

impl KubeconfigProvider {
    /// Creates a provider for the user's kubeconfig: `$KUBECONFIG` or, if that is unset, `~/.kube/config`.
    pub fn new() -> Self {
        Self::default()
    }

    /// Creates a provider for a kubeconfig that the program has in memory. `name` identifies it in reports and errors.
    /// The kubeconfig is untrusted: plugins and references to files in it are refused, unless
    /// [`trusted`](Self::trusted) allows them.
    pub fn from_bytes(name: &str, content: SecretBytes) -> Self {
        Self::from_replaceable(name, &ReplaceableKubeconfig::new(content))
    }

    /// Creates a provider for a kubeconfig that the program has in memory and can replace. It is untrusted, like one
    /// [from bytes](Self::from_bytes).
    pub fn from_replaceable(name: &str, content: &ReplaceableKubeconfig) -> Self {
        let document = Bytes {
            // The name may be the document itself, by mistake.
            name: shown_path(Path::new(name)).into_owned(),
            content: content.clone(),
            trust: Trust::None,
        };
        Self {
            document: Some(document),
            ..Self::default()
        }
    }

    /// Reads only this file, which must exist.
    #[must_use]
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.options.path = Some(path.into());
        self
    }

    /// Reads and merges these files. The last component of a path may contain the wildcards `*` and `?`. Missing files
    /// are skipped. If [`path`](Self::path) is set too, only that file is read.
    #[must_use]
    pub fn paths<P: Into<PathBuf>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        self.options.paths = paths.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the context to use instead of the current one.
    #[must_use]
    pub fn context(mut self, name: impl Into<String>) -> Self {
        self.options.context = Some(name.into());
        self
    }

    /// Sets the cluster to use instead of the context's own.
    #[must_use]
    pub fn cluster(mut self, name: impl Into<String>) -> Self {
        self.options.cluster = Some(name.into());
        self
    }

    /// Sets the user to use instead of the context's own.
    #[must_use]
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.options.user = Some(name.into());
        self
    }

    /// Sets the namespace to use instead of the context's own.
    #[must_use]
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.options.namespace = Some(name.into());
        self
    }

    /// Sets whether a broken file is skipped, with a warning, if there are several files. By default, a broken file is
    /// an error.
    #[must_use]
    pub fn lenient(mut self, is_lenient: bool) -> Self {
        self.options.lenient = is_lenient;
        self
    }

    /// Sets whether a new token of an `auth-provider: oidc` is written into the kubeconfig file that contains the
    /// user, as kubectl does. This has no effect on a kubeconfig from bytes or from a pipe.
    #[must_use]
    pub fn write_tokens(mut self, are_written: bool) -> Self {
        self.options.write_tokens = are_written;
        self
    }

    /// Sets whether a kubeconfig from bytes may run plugins and refer to files. A kubeconfig from a file always may.
    #[must_use]
    pub fn trusted(mut self, is_trusted: bool) -> Self {
        if let Some(document) = &mut self.document {
            document.trust = if is_trusted { Trust::Full } else { Trust::None };
        }
        self
    }

    /// Allows an untrusted kubeconfig from bytes to run plugins, but not to refer to files. Use
    /// [`PluginRules`](kubex_core::host::PluginRules) of the host to permit only the plugins that the author of the kubeconfig
    /// may run. This has no effect on a kubeconfig from a file.
    #[must_use]
    pub fn untrusted_plugins(mut self) -> Self {
        if let Some(document) = &mut self.document
            && document.trust == Trust::None
        {
            document.trust = Trust::Plugins;
        }
        self
    }

    /// Reads the kubeconfig once, for a program that uses several of its clusters.
    ///
    /// # Errors
    /// Returns the errors of reading and merging the files. The entries of a context are checked only when the context
    /// is resolved.
    pub async fn load(&self, host: &Host) -> Result<Kubeconfig> {
        self.load_and(host, Ok).await
    }

    /// Reads the kubeconfig. `use_it` runs on the thread that parsed it, because an entry of a large kubeconfig may be large
    /// too.
    async fn load_and<T: Send + 'static>(
        &self,
        host: &Host,
        use_it: impl FnOnce(Kubeconfig) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let trust = self
            .document
            .as_ref()
            .map_or(Trust::Full, |document| document.trust);
        let use_it = move |merged| use_it(Kubeconfig::new(merged, trust));
        match &self.document {
            Some(document) => load::bytes(document, use_it).await,
            None => load::files(self.places(host).await?, self.options.lenient, host, use_it).await,
        }
    }

    async fn places(&self, host: &Host) -> Result<Places> {
        match (&self.options.path, self.options.paths.as_slice()) {
            (Some(path), _) => {
                check_path("path", &path.to_string_lossy(), &self.written.origin_of("path"))?;
                Ok(Places {
                    paths: vec![path.clone()],
                    are_required: true,
                    listed_by: None,
                })
            }
            (None, []) => discover(host),
            (None, paths) => Ok(Places {
                paths: distinct(pattern::expand(paths, host).await?),
                are_required: false,
                listed_by: None,
            }),
        }
    }
}

#[async_trait]
impl CredentialProvider for KubeconfigProvider {
    async fn resolve(&self, request: ResolveRequest<'_>) -> Result<ResolvedSource> {
        let (options, written) = (self.options.clone(), self.written.clone());
        let followed = request.chosen().map(str::to_owned);
        let answer = move |kubeconfig: Kubeconfig| kubeconfig.answer(&options, &written, followed.as_deref());
        self.load_and(request.host(), answer).await
    }
}
