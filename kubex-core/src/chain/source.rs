//! One source of a chain, before its provider is built.

use std::sync::Arc;
use std::time::Duration;

use crate::options::{Options, ValueKind};
use crate::provider::CredentialProvider;

/// How long one source may take to resolve, unless it says otherwise. It only reads files; a network file
/// system can hang all the same.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// One named, configured use of a provider.
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
}

/// Which provider a source uses.
#[derive(Clone, Debug)]
pub(super) enum ProviderChoice {
    /// The registered provider of the source's own name.
    Namesake,
    Registered(String),
    Built(Arc<dyn CredentialProvider>),
}

impl Source {
    /// A source that uses the registered provider of the same name, without options.
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            provider: ProviderChoice::Namesake,
            options: Options::new(),
            timeout: DEFAULT_TIMEOUT,
            overrides: Options::new(),
        }
    }

    /// A source that uses a provider which the program has built.
    pub fn from_provider(name: &str, provider: Arc<dyn CredentialProvider>) -> Self {
        Self {
            provider: ProviderChoice::Built(provider),
            ..Self::new(name)
        }
    }

    /// Uses the registered provider of this name.
    pub fn provider(mut self, name: &str) -> Self {
        self.provider = ProviderChoice::Registered(name.to_owned());
        self
    }

    /// Sets one option of the provider.
    pub fn option(mut self, key: &str, value: impl Into<ValueKind>) -> Self {
        self.options = self.options.set(key, value);
        self
    }

    /// Sets all options of the provider.
    pub fn options(mut self, options: Options) -> Self {
        self.options = options;
        self
    }

    /// Sets how long the source may take to resolve; 30 s unless set.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Replaces fields of this source's answer; the [rules](crate::overrides) are client-go's. The overrides of the
    /// chain win over these.
    pub fn overrides(mut self, overrides: Options) -> Self {
        self.overrides = overrides;
        self
    }

    /// The source's name.
    pub fn name(&self) -> &str {
        &self.name
    }
}
