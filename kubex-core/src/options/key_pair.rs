//! The four options of a client certificate and its key: `client-certificate`, `client-certificate-data`, `client-key`
//! and `client-key-data`.
//! A provider passes their values to [`KeyPairOptions::new`], which checks that the certificate and the key are each
//! set exactly once. [`load`](KeyPairOptions::load) reads the files, and checks that the key belongs to the
//! certificate.

use std::path::PathBuf;
use std::time::Duration;

use super::Options;
use super::pem::Pem;
use crate::credential::{Certificates, ClientCertificate};
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::pem::Subject;
use crate::secret::{ExposeSecret, SecretString};

/// The age at which a key pair is read again from its files.
const REVALIDATE_AFTER: Duration = Duration::from_secs(60);

/// How many times a key pair is read in total while its certificate and key do not match, or one of them is not whole.
const MAX_ATTEMPTS: usize = 3;

/// A client certificate and its key, each in a file or inline. The keys of the options are those of a kubeconfig:
/// `client-certificate`, `client-certificate-data`, `client-key`, `client-key-data`.
#[derive(Debug)]
pub struct KeyPairOptions {
    certificate: Pem,
    key: Pem,
}

impl KeyPairOptions {
    /// Creates the pair from the four options. `certificate` and `key` each consist of a path and inline data. `options`
    /// contains the origins of these values, for errors. `None` if all four are unset. [`load`](Self::load) reads the files.
    ///
    /// ```
    /// use kubex_core::options::KeyPairOptions;
    /// use kubex_core::{ErrorKind, Options};
    ///
    /// let options = Options::new().set("client-certificate", "/etc/jane.crt");
    /// let certificate = (Some("/etc/jane.crt".into()), None);
    /// let error = KeyPairOptions::new(certificate, (None, None), &options).unwrap_err();
    /// assert_eq!(error.kind(), ErrorKind::IncompleteKeyPair);
    /// ```
    ///
    /// # Errors
    /// - [`ErrorKind::ConflictingFields`]: a file and inline data are both set.
    /// - [`ErrorKind::IncompleteKeyPair`]: the certificate or the key is missing.
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

    /// Returns the age at which the key pair is read again: 60 s if the certificate or the key is in a file; otherwise
    /// `None`.
    pub fn revalidate_after(&self) -> Option<Duration> {
        let is_in_a_file = self.certificate.file().or(self.key.file()).is_some();
        is_in_a_file.then_some(REVALIDATE_AFTER)
    }

    /// Whether one file contains both, as a pod certificate's credential bundle does (KEP-4317).
    fn is_bundle(&self) -> bool {
        self.certificate.file().is_some() && self.certificate.file() == self.key.file()
    }

    /// Reads the certificate and the key. While another program replaces the two files, they may not match, or one of them may
    /// be empty. In this case, both are read again at once.
    ///
    /// # Errors
    /// - [`ErrorKind::UnreadableFile`]: a file cannot be read.
    /// - [`ErrorKind::InvalidBase64`], [`ErrorKind::InvalidPem`]: the certificate or the key is invalid.
    /// - [`ErrorKind::IncompleteKeyPair`]: the key does not belong to the certificate.
    ///
    /// The error has the origin of the option. If neither the certificate nor the key can be read, it contains both problems.
    pub async fn load(&self, host: &Host) -> Result<ClientCertificate> {
        let mut loaded = self.load_once(host).await;
        for _ in 1..MAX_ATTEMPTS {
            match &loaded {
                Err(error) if self.revalidate_after().is_some() && may_be_half_written(error) => {
                    loaded = self.load_once(host).await;
                }
                _ => break,
            }
        }
        loaded
    }

    async fn load_once(&self, host: &Host) -> Result<ClientCertificate> {
        let certificate = self.certificate.load(host, "the client certificate").await;
        let key = match &certificate {
            // One read, so that both are of the same writing.
            Ok(bundle) if self.is_bundle() => Ok(bundle.expose_secret().to_vec().into()),
            Err(empty) if self.is_bundle() && empty.kind() == ErrorKind::InvalidPem => {
                return Err(empty.clone());
            }
            _ => self.key.load(host, "the client key").await,
        };
        let (certificate, key) = match (certificate, key) {
            (Ok(certificate), Ok(key)) => (certificate, key),
            (Err(first), Err(second)) => return Err(first.with_related(second)),
            (Err(error), Ok(_)) | (Ok(_), Err(error)) => return Err(error),
        };
        let of_certificate = Subject::CLIENT_CERTIFICATE.in_file(self.certificate.file());
        let of_key = Subject::CLIENT_KEY.in_file(self.key.file());
        let chain = Certificates::of_client(certificate.expose_secret(), of_certificate)
            .map_err(|error| error.with_origin(self.certificate.origin()))?;
        ClientCertificate::new(chain, key, [of_certificate, of_key])
            .map_err(|error| error.with_origin(self.key.origin()))
    }
}

fn may_be_half_written(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::IncompleteKeyPair | ErrorKind::InvalidPem)
}

fn incomplete(message: &str, missing: &str) -> Error {
    Error::new(ErrorKind::IncompleteKeyPair, message)
        .with_help(format_args!("set \"{missing}\" or \"{missing}-data\""))
}
