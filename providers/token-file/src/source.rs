//! The credential source: reads the token from its file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::credential::jwt;
use kubex_core::options::KeyPairOptions;
use kubex_core::text::{check_path, shown_path};
use kubex_core::{
    BuildContext, Credential, CredentialSource, Error, ErrorKind, ExposeSecret, FetchRequest, FromOptions,
    Host, Origin, Result, SecretString,
};

use crate::options::TokenFileOptions;

/// The age of a token at which its file is read again.
const REVALIDATE_AFTER: Duration = Duration::from_secs(60);

/// The time limit of reading: the file may be on a network file system, and callers may be waiting.
const DEADLINE: Duration = Duration::from_secs(5);

/// The largest file that is read, in bytes. Servers refuse headers with longer tokens.
const MAX_FILE_SIZE: usize = 512 * 1024;

/// How many times the file is read in total while it is empty.
const MAX_ATTEMPTS: usize = 3;

/// Reads a bearer token from a file: the credential source of the provider `token-file`. See the [crate](crate).
#[derive(Debug)]
pub struct TokenFileSource {
    path: PathBuf,
    origin: Origin,
    fallback: Option<SecretString>,
    /// Whether a token of the file was used. From then on the fallback is not used, even when the file is missing.
    was_read: AtomicBool,
    is_revalidated: bool,
    key_pair: Option<KeyPairOptions>,
}

impl FromOptions for TokenFileSource {
    type Options = TokenFileOptions;

    fn from_options(options: TokenFileOptions, context: &BuildContext<'_>) -> Result<Self> {
        let key_pair = KeyPairOptions::new(
            (options.client_certificate, options.client_certificate_data),
            (options.client_key, options.client_key_data),
            context.options,
        )?;
        let origin = context.options.origin_of("token-file");
        check_path("token-file", &options.token_file.to_string_lossy(), &origin)?;
        Ok(Self {
            path: options.token_file,
            origin,
            fallback: options.token,
            was_read: AtomicBool::new(false),
            is_revalidated: options.try_refresh_token,
            key_pair,
        })
    }
}

impl TokenFileSource {
    /// The token of the file, or the fallback if no token of the file was used yet; and whether it is the file's.
    async fn token(&self, host: &Host) -> Result<(SecretString, bool)> {
        match (self.read(host).await, &self.fallback) {
            (Ok(token), _) => Ok((token, true)),
            (Err(_), Some(fallback)) if !self.was_read.load(Ordering::Relaxed) => {
                Ok((fallback.clone(), false))
            }
            (Err(error), _) => Err(error),
        }
    }

    async fn credential(&self, token: SecretString, host: &Host) -> Result<Credential> {
        let expires_at = jwt::expiry(token.expose_secret());
        let mut credential = Credential::bearer(token)
            .map_err(|error| error.with_origin(&self.origin))?
            .with_expiry(expires_at);
        if self.is_revalidated {
            credential = credential.with_revalidate_after(REVALIDATE_AFTER);
        }
        Ok(match &self.key_pair {
            Some(key_pair) => credential.with_certificate(key_pair.load(host).await?),
            None => credential,
        })
    }

    /// Reads the token. Some programs truncate the file and write it then, so that it is empty for a moment: it is read
    /// again at once.
    async fn read(&self, host: &Host) -> Result<SecretString> {
        let mut read = self.read_once(host).await;
        for _ in 1..MAX_ATTEMPTS {
            match &read {
                Err(error) if error.kind() == ErrorKind::EmptyToken => read = self.read_once(host).await,
                _ => break,
            }
        }
        read
    }

    async fn read_once(&self, host: &Host) -> Result<SecretString> {
        let content = host.files().read(&self.path, MAX_FILE_SIZE).await;
        let content = content.map_err(|error| {
            Error::unreadable("the token file", &self.path, error).with_origin(&self.origin)
        })?;
        let text = std::str::from_utf8(content.expose_secret())
            .map_err(|_| self.invalid(ErrorKind::InvalidToken, "is not text"))?;
        let token = text.trim_start_matches('\u{feff}').trim();
        if token.is_empty() {
            return Err(self.invalid(ErrorKind::EmptyToken, "is empty"));
        }
        Ok(token.into())
    }

    fn invalid(&self, kind: ErrorKind, why: &str) -> Error {
        Error::new(
            kind,
            format_args!("the token file {} {why}", shown_path(&self.path)),
        )
        .with_origin(&self.origin)
    }
}

#[async_trait]
impl CredentialSource for TokenFileSource {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let (token, is_from_file) = self.token(request.host).await?;
        let credential = self.credential(token, request.host).await?;
        if is_from_file {
            self.was_read.store(true, Ordering::Relaxed);
        }
        Ok(credential)
    }

    fn describe(&self) -> String {
        format!("token file {}", shown_path(&self.path))
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    fn only_reads_files(&self) -> bool {
        true
    }

    async fn check(&self, host: &Host) -> Result<Option<Credential>> {
        let (token, _) = self.token(host).await?;
        self.credential(token, host).await.map(Some)
    }
}
