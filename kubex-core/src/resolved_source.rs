//! What a provider answers: data, not yet a live configuration.
//!
//! A [`ResolvedSource`] holds options that know where they were written: those of the cluster, and the
//! [identity](Identity) as a registered provider's name with its options. Because it is data, overrides are merged
//! into it by one function ([`Overrides::apply`](crate::Overrides::apply)), two of them can be
//! [compared](ResolvedSource::differences), and the registry builds the credential source only for the answer that is
//! used.
//!
//! ```
//! use kubex_core::resolved_source::Difference;
//! use kubex_core::{Identity, Options, ResolvedSource};
//!
//! let token = Options::new().set("token-file", "/run/secrets/token");
//! let answer = ResolvedSource::for_server("https://10.0.0.1:6443").identity(Identity::named("token-file", token));
//! let same = answer.clone();
//! assert!(answer.differences(&same).is_empty());
//!
//! let moved = ResolvedSource::for_server("https://10.0.0.2:6443");
//! assert!(answer.differences(&moved).contains(&Difference::Server));
//! ```

mod difference;
mod identity;

use std::fmt;
use std::sync::Arc;

use crate::error::Error;
use crate::host::Input;
use crate::options::{Options, Value};
use crate::origin::Origin;
use crate::provenance::Provenance;
use crate::trust::TrustSource;
use crate::warning::Warning;

pub use difference::Difference;
pub(crate) use identity::{CERTIFICATE_FIELDS, Chosen, ChosenIdentity, KEY_FIELDS, ReadySource};
pub use identity::{Identity, IdentityNote};

/// A part of a resolved source. A problem or a warning about a part goes when overrides replace that part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SourcePart {
    /// The source as a whole.
    Source,
    /// The cluster's options; the text is the key the problem is about.
    Cluster(&'static str),
    /// Which certificates of the server are trusted.
    Trust,
    /// The identity.
    Identity,
}

/// What a provider answers. See the [module](self).
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
}

impl ResolvedSource {
    /// The answer with these cluster options, whose keys are [`ClusterOptions::KEYS`], and no identity.
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
        }
    }

    /// The answer of a program that knows the server's address and nothing else of the cluster.
    pub fn for_server(address: &str) -> Self {
        Self::new(Options::new().set("server", address))
    }

    /// Sets who the requests are made as.
    #[must_use]
    pub fn identity(mut self, identity: Identity) -> Self {
        self.identity = identity;
        self
    }

    /// Sets what reads the certificate authorities again while the configuration is in use. Overrides that replace
    /// the trust replace this as well.
    #[must_use]
    pub fn trust_source(mut self, source: Arc<dyn TrustSource>) -> Self {
        self.trust_source = Some(source);
        self
    }

    /// Sets what a kubeconfig attaches to the cluster, by name. An exec plugin is given its own.
    #[must_use]
    pub fn extensions(mut self, extensions: Vec<(String, Value)>) -> Self {
        self.extensions = extensions;
        self
    }

    /// Adds a warning about a part of the answer.
    pub fn warn(&mut self, part: SourcePart, warning: Warning) {
        self.warnings.push((part, warning));
    }

    /// Adds a problem. The chain reports it together with what it finds itself, unless overrides replace the part.
    pub fn add_problem(&mut self, part: SourcePart, problem: Error) {
        for problem in problem.into_problems() {
            self.problems.push((part, problem));
        }
    }

    /// Records where a choice that is not an option was written, such as the name of a context.
    pub fn record_origin(&mut self, field: &str, origin: &Origin) {
        self.provenance.set(field, origin);
    }

    /// Records that an entry hides another one of the same name.
    pub fn record_shadowed(&mut self, taken: &Origin, shadowed: &Origin) {
        self.provenance.add_shadowed(taken, shadowed);
    }

    /// The cluster's options, with where each was written.
    pub fn cluster_options(&self) -> &Options {
        &self.cluster
    }

    /// The files and variables that the answer was read from, in the order they were read. The chain fills them in.
    pub fn inputs(&self) -> &[Input] {
        &self.inputs
    }

    /// Drops the problems and warnings about parts that are replaced.
    pub(crate) fn forget(&mut self, is_replaced: impl Fn(SourcePart) -> bool) {
        self.warnings.retain(|(part, _)| !is_replaced(*part));
        self.problems.retain(|(part, _)| !is_replaced(*part));
    }
}

/// Options may hold secrets, and their `Debug` shows none.
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
