//! An option that comes as a file or as inline data: `certificate-authority` and `certificate-authority-data`.

use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use super::Options;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::origin::Origin;
use crate::secret::{ExposeSecret, SecretBytes, SecretString};

/// The largest file of certificates or keys that is read.
const LARGEST_FILE: usize = 4 * 1024 * 1024;

/// What every PEM text has in it.
const PEM_MARK: &str = "-----BEGIN ";

/// PEM text in a file, or inline under the key with `-data` added, and where it was written down.
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
    /// The one of the two that is set: the file under the key `name`, the data under `name` with `-data`.
    ///
    /// # Errors
    /// `ConflictingFields` where both are.
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
                    format_args!("\"{name}\" and \"{data_name}\" are both set, and only one can be meant"),
                )
                .with_origin(&options.origin_of(&data_name))
                .with_help(format_args!("remove \"{name}\" or \"{data_name}\"")));
            }
            (Some(file), None) => Self {
                content: Content::File(file),
                origin: options.origin_of(name),
            },
            (None, Some(data)) => Self {
                content: Content::Data(data),
                origin: options.origin_of(&data_name),
            },
        }))
    }

    /// The file it is in, where it is in one.
    pub(crate) fn file(&self) -> Option<&Path> {
        match &self.content {
            Content::File(path) => Some(path),
            Content::Data(_) => None,
        }
    }

    /// Where it was written down.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The PEM text. Data is PEM itself, or base64 of it as in a kubeconfig. `what` names it in an error: `the
    /// certificate authority`.
    ///
    /// # Errors
    /// `UnreadableFile` or `InvalidBase64`, with the place.
    pub async fn load(&self, host: &Host, what: &str) -> Result<SecretBytes> {
        match &self.content {
            Content::File(path) => host
                .files()
                .read(path, LARGEST_FILE)
                .await
                .map_err(|error| Error::unreadable(what, path, error)),
            Content::Data(data) if data.expose_secret().contains(PEM_MARK) => {
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
}

/// Standard base64, line breaks allowed, as tools that fold long lines write it. It is decoded where it stays.
fn decode(text: &str) -> Option<SecretBytes> {
    let mut joined = Zeroizing::new(String::new());
    let mut text = text;
    if text.bytes().any(|byte| byte.is_ascii_whitespace()) {
        joined.reserve_exact(text.len());
        joined.extend(text.chars().filter(|c| !c.is_ascii_whitespace()));
        text = &joined;
    }
    let padding = text.bytes().rev().take(2).filter(|byte| *byte == b'=').count();
    let mut decoded = vec![0; (text.len() / 4 * 3).checked_sub(padding)?];
    let length = BASE64_STANDARD.decode_slice(text, &mut decoded);
    let decoded = SecretBytes::from(decoded);
    (length.ok()? == decoded.expose_secret().len()).then_some(decoded)
}
