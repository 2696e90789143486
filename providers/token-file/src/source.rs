//! Reading the token from its file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use kubex_core::credential::jwt;
use kubex_core::options::KeyPairOptions;
use kubex_core::{
    BuildContext, Credential, CredentialSource, Error, ErrorKind, ExposeSecret, FetchRequest, FromOptions,
    Host, Origin, Result, SecretString,
};

use crate::options::TokenFileOptions;

/// How old a token may get before its file is read again.
const READ_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How long reading may take: the file may be on a network file system, and callers may be waiting.
const DEADLINE: Duration = Duration::from_secs(5);

/// The largest file that is read: no header carries a longer token.
const LARGEST_FILE: usize = 512 * 1024;

/// The credential source of the provider `token-file`.
#[derive(Debug)]
pub struct TokenFileSource {
    path: PathBuf,
    origin: Origin,
    fallback: Option<SecretString>,
    /// Once the file gave a token that was used, that one stays in use when the file is gone; the fallback is
    /// over.
    was_read: AtomicBool,
    is_read_again: bool,
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
        Ok(Self {
            path: options.token_file,
            origin: context.options.origin_of("token-file"),
            fallback: options.token,
            was_read: AtomicBool::new(false),
            is_read_again: options.try_refresh_token,
            key_pair,
        })
    }
}

impl TokenFileSource {
    /// The file's token, or the fallback for as long as the file never gave one; and whether it is the file's.
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
        if self.is_read_again {
            credential = credential.with_revalidate_after(READ_AGAIN_AFTER);
        }
        Ok(match &self.key_pair {
            Some(key_pair) => credential.with_certificate(key_pair.load(host).await?),
            None => credential,
        })
    }

    async fn read(&self, host: &Host) -> Result<SecretString> {
        let content = host.files().read(&self.path, LARGEST_FILE).await;
        let content = content.map_err(|error| {
            Error::unreadable("the token file", &self.path, error).with_origin(&self.origin)
        })?;
        let text = std::str::from_utf8(content.expose_secret())
            .map_err(|_| self.is(ErrorKind::InvalidToken, "is not text"))?;
        let token = text.trim_start_matches('\u{feff}').trim();
        if token.is_empty() {
            return Err(self.is(ErrorKind::EmptyToken, "is empty"));
        }
        Ok(token.into())
    }

    fn is(&self, kind: ErrorKind, why: &str) -> Error {
        Error::new(kind, format_args!("the token file {} {why}", self.path.display()))
            .with_origin(&self.origin)
    }
}

#[async_trait]
impl CredentialSource for TokenFileSource {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        let (token, is_of_the_file) = self.token(request.host).await?;
        let credential = self.credential(token, request.host).await?;
        if is_of_the_file {
            self.was_read.store(true, Ordering::Relaxed);
        }
        Ok(credential)
    }

    fn describe(&self) -> String {
        format!("token file {}", self.path.display())
    }

    fn deadline(&self) -> Duration {
        DEADLINE
    }

    async fn check(&self, host: &Host) -> Result<()> {
        let (token, _) = self.token(host).await?;
        self.credential(token, host).await.map(drop)
    }
}
