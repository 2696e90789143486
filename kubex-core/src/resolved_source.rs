//! The result of a provider, from which the chain builds a client configuration.
//!
//! A [`ResolvedSource`] contains the options of the cluster and the [identity](Identity), which is the name of a
//! registered provider with its options. It contains no open file and no fetched credential. Therefore:
//!
//! - Overrides are merged into it in one place ([`Overrides::apply`](crate::Overrides::apply)).
//! - Two resolved sources can be [compared](ResolvedSource::differences).
//! - The registry builds a credential source only for the source that is used.
//!
//! ```
//! use kubex_core::resolved_source::Difference;
//! use kubex_core::{Identity, Options, ResolvedSource};
//!
//! let token = Options::new().set("token-file", "/run/secrets/token");
//! let resolved = ResolvedSource::for_server("https://10.0.0.1:6443").identity(Identity::named("token-file", token));
//! let same = resolved.clone();
//! assert!(resolved.differences(&same).is_empty());
//!
//! let moved = ResolvedSource::for_server("https://10.0.0.2:6443");
//! assert!(resolved.differences(&moved).contains(&Difference::Server));
//! ```

mod difference;
mod identity;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use crate::error::{Error, Problems, Result};
use crate::host::{FileContent, Host, Input};
use crate::options::{Options, Value};
use crate::origin::Origin;
use crate::provenance::Provenance;
use crate::trust::TrustSource;
use crate::warning::Warning;

pub use difference::Difference;
pub(crate) use difference::Fingerprint;
pub(crate) use identity::{CERTIFICATE_FIELDS, Chosen, ChosenIdentity, KEY_FIELDS, ReadySource};
pub use identity::{Identity, IdentityNote};

/// A part of a resolved source, to which a problem or a warning belongs. If overrides replace the part, its problems
/// and warnings are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourcePart {
    /// The source as a whole.
    Source,
    /// One option of the cluster, by its key.
    Cluster(&'static str),
    /// The options that define which server certificates are trusted.
    Trust,
    /// The identity.
    Identity,
}

/// The result of a provider: the options of the cluster, and the identity. See the [module](self).
#[derive(Clone)]
pub struct ResolvedSource {
    pub(crate) cluster: Options,
    pub(crate) extensions: Vec<(String, Value)>,
    pub(crate) trust_source: Option<Arc<dyn TrustSource>>,
    pub(crate) identity: Identity,
    pub(crate) warnings: Vec<(SourcePart, Warning)>,
    pub(crate) problems: Vec<(SourcePart, Error)>,
    pub(crate) provenance: Provenance,
    pub(crate) inputs: Vec<Input>,
    /// Files that the provider has read and that options of the identity name.
    pub(crate) known_files: Vec<(PathBuf, FileContent)>,
    /// The kubeconfig context that the source selected.
    choice: Option<String>,
}

impl ResolvedSource {
    /// Creates a resolved source with these options of the cluster and without an identity. The valid keys are
    /// [`ClusterOptions::KEYS`].
    ///
    /// [`ClusterOptions::KEYS`]: crate::options::ClusterOptions::KEYS
    pub fn new(cluster: Options) -> Self {
        Self {
            cluster,
            extensions: Vec::new(),
            trust_source: None,
            identity: Identity::anonymous(),
            warnings: Vec::new(),
            problems: Vec::new(),
            provenance: Provenance::default(),
            inputs: Vec::new(),
            known_files: Vec::new(),
            choice: None,
        }
    }

    /// Creates a resolved source with this server address and without an identity.
    pub fn for_server(address: &str) -> Self {
        Self::new(Options::new().set("server", address))
    }

    /// Sets the identity.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// Replaces the identity. Removes the impersonation, and the errors and warnings that were recorded about the old
    /// identity.
    #[must_use]
    pub fn replace_identity(mut self, identity: Identity) -> Self {
        let impersonation = ["as", "as-uid", "as-groups", "as-user-extra"];
        let _ = self.cluster.split_off(&impersonation);
        self.forget(|part| match part {
            SourcePart::Identity => true,
            SourcePart::Cluster(key) => impersonation.contains(&key),
            _ => false,
        });
        self.identity = identity;
        self
    }

    /// Returns the name and the options of the provider that the identity refers to. `None` if the identity is anonymous, or
    /// was created from a credential or a credential source.
    pub fn identity_provider(&self) -> Option<(String, Options)> {
        let chosen = self.identity.clone().choose();
        match chosen.provider {
            Chosen::Named(provider) | Chosen::Built(provider, _) => Some((provider, chosen.options)),
            Chosen::Ready(_) | Chosen::Anonymous => None,
        }
    }

    /// Sets the source that rereads the CA bundle while the configuration is in use. Overrides that replace the trust remove
    /// this source.
    #[must_use]
    pub fn trust_source(mut self, source: Arc<dyn TrustSource>) -> Self {
        self.trust_source = Some(source);
        self
    }

    /// Sets the extensions that a kubeconfig attaches to the cluster, by name. An exec plugin receives the extension
    /// named `client.authentication.k8s.io/exec`.
    #[must_use]
    pub fn extensions(mut self, extensions: Vec<(String, Value)>) -> Self {
        self.extensions = extensions;
        self
    }

    /// Adds the content of a file that the provider has read, and whose path is an option of the identity. The chain
    /// checks this content, and does not read the file a second time.
    #[must_use]
    pub fn known_file(mut self, path: impl Into<PathBuf>, content: FileContent) -> Self {
        self.known_files.push((path.into(), content));
        self
    }

    /// Sets the kubeconfig context that the source selected. When a [followed](crate::chain::follow) source is resolved again,
    /// it receives this name as [`ResolveRequest::chosen`](crate::ResolveRequest::chosen).
    #[must_use]
    pub fn choice(mut self, choice: Option<&str>) -> Self {
        self.choice = choice.map(str::to_owned);
        self
    }

    pub(crate) fn chosen(&self) -> Option<&str> {
        self.choice.as_deref()
    }

    /// Adds a warning about this part.
    ///
    /// ```
    /// use kubex_core::resolved_source::SourcePart;
    /// use kubex_core::{ResolvedSource, Warning};
    ///
    /// let mut resolved = ResolvedSource::for_server("https://10.0.0.1");
    /// let warning = Warning::new("old-runner", "this version of the runner is no longer supported");
    /// resolved.warn(SourcePart::Source, warning);
    /// ```
    pub fn warn(&mut self, part: SourcePart, warning: Warning) {
        self.warnings.push((part, warning));
    }

    /// Adds a problem of this part. If overrides replace the part, the problem is removed. Otherwise, resolving the chain fails
    /// with an error that contains it.
    ///
    /// ```
    /// use kubex_core::resolved_source::SourcePart;
    /// use kubex_core::{Error, ErrorKind, Options, Overrides, ResolvedSource};
    ///
    /// let mut resolved = ResolvedSource::for_server("https://10.0.0.1");
    /// let problem = Error::new(ErrorKind::InvalidBase64, "the client certificate is not valid base64");
    /// resolved.add_problem(SourcePart::Identity, problem);
    /// // This override replaces the identity, and so removes the problem.
    /// Overrides::new(Options::new().set("token", "abc"))?.apply(&mut resolved)?;
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn add_problem(&mut self, part: SourcePart, problem: Error) {
        for problem in problem.into_problems() {
            // The source exists, so its problem must not let the chain continue.
            self.problems.push((part, problem.as_failure()));
        }
    }

    /// Records the origin of a field that is not an option, such as `context`. It becomes part of the [`Provenance`].
    pub fn record_origin(&mut self, field: &str, origin: &Origin) {
        self.provenance.set(field, origin);
    }

    /// Records the value of a field that is not an option, for people to read. The value must not be secret.
    ///
    /// ```
    /// use kubex_core::{Origin, ResolvedSource};
    ///
    /// let mut resolved = ResolvedSource::for_server("https://10.0.0.1");
    /// resolved.record_origin("context", &Origin::file("/home/jane/.kube/config").key("current-context"));
    /// resolved.record_value("context", "prod");
    /// ```
    pub fn record_value(&mut self, field: &str, value: &str) {
        self.provenance.set_value(field, value);
    }

    /// Records that the entry `taken` is used instead of the entry `shadowed`, which has the same name.
    pub fn record_shadowed(&mut self, taken: &Origin, shadowed: &Origin) {
        self.provenance.add_shadowed(taken, shadowed);
    }

    /// Returns the options of the cluster.
    pub fn cluster_options(&self) -> &Options {
        &self.cluster
    }

    /// Returns the files and variables from which the source was resolved, in the order in which they were read. The
    /// list is empty until the chain has resolved the source.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Returns the resolved source if no problem is recorded.
    ///
    /// # Errors
    /// Returns the recorded problems.
    pub(crate) fn without_problems(mut self) -> Result<Self> {
        let mut problems = Problems::new();
        for (_, problem) in self.problems.drain(..) {
            problems.add(problem);
        }
        problems.into_result().map(|()| self)
    }

    /// Checks a credential source that needs no building. If it returns `NotConfigured`, the chain continues.
    pub(crate) async fn check_ready_source(&self, host: &Host) -> Result<()> {
        match self.identity.clone().choose().provider {
            Chosen::Built(_, source) | Chosen::Ready(ReadySource::Source(source)) => {
                source.check(host).await.map(drop)
            }
            _ => Ok(()),
        }
    }

    /// Removes the problems and warnings about replaced parts.
    pub(crate) fn forget(&mut self, is_replaced: impl Fn(SourcePart) -> bool) {
        self.warnings.retain(|(part, _)| !is_replaced(*part));
        self.problems.retain(|(part, _)| !is_replaced(*part));
    }
}

/// The output contains no option values, because they may be secret.
impl fmt::Debug for ResolvedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolvedSource")
            .field("cluster", &self.cluster)
            .field("identity", &self.identity)
            .field("problems", &self.problems)
            .field("inputs", &self.inputs)
            .finish_non_exhaustive()
    }
}
