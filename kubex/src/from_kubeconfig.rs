//! One kubeconfig, and nothing else.

use std::future::{Future, IntoFuture};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;

use kubex_core::{Chain, ClientConfiguration, Error, ErrorKind, Host, Options, Result, SecretBytes, Source};
use kubex_kubeconfig::{Kubeconfig, KubeconfigProvider};
use zeroize::Zeroizing;

use crate::registry;

/// The largest kubeconfig that is read.
const LARGEST: usize = 64 * 1024 * 1024;

/// A configuration from a kubeconfig: `$KUBECONFIG` or `~/.kube/config`, unless it is told another one.
///
/// Await it, with or without a word before:
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
        choice: Choice::default(),
        overrides: Options::new(),
        is_trusted: false,
        host: Host::real(),
    }
}

/// Which kubeconfig, and what of it. Made by [`configure_from_kubeconfig`].
///
/// # Errors
/// Awaiting it fails with `NotConfigured` where there is no kubeconfig to discover, and otherwise with what is
/// wrong with the one there is.
#[derive(Debug)]
#[must_use = "nothing is read before it is awaited"]
pub struct FromKubeconfig {
    document: Document,
    choice: Choice,
    overrides: Options,
    is_trusted: bool,
    host: Host,
}

/// What of the kubeconfig is taken in place of what it chooses itself.
#[derive(Debug, Default)]
struct Choice {
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
}

impl FromKubeconfig {
    /// This file, and no other. A missing one is an error.
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        self.document = Document::Path(path.as_ref().to_owned());
        self
    }

    /// A kubeconfig that the program holds. It is not the user's own file, so plugins and file references in
    /// it are refused unless it is [`trusted`](Self::trusted).
    pub fn bytes(mut self, bytes: impl Into<SecretBytes>) -> Self {
        self.document = Document::Bytes(Ok(bytes.into()));
        self
    }

    /// A kubeconfig that is read to its end here and now; otherwise as [`bytes`](Self::bytes).
    pub fn reader(mut self, reader: impl Read) -> Self {
        self.document = Document::Bytes(read_to_end(reader));
        self
    }

    /// Another context than the current one.
    pub fn context(mut self, name: impl Into<String>) -> Self {
        self.choice.context = Some(name.into());
        self
    }

    /// Another cluster than the context's.
    pub fn cluster(mut self, name: impl Into<String>) -> Self {
        self.choice.cluster = Some(name.into());
        self
    }

    /// Another user than the context's.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.choice.user = Some(name.into());
        self
    }

    /// Another namespace than the context's.
    pub fn namespace(mut self, name: impl Into<String>) -> Self {
        self.choice.namespace = Some(name.into());
        self
    }

    /// Fields in the place of the kubeconfig's own, under the names they have there; the
    /// [rules](kubex_core::overrides) are kubectl's.
    ///
    /// ```no_run
    /// # async fn example() -> kubex::Result<()> {
    /// use kubex::Options;
    ///
    /// let as_joe = Options::new().set("as", "joe").set("tls-server-name", "api.internal");
    /// let configuration = kubex::configure_from_kubeconfig().overrides(as_joe).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn overrides(mut self, overrides: Options) -> Self {
        self.overrides = overrides;
        self
    }

    /// Lets a kubeconfig that came as bytes run plugins and name files.
    pub fn trusted(mut self, trusted: bool) -> Self {
        self.is_trusted = trusted;
        self
    }

    /// Asks this host instead of the real one.
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// Reads the kubeconfig once, for a program that speaks to several of its clusters: its contexts are listed, and
    /// any of them becomes a source of a chain.
    ///
    /// # Errors
    /// `NotConfigured` where there is no kubeconfig to discover, and otherwise what is wrong with its files.
    pub async fn load(self) -> Result<Kubeconfig> {
        let host = self.host.clone();
        self.provider()?.load(&host).await
    }

    async fn resolve(mut self) -> Result<ClientConfiguration> {
        let host = self.host.clone();
        let overrides = std::mem::take(&mut self.overrides);
        let source = Source::from_provider("kubeconfig", Arc::new(self.provider()?));
        let chain = Chain::builder(registry()?).host(host).overrides(overrides);
        chain.source(source).build()?.resolve_only().await
    }

    fn provider(self) -> Result<KubeconfigProvider> {
        let mut provider = match self.document {
            Document::Discovered => KubeconfigProvider::new(),
            Document::Path(path) => KubeconfigProvider::new().path(path),
            Document::Bytes(bytes) => KubeconfigProvider::from_bytes("the kubeconfig", bytes?),
        };
        let Choice {
            context,
            cluster,
            user,
            namespace,
        } = self.choice;
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

fn read_to_end(reader: impl Read) -> Result<SecretBytes> {
    let mut content = Zeroizing::new(Vec::new());
    reader
        .take(LARGEST as u64 + 1)
        .read_to_end(&mut content)
        .map_err(|error| {
            Error::new(
                ErrorKind::UnreadableFile,
                "the kubeconfig could not be read from its reader",
            )
            .with_source(error)
        })?;
    if content.len() > LARGEST {
        return Err(Error::new(
            ErrorKind::UnreadableFile,
            format_args!("the kubeconfig is larger than {LARGEST} bytes"),
        ));
    }
    Ok(content.to_vec().into())
}
