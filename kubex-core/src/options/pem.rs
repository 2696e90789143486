//! A pair of options for PEM text: a file, such as `certificate-authority`, or inline data, such as
//! `certificate-authority-data`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::Options;
use crate::cluster::CaBundle;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::origin::Origin;
use crate::pem::Subject;
use crate::secret::{ExposeSecret, SecretBytes, SecretString};
use crate::text::{check_path, shown_path};

/// The maximum size of a certificate or key file, in bytes.
const MAX_FILE_SIZE: usize = 4 * 1024 * 1024;

/// Returns whether a text is PEM, and not base64 of PEM.
pub fn is_pem(text: &str) -> bool {
    text.contains("-----BEGIN ")
}

/// PEM text in a file or inline, with its origin.
///
/// Inline data is base64 of PEM, as in a kubeconfig, or PEM itself, as in a program. Setting both options is an error,
/// as in kubectl, because a reader of the file could not see which one is used.
#[derive(Debug)]
pub struct Pem {
    content: Content,
    origin: Origin,
}

#[derive(Debug)]
enum Content {
    File(PathBuf),
    Data(SecretString),
}

impl Pem {
    /// Creates the PEM from one of two options, such as `client-key` (a path) and `client-key-data` (inline data). `name` is
    /// the key of the first. `options` contains the origins of the values, for errors. `None` if neither option is set.
    ///
    /// # Errors
    /// - [`ErrorKind::ConflictingFields`]: both options are set.
    /// - [`ErrorKind::InvalidValue`]: the value of `file` cannot be a path.
    pub fn new(
        name: &str,
        file: Option<PathBuf>,
        data: Option<SecretString>,
        options: &Options,
    ) -> Result<Option<Self>> {
        let data_name = format!("{name}-data");
        Ok(Some(match (file, data) {
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => {
                return Err(Error::new(
                    ErrorKind::ConflictingFields,
                    format_args!("\"{name}\" and \"{data_name}\" are both set, and only one can apply"),
                )
                .with_origin(&options.origin_of(&data_name))
                .with_help(format_args!("remove \"{name}\" or \"{data_name}\"")));
            }
            (Some(file), None) => {
                let origin = options.origin_of(name);
                check_path(name, &file.to_string_lossy(), &origin)?;
                Self {
                    content: Content::File(file),
                    origin,
                }
            }
            (None, Some(data)) => Self {
                content: Content::Data(data),
                origin: options.origin_of(&data_name),
            },
        }))
    }

    /// Returns the path of the file, or `None` for inline data.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.content {
            Content::File(path) => Some(path),
            Content::Data(_) => None,
        }
    }

    /// Returns the origin of the option that contains the path or the data.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Returns the PEM text. It reads the file, or decodes the inline data. `what` describes the text in errors, such
    /// as `the certificate authority`.
    ///
    /// # Errors
    /// - [`ErrorKind::UnreadableFile`]: the file cannot be read.
    /// - [`ErrorKind::InvalidPem`]: the file is empty.
    /// - [`ErrorKind::InvalidBase64`]: the inline data is neither PEM nor base64.
    ///
    /// The error has the origin of the option.
    pub async fn load(&self, host: &Host, what: &str) -> Result<SecretBytes> {
        match &self.content {
            Content::File(path) => match host.files().read(path, MAX_FILE_SIZE).await {
                Ok(text) if text.expose_secret().trim_ascii().is_empty() => Err(empty(what, path)),
                Ok(text) => Ok(text),
                Err(error) => Err(Error::unreadable(what, path, error)),
            },
            Content::Data(data) if is_pem(data.expose_secret()) => {
                Ok(data.expose_secret().as_bytes().to_vec().into())
            }
            Content::Data(data) => decode(data.expose_secret()).ok_or_else(|| {
                Error::new(
                    ErrorKind::InvalidBase64,
                    format_args!("{what} is not valid base64"),
                )
                .with_help("encode the PEM file with: base64 -w0")
            }),
        }
        .map_err(|error| error.with_origin(&self.origin))
    }

    /// Returns the certificate authorities in the PEM text. `what` describes the text in errors, as in
    /// [`load`](Self::load). A file without a valid certificate is read again at once, because another program may be
    /// writing it.
    ///
    /// # Errors
    /// The same as [`load`](Self::load). Also returns [`ErrorKind::InvalidPem`] if there is no valid certificate.
    pub async fn load_ca_bundle(&self, host: &Host, what: &str) -> Result<CaBundle> {
        match self.load_ca_bundle_once(host, what).await {
            Err(error) if self.file().is_some() && error.kind() == ErrorKind::InvalidPem => {
                self.load_ca_bundle_once(host, what).await
            }
            loaded => loaded,
        }
    }

    async fn load_ca_bundle_once(&self, host: &Host, what: &str) -> Result<CaBundle> {
        let text = self.load(host, what).await?;
        let subject = Subject::AUTHORITY.in_file(self.file());
        CaBundle::read(text.expose_secret(), subject).map_err(|error| error.with_origin(&self.origin))
    }
}

fn empty(what: &str, path: &Path) -> Error {
    let message = format_args!("{what} {} is empty", shown_path(path));
    Error::new(ErrorKind::InvalidPem, message)
        .with_help("write the PEM to the file, or wait until its writer has done so")
}

/// Decodes standard base64. White space is allowed, because many tools wrap long lines.
fn decode(text: &str) -> Option<SecretBytes> {
    if let Some(decoded) = decode_unwrapped(text) {
        return Some(decoded);
    }
    let mut joined = Zeroizing::new(String::with_capacity(text.len()));
    joined.extend(text.chars().filter(|c| !c.is_ascii_whitespace()));
    decode_unwrapped(&joined)
}

/// Decodes into the final buffer, so that no copy of a secret is left behind.
fn decode_unwrapped(text: &str) -> Option<SecretBytes> {
    let padding = text.bytes().rev().take(2).filter(|byte| *byte == b'=').count();
    let mut decoded = vec![0; (text.len() / 4 * 3).checked_sub(padding)?];
    let length = BASE64_STANDARD.decode_slice(text, &mut decoded);
    let decoded = SecretBytes::from(decoded);
    (length.ok()? == decoded.expose_secret().len()).then_some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::SimulatedHost;
    use crate::options::KeyPairOptions;

    #[tokio::test]
    async fn an_empty_file_is_named_once_for_each_option_that_reads_it() {
        let world = SimulatedHost::new();
        let options = Options::new();
        let file = |path: &str| (Some(PathBuf::from(path)), None);
        for text in ["", "\n", " \t\r\n"] {
            world.write("/run/svid.pem", text);
            world.write("/run/other.pem", text);
            let host = world.host();
            let authority = Pem::new("certificate-authority", file("/run/svid.pem").0, None, &options);
            let authority = authority.unwrap().unwrap();
            let error = authority
                .load_ca_bundle(&host, "the certificate authority")
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidPem);
            assert_eq!(
                error.message(),
                "the certificate authority /run/svid.pem is empty"
            );
            assert!(
                error
                    .help()
                    .is_some_and(|help| help.contains("wait until its writer"))
            );

            let load = async |key: &str| {
                let pair = KeyPairOptions::new(file("/run/svid.pem"), file(key), &options);
                let error = pair.unwrap().unwrap().load(&host).await.unwrap_err();
                let messages: Vec<String> =
                    error.problems().map(|error| error.message().to_owned()).collect();
                messages
            };
            let certificate = "the client certificate /run/svid.pem is empty";
            assert_eq!(load("/run/svid.pem").await, [certificate]);
            let key = "the client key /run/other.pem is empty";
            assert_eq!(load("/run/other.pem").await, [certificate, key]);
        }
    }
}
