//! The entry point `configure_from_kubeconfig`: one kubeconfig, without a chain.

use std::future::{Future, IntoFuture};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use kubex_core::chain::follow::{Follow, FollowRules};
use kubex_core::text::shown_path;
use kubex_core::{Chain, ClientConfiguration, Error, ErrorKind, Host, Options, Result, SecretBytes, Source};
use kubex_kubeconfig::{Kubeconfig, KubeconfigProvider, ReplaceableKubeconfig, read_to_end};

use crate::registry;

/// What reports and errors call a kubeconfig without a file, unless the program names it.
const NAME: &str = "the kubeconfig";

/// Configures a client from a kubeconfig: by default `$KUBECONFIG` or `~/.kube/config`.
///
/// Awaiting the builder returns the configuration:
///
/// ```no_run
/// # async fn example() -> kubex::Result<()> {
/// let here = kubex::configure_from_kubeconfig().await?;
/// let prod = kubex::configure_from_kubeconfig().path("/etc/kubeconfig").context("prod").await?;
/// # Ok(())
/// # }
/// ```
pub fn configure_from_kubeconfig() -> FromKubeconfig {
    FromKubeconfig {
        document: Document::Discovered,
        name: None,
        selection: Selection::default(),
        overrides: Options::new(),
        is_trusted: false,
        rules: None,
        host: Host::real(),
    }
}

/// The name of the source in reports and errors.
const SOURCE: &str = "kubeconfig";

/// The builder that [`configure_from_kubeconfig`] returns. Await it to get the configuration.
///
/// # Errors
/// Awaiting the builder returns:
///
/// - [`ErrorKind::NotConfigured`]: there is no kubeconfig at the default location.
/// - The errors of reading the kubeconfig.
#[derive(Debug)]
#[must_use = "nothing is read before it is awaited"]
pub struct FromKubeconfig {
    document: Document,
    /// The name of a document without a file.
    name: Option<String>,
    selection: Selection,
    overrides: Options,
    is_trusted: bool,
    /// Set if the kubeconfig is followed.
    rules: Option<FollowRules>,
    host: Host,
}

/// The names that replace those that the kubeconfig selects itself.
#[derive(Debug, Default)]
struct Selection {
    context: Option<String>,
    cluster: Option<String>,
    user: Option<String>,
    namespace: Option<String>,
}

#[derive(Debug)]
enum Document {
    Discovered,
    Path(PathBuf),
    Bytes(Result<SecretBytes>),
    Replaceable(ReplaceableKubeconfig),
}

impl FromKubeconfig {
    /// Reads this file and no other. If the file does not exist, awaiting the builder returns an error.
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        self.document = Document::Path(path.as_ref().to_owned());
        self
    }

    /// Uses a kubeconfig that the program has in memory. Such a kubeconfig may come from someone else, so plugins and
    /// references to files in it are errors. Call [`trusted`](Self::trusted) to allow them.
    pub fn bytes(mut self, bytes: impl Into<SecretBytes>) -> Self {
        self.document = Document::Bytes(Ok(bytes.into()));
        self
    }

    /// Reads a kubeconfig from this reader, to its end, before this method returns. As with [`bytes`](Self::bytes), plugins and
    /// references to files are errors.
    pub fn reader(mut self, reader: impl Read) -> Self {
        self.document = Document::Bytes(read_to_end(reader));
        self
    }

    /// Uses a kubeconfig that the program has in memory and can replace later. As with [`bytes`](Self::bytes), plugins and
    /// references to files are errors.
    ///
    /// ```no_run
    /// use kubex::ReplaceableKubeconfig;
    ///
    /// # async fn example(first: Vec<u8>, second: Vec<u8>) -> kubex::Result<()> {
    /// let kubeconfig = ReplaceableKubeconfig::new(first);
    /// let configuration = kubex::configure_from_kubeconfig().replaceable(&kubeconfig).following().await?;
    /// // Later, after the kubeconfig has changed, for example in a Secret:
    /// kubeconfig.replace(second);
    /// configuration.look_again();
    /// # Ok(())
    /// # }
    /// ```
    pub fn replaceable(mut self, kubeconfig: &ReplaceableKubeconfig) -> Self {
        self.document = Document::Replaceable(kubeconfig.clone());
        self
    }

    /// Sets the name of a kubeconfig that does not come from a file, but from [`bytes`](Self::bytes), a
    /// [`reader`](Self::reader) or [`replaceable`](Self::replaceable). Reports, origins and errors contain it. The default is
    /// `the kubeconfig`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let error = kubex::configure_from_kubeconfig()
    ///     .bytes(b"clusters: [".to_vec())
    ///     .named("secret team-a/kubeconfig")
    ///     .await
    ///     .unwrap_err();
    /// assert!(error.to_string().contains("secret team-a/kubeconfig:1:"));
    /// # }
    /// ```
    pub fn named(mut self, name: &str) -> Self {
        // The name may be the document itself, by mistake.
        self.name = Some(shown_path(Path::new(name)).into_owned());
        self
    }

    /// Selects a context of the kubeconfig. The default is the current context.
    pub fn context(mut self, name: impl Into<String>) -> Self {
        self.selection.context = Some(name.into());
        self
    }

    /// Selects a cluster of the kubeconfig. The default is the cluster of the context.
    pub fn cluster(mut self, name: impl Into<String>) -> Self {
        self.selection.cluster = Some(name.into());
        self
    }

    /// Selects a user of the kubeconfig. The default is the user of the context.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.selection.user = Some(name.into());
        self
    }

    /// Sets the namespace. The default is the namespace of the context.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.selection.namespace = Some(name.into());
        self
    }

    /// Sets overrides: fields that replace those of the kubeconfig. Their keys are the field names of a kubeconfig.
    /// They follow the same rules as in kubectl; see [`overrides`](kubex_core::overrides).
    ///
    /// ```no_run
    /// # async fn example() -> kubex::Result<()> {
    /// use kubex::Options;
    ///
    /// // Another user, with two groups, at an address that is not in the server's certificate.
    /// let as_joe = Options::new()
    ///     .set("as", "joe")
    ///     .set("as-groups", vec!["dev", "ops"])
    ///     .set("tls-server-name", "api.internal");
    /// let configuration = kubex::configure_from_kubeconfig().overrides(as_joe).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn overrides(mut self, overrides: Options) -> Self {
        self.overrides = overrides;
        self
    }

    /// Sets whether plugins and references to files are allowed in a kubeconfig from [`bytes`](Self::bytes), a
    /// [`reader`](Self::reader) or [`replaceable`](Self::replaceable). The default is `false`.
    pub fn trusted(mut self, trusted: bool) -> Self {
        self.is_trusted = trusted;
        self
    }

    /// Applies changes of the kubeconfig while the configuration is in use, such as another inline token, other
    /// arguments of a plugin, or another path of a file. [`Chain::follow`](crate::Chain::follow) explains which
    /// changes are applied.
    ///
    /// A kubeconfig from [`bytes`](Self::bytes) or a [`reader`](Self::reader) never changes. Use
    /// [`replaceable`](Self::replaceable) for one that the program can replace.
    pub fn following(self) -> Self {
        self.follow_rules(FollowRules::new())
    }

    /// Like [`following`](Self::following), but these rules can allow changes that are otherwise refused, such as
    /// another server.
    pub fn follow_rules(mut self, rules: FollowRules) -> Self {
        self.rules = Some(rules);
        self
    }

    /// Uses this host (the interface to variables, files, processes and clocks) instead of the real one. A test passes
    /// a simulated host.
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// Reads the kubeconfig once, for a program that uses several of its clusters. The result lists the contexts, and
    /// each of them can be a source of a chain.
    ///
    /// # Errors
    /// - [`ErrorKind::NotConfigured`]: there is no kubeconfig at the default location.
    /// - [`ErrorKind::ConflictingFields`]: a context, cluster, user, namespace or overrides were set. They belong to
    ///   one context, so set them on the loaded kubeconfig instead.
    /// - The errors of reading the files.
    pub async fn load(self) -> Result<Kubeconfig> {
        let selection = &self.selection;
        let names = [
            &selection.context,
            &selection.cluster,
            &selection.user,
            &selection.namespace,
        ];
        if names.into_iter().any(Option::is_some) || !self.overrides.is_empty() {
            return Err(Error::new(
                ErrorKind::ConflictingFields,
                "load() reads all contexts, so it takes no context, cluster, user, namespace or overrides",
            )
            .with_help("call context(name) on the loaded kubeconfig"));
        }
        let host = self.host.clone();
        let loaded = async { self.provider()?.load(&host).await }.await;
        // As of the source of this name.
        loaded.map_err(|error| error.in_source(SOURCE))
    }

    async fn resolve(mut self) -> Result<ClientConfiguration> {
        let host = self.host.clone();
        let overrides = std::mem::take(&mut self.overrides);
        let rules = self.rules.take();
        let source = Source::from_provider(SOURCE, Arc::new(self.provider()?));
        let chain = Chain::builder(registry()?).host(host).overrides(overrides);
        let chain = chain.source(source).build()?;
        match rules {
            Some(rules) => Follow::new(chain).rules(rules).start_only().await,
            None => chain.resolve_only().await,
        }
    }

    fn provider(self) -> Result<KubeconfigProvider> {
        let name = self.name.as_deref().unwrap_or(NAME);
        let mut provider = match self.document {
            Document::Discovered => KubeconfigProvider::new(),
            Document::Path(path) => KubeconfigProvider::new().path(path),
            Document::Bytes(bytes) => KubeconfigProvider::from_bytes(name, bytes?),
            Document::Replaceable(kubeconfig) => KubeconfigProvider::from_replaceable(name, &kubeconfig),
        };
        let Selection {
            context,
            cluster,
            user,
            namespace,
        } = self.selection;
        if let Some(context) = context {
            provider = provider.context(context);
        }
        if let Some(cluster) = cluster {
            provider = provider.cluster(cluster);
        }
        if let Some(user) = user {
            provider = provider.user(user);
        }
        if let Some(namespace) = namespace {
            provider = provider.namespace(namespace);
        }
        Ok(provider.trusted(self.is_trusted))
    }
}

impl IntoFuture for FromKubeconfig {
    type Output = Result<ClientConfiguration>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.resolve())
    }
}
