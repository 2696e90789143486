//! What is put in place of a source's own fields, whichever source answers.
//!
//! The names are those of a kubeconfig. The rules are client-go's (tools/clientcmd/client_config.go):
//!
//! | set | replaces |
//! |---|---|
//! | `server` | the address, and the TLS server name that went with it |
//! | `certificate-authority`, `certificate-authority-data`, `insecure-skip-tls-verify` | all three of them |
//! | `token`, `token-file`, `username` | all of them, and `password` |
//! | `client-certificate` or its `-data`; `client-key` or its `-data` | both forms of that half |
//! | `as-user-extra` | the keys that it names |
//! | any other | that field |
//!
//! Unlike in client-go, they hold for every source, a pod's service account included.

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::options::{ClusterOptions, Options};
use crate::registry::Registry;
use crate::source::CredentialSource;

/// Overrides that a chain was given, checked as far as that needs no file. See the [module](self).
#[derive(Debug, Default)]
pub struct Overrides {
    cluster: ClusterOptions,
    identity_options: Options,
    identity: Option<Arc<dyn CredentialSource>>,
}

impl Overrides {
    /// The keys that say who, beside [those of the cluster](ClusterOptions::KEYS).
    pub const IDENTITY_KEYS: &[&str] = &[
        "token",
        "token-file",
        "username",
        "password",
        "client-certificate",
        "client-certificate-data",
        "client-key",
        "client-key-data",
    ];

    /// Overrides with these options; an identity among them is given by the provider `static` or `token-file`.
    ///
    /// # Errors
    /// `UnknownField` for a key that overrides nothing, `UnknownProvider` where the identity's provider is not
    /// linked in, or what the options have wrong.
    pub fn new(mut options: Options, registry: &Registry) -> Result<Self> {
        let mut cluster_options = options.split_off(ClusterOptions::KEYS);
        let identity_options = options.split_off(Self::IDENTITY_KEYS);
        if let Some((key, value)) = options.iter().next() {
            let known: Vec<&str> = [ClusterOptions::KEYS, Self::IDENTITY_KEYS].concat();
            return Err(Error::unknown_key(key, &known).with_origin(value.origin()));
        }
        let is_whole = |half: &str| {
            let data = format!("{half}-data");
            identity_options
                .get(half)
                .or(identity_options.get(&data))
                .is_some()
        };
        let has_word = ["token", "token-file", "username"]
            .iter()
            .any(|key| identity_options.get(key).is_some());
        let provider = if identity_options.get("token-file").is_some() {
            "token-file"
        } else {
            "static"
        };
        // Half a key pair replaces that half of a kubeconfig's, and means nothing to another source.
        let stands_alone = has_word || (is_whole("client-certificate") && is_whole("client-key"));
        let identity = stands_alone
            .then(|| registry.source(provider, &identity_options))
            .transpose()?;
        Ok(Self {
            cluster: ClusterOptions::take_from(&mut cluster_options)?,
            identity_options,
            identity,
        })
    }

    /// These overrides, on top of what is put in the place of one source's own.
    pub(crate) fn on_top_of(self: &Arc<Self>, beneath: &ClusterOptions) -> Result<Arc<Self>> {
        if beneath.is_empty() {
            return Ok(Arc::clone(self));
        }
        Ok(Arc::new(Self {
            cluster: beneath.overridden_by(&self.cluster)?,
            identity_options: self.identity_options.clone(),
            identity: self.identity.clone(),
        }))
    }

    /// What is said of the cluster, the namespace and the impersonation.
    pub fn cluster(&self) -> &ClusterOptions {
        &self.cluster
    }

    /// What is said of the identity, as it was written.
    pub fn identity_options(&self) -> &Options {
        &self.identity_options
    }

    /// The identity that is put in place of a provider's own as a whole.
    ///
    /// # Errors
    /// `IncompleteKeyPair` where the overrides hold only a part of an identity, which can take the place of the
    /// same part of a kubeconfig's user and of nothing else.
    pub fn identity(&self) -> Result<Arc<dyn CredentialSource>> {
        self.identity.clone().ok_or_else(|| {
            let origin = self
                .identity_options
                .iter()
                .next()
                .map(|(_, value)| value.origin());
            Error::new(
                ErrorKind::IncompleteKeyPair,
                "the overrides hold a part of an identity, and this source's own has no such part",
            )
            .with_origin(origin.unwrap_or(self.identity_options.origin()))
            .with_help("override the certificate together with its key")
        })
    }
}
