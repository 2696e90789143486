//! The four options that name a client certificate and its key.

use std::path::PathBuf;
use std::time::Duration;

use super::Options;
use super::pem::Pem;
use crate::credential::ClientCertificate;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::secret::{ExposeSecret, SecretString};

/// How old a pair that is in files gets before they are read again.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How often a pair is read whose halves do not belong together.
const ATTEMPTS: usize = 3;

/// A client certificate and its key, each as a file or inline, spelled as in a kubeconfig:
/// `client-certificate`, `client-certificate-data`, `client-key`, `client-key-data`.
#[derive(Debug)]
pub struct KeyPairOptions {
    certificate: Pem,
    key: Pem,
}

impl KeyPairOptions {
    /// The pair, or `None` where none of the four is set. Files are read when it is [loaded](Self::load).
    ///
    /// # Errors
    /// `ConflictingFields` where a file and inline data are both set, `IncompleteKeyPair` where a half is
    /// missing.
    pub fn new(
        certificate: (Option<PathBuf>, Option<SecretString>),
        key: (Option<PathBuf>, Option<SecretString>),
        options: &Options,
    ) -> Result<Option<Self>> {
        let certificate = Pem::new("client-certificate", certificate.0, certificate.1, options)?;
        let key = Pem::new("client-key", key.0, key.1, options)?;
        match (certificate, key) {
            (None, None) => Ok(None),
            (Some(certificate), Some(key)) => Ok(Some(Self { certificate, key })),
            (Some(half), None) => Err(incomplete(
                "a client certificate is set without its key",
                "client-key",
            )
            .with_origin(half.origin())),
            (None, Some(half)) => Err(incomplete(
                "a client key is set without its certificate",
                "client-certificate",
            )
            .with_origin(half.origin())),
        }
    }

    /// How old the pair gets before it is read again: 60 s where one of the two is a file, else for ever.
    pub fn read_again_after(&self) -> Option<Duration> {
        let is_in_a_file = self.certificate.file().or(self.key.file()).is_some();
        is_in_a_file.then_some(READ_AGAIN_AFTER)
    }

    /// Reads both halves. Files that are replaced one after the other may be of different pairs for a moment,
    /// so they are read again where they are.
    ///
    /// # Errors
    /// `UnreadableFile`, `InvalidBase64`, `InvalidPem` or `IncompleteKeyPair`, with the key it is about.
    pub async fn load(&self, host: &Host) -> Result<ClientCertificate> {
        let mut loaded = self.load_once(host).await;
        for _ in 1..ATTEMPTS {
            match &loaded {
                Err(error) if error.kind() == ErrorKind::IncompleteKeyPair => {
                    loaded = self.load_once(host).await;
                }
                _ => break,
            }
        }
        loaded
    }

    async fn load_once(&self, host: &Host) -> Result<ClientCertificate> {
        let certificate = self.certificate.load(host, "the client certificate").await?;
        let key = self.key.load(host, "the client key").await?;
        let chain = ClientCertificate::chain_from_pem(certificate.expose_secret())
            .map_err(|error| error.with_origin(self.certificate.origin()))?;
        ClientCertificate::new(chain, key).map_err(|error| error.with_origin(self.key.origin()))
    }
}

fn incomplete(message: &str, missing: &str) -> Error {
    Error::new(ErrorKind::IncompleteKeyPair, message).with_help(format_args!(
        "set \"{missing}\" or \"{missing}-data\", or remove the other half"
    ))
}
