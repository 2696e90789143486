//! The secrets that a request needs beside the subject token: the OAuth client's, and the actor's token.

use std::path::PathBuf;

use kubex_core::text::{check_path, shown_path};
use kubex_core::{Error, ErrorKind, ExposeSecret, Host, Options, Origin, Result, SecretString};

use crate::options::ClientAuthentication;

/// The largest file that is read, in bytes.
const LARGEST_FILE: usize = 512 * 1024;

/// The OAuth client.
#[derive(Debug)]
pub(crate) struct Client {
    pub(crate) id: String,
    pub(crate) secret: Option<Secret>,
    pub(crate) authentication: ClientAuthentication,
}

impl Client {
    /// Combines the options of the client. An empty text means that an option is not set.
    ///
    /// # Errors
    /// `MissingField` for a secret without an id; `ConflictingFields` for two secrets.
    pub(crate) fn new(
        id: Option<String>,
        (secret, file): (Option<SecretString>, Option<PathBuf>),
        authentication: ClientAuthentication,
        options: &Options,
    ) -> Result<Option<Self>> {
        let secret = secret.filter(|secret| !secret.expose_secret().is_empty());
        let secret = match (secret, file) {
            (Some(_), Some(_)) => {
                return Err(Error::new(
                    ErrorKind::ConflictingFields,
                    "\"client-secret\" and \"client-secret-file\" are both set, and only one can apply",
                )
                .with_origin(&options.origin_of("client-secret-file"))
                .with_help("remove one of the two"));
            }
            (Some(secret), None) => Some(Secret::Text(secret)),
            (None, Some(file)) => Some(Secret::File(SecretFile::new(
                "client-secret-file",
                file,
                options,
            )?)),
            (None, None) => None,
        };
        match (id.filter(|id| !id.is_empty()), secret) {
            (Some(id), secret) => Ok(Some(Self {
                id,
                secret,
                authentication,
            })),
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Error::new(
                ErrorKind::MissingField,
                "a client secret is set without \"client-id\"",
            )
            .with_origin(options.origin())
            .with_help("set \"client-id\"")),
        }
    }
}

/// A secret of the configuration, or one in a file.
#[derive(Debug)]
pub(crate) enum Secret {
    Text(SecretString),
    File(SecretFile),
}

impl Secret {
    pub(crate) async fn load(&self, host: &Host) -> Result<SecretString> {
        match self {
            Self::Text(secret) => Ok(secret.clone()),
            Self::File(file) => file.load(host).await,
        }
    }
}

/// A file with a secret, which may be replaced at any time.
#[derive(Debug)]
pub(crate) struct SecretFile {
    key: &'static str,
    path: PathBuf,
    origin: Origin,
}

impl SecretFile {
    /// The file of the option with this key.
    ///
    /// # Errors
    /// `InvalidValue` for a text that cannot be a path.
    pub(crate) fn new(key: &'static str, path: PathBuf, options: &Options) -> Result<Self> {
        let origin = options.origin_of(key);
        check_path(key, &path.to_string_lossy(), &origin)?;
        Ok(Self { key, path, origin })
    }

    /// Reads the file. White space around the secret is removed.
    ///
    /// # Errors
    /// `UnreadableFile`, or `InvalidToken` or `EmptyToken` for a content that cannot be sent.
    pub(crate) async fn load(&self, host: &Host) -> Result<SecretString> {
        let Self { key, path, origin } = self;
        let read = host.files().read(path, LARGEST_FILE).await;
        let content = read.map_err(|error| {
            Error::unreadable(&format!("the file of \"{key}\""), path, error).with_origin(origin)
        })?;
        let invalid = |kind, why: &str| {
            let path = shown_path(path);
            Error::new(kind, format_args!("the file {path} of \"{key}\" {why}"))
                .with_origin(origin)
                .with_help("write the secret into it, as text")
        };
        let text = std::str::from_utf8(content.expose_secret())
            .map_err(|_| invalid(ErrorKind::InvalidToken, "is not text"))?;
        match text.trim_start_matches('\u{feff}').trim() {
            "" => Err(invalid(ErrorKind::EmptyToken, "is empty")),
            secret => Ok(secret.into()),
        }
    }
}
