//! A source of a chain, before its provider is built.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::options::{Options, ValueKind};
use crate::provider::CredentialProvider;
use crate::source::CredentialSource;

/// The time that a source may take to resolve, unless set. A source only reads files, but a network file system can
/// hang.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// A named entry of a chain: a provider with its options.
///
/// ```
/// use std::time::Duration;
/// use kubex_core::{Options, Source};
///
/// let prod = Source::new("prod")
///     .provider("kubeconfig")
///     .option("context", "prod")
///     .timeout(Duration::from_secs(5))
///     .overrides(Options::new().set("namespace", "team-a"));
/// assert_eq!(prod.name(), "prod");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Source {
    pub(super) name: String,
    pub(super) provider: ProviderChoice,
    pub(super) options: Options,
    pub(super) timeout: Duration,
    pub(super) overrides: Options,
    pub(super) decorator: Option<Decorator>,
}

/// Makes another credential source of the one that a source resolves to.
#[derive(Clone)]
pub(crate) struct Decorator(Arc<Decorate>);

type Decorate = dyn Fn(Arc<dyn CredentialSource>) -> Arc<dyn CredentialSource> + Send + Sync;

impl Decorator {
    pub(crate) fn decorate(&self, source: Arc<dyn CredentialSource>) -> Arc<dyn CredentialSource> {
        (self.0)(source)
    }
}

impl fmt::Debug for Decorator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Decorator")
    }
}

/// Which provider a source uses.
#[derive(Clone, Debug)]
pub(super) enum ProviderChoice {
    /// The registered provider with the source's own name.
    SameName,
    Registered(String),
    Built(Arc<dyn CredentialProvider>),
}

impl Source {
    /// Creates a source without options. It uses the registered provider of the same name, unless
    /// [`provider`](Self::provider) sets another.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            provider: ProviderChoice::SameName,
            options: Options::new(),
            timeout: DEFAULT_TIMEOUT,
            overrides: Options::new(),
            decorator: None,
        }
    }

    /// Creates a source that uses this provider object. The provider need not be registered.
    pub fn from_provider(name: &str, provider: Arc<dyn CredentialProvider>) -> Self {
        Self {
            provider: ProviderChoice::Built(provider),
            ..Self::new(name)
        }
    }

    /// Sets the name of the registered provider to use.
    pub fn provider(mut self, name: &str) -> Self {
        self.provider = ProviderChoice::Registered(name.to_owned());
        self
    }

    /// Sets one option of the provider.
    pub fn option(mut self, key: &str, value: impl Into<ValueKind>) -> Self {
        self.options = self.options.set(key, value);
        self
    }

    /// Sets all options of the provider. They replace options that were set before.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Sets the time limit for resolving the source. The default is 30 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets overrides for this source only: options that replace its fields by [client-go's rules](crate::overrides).
    /// The overrides of the chain are applied later, so they take precedence.
    pub fn overrides(mut self, overrides: Options) -> Self {
        self.overrides = overrides;
        self
    }

    /// Wraps the [`CredentialSource`] that this source resolves to, for example in a cache that several processes share.
    ///
    /// The wrapper must return the wrapped source from [`decorated`](CredentialSource::decorated). It then inherits the
    /// deadline, identity and warnings of the wrapped source. It must forward [`fetch_saving`](CredentialSource::fetch_saving)
    /// and [`uses_up_a_secret`](CredentialSource::uses_up_a_secret) to the wrapped source, unless it saves the secret itself.
    pub fn decorated_by(
        mut self,
        decorate: impl Fn(Arc<dyn CredentialSource>) -> Arc<dyn CredentialSource> + Send + Sync + 'static,
    ) -> Self {
        self.decorator = Some(Decorator(Arc::new(decorate)));
        self
    }

    /// Returns the source's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}
