//! A credential: an immutable token, password or client certificate.
//!
//! A [`Credential`] authenticates a request by a bearer token, by a user name and password, by a client certificate, or
//! by a token and a certificate together. It never changes. [`Credentials`](crate::Credentials) replaces it before it
//! expires.
//!
//! ```
//! use kubex_core::Credential;
//! let credential = Credential::bearer("abc".into())?;
//! assert_eq!(credential.authorization().unwrap().to_str().unwrap(), "Bearer abc");
//! assert!(!format!("{credential:?}").contains("abc"));
//! # Ok::<(), kubex_core::Error>(())
//! ```
//!
//! | created by | sent as |
//! |---|---|
//! | [`Credential::bearer`] | `Authorization: Bearer ...` |
//! | [`Credential::basic`] | `Authorization: Basic ...` |
//! | [`with_certificate`](Credential::with_certificate) | the client certificate of the TLS connection |
//! | [`Credential::anonymous`] | nothing |
//!
//! # Renewal
//!
//! - [`with_expiry`](Credential::with_expiry) sets when the credential expires. It is renewed when less than 20 % of its
//!   lifetime is left ([the rule](mod@crate::credentials#when-a-credential-is-renewed)), and never used after its expiry.
//! - [`with_revalidate_after`](Credential::with_revalidate_after) sets the age at which the credential is fetched again, even
//!   if it is still valid. If that fetch fails, the old credential stays in use.
//!
//! A credential with neither is used until a server rejects it.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use kubex_core::Credential;
//!
//! let from_file = Credential::bearer("abc".into())?.with_revalidate_after(Duration::from_secs(60));
//! assert_eq!(from_file.expires_at(), None);
//!
//! let end = SystemTime::now() + Duration::from_secs(900);
//! let from_issuer = Credential::bearer("abc".into())?.with_expiry(Some(end));
//! assert_eq!(from_issuer.expires_at(), Some(end));
//! # Ok::<(), kubex_core::Error>(())
//! ```

mod certificate;
pub mod jwt;
mod private_key;
mod public_key;

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::{ExposeSecret, SecretString};
use crate::shards::{Padded, Shards};
use crate::time::rfc3339;

pub use certificate::ClientCertificate;
pub(crate) use certificate::{Certificates, ignored_blocks, not_a_pair};

/// The longest accepted token, in bytes. Servers refuse longer headers.
const MAX_TOKEN_LENGTH: usize = 512 * 1024;

/// Numbers the successive credentials of one [`Credentials`](crate::Credentials) handle. Each new credential has the
/// next generation.
///
/// If a server rejects a credential (401), the client reports the generation of that credential. A late report about an
/// old credential therefore cannot discard a newer one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// The generation after this one.
    #[must_use]
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns the number: 0 before the first fetch, then counting from 1.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A token, or a user name and a password: a request has one `Authorization` header.
enum Secret {
    Bearer(SecretString),
    Basic {
        username: String,
        password: SecretString,
    },
}

/// An immutable credential. See the [module](self).
#[derive(Clone)]
pub struct Credential {
    secret: Option<Arc<Secret>>,
    /// The header's value, computed once, with a counter for each thread that needs one. Its bytes are wiped when the last
    /// clone is dropped.
    authorization: Option<Arc<Shards<HeaderValue>>>,
    certificate: Option<Arc<ClientCertificate>>,
    expires_at: Option<SystemTime>,
    revalidate_after: Option<Duration>,
    generation: Generation,
    expired_on_arrival: bool,
    provenance: Arc<str>,
}

impl Credential {
    /// Creates a credential without an identity. The server decides what anonymous requests may do.
    pub fn anonymous() -> Self {
        Self {
            secret: None,
            authorization: None,
            certificate: None,
            expires_at: None,
            revalidate_after: None,
            generation: Generation::default(),
            expired_on_arrival: false,
            provenance: Arc::default(),
        }
    }

    /// Creates a bearer token, sent as `Authorization: Bearer <token>`. White space at the end of the token is removed,
    /// because a header cannot end with white space (RFC 9110, 5.5). White space at the beginning is sent.
    ///
    /// ```
    /// use kubex_core::{Credential, ErrorKind};
    ///
    /// let credential = Credential::bearer("abc ".into())?;
    /// assert_eq!(credential.authorization().unwrap().to_str().unwrap(), "Bearer abc");
    /// assert_eq!(Credential::bearer(" ".into()).unwrap_err().kind(), ErrorKind::EmptyToken);
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// - [`ErrorKind::EmptyToken`]: the token is empty or blank.
    /// - [`ErrorKind::InvalidToken`]: the token contains control characters, or is longer than 512 KiB.
    pub fn bearer(token: SecretString) -> Result<Self> {
        Self::anonymous().with_bearer(token)
    }

    /// Adds a bearer token. Use it for a source that returns a token and a certificate together.
    ///
    /// # Errors
    /// The same as [`bearer`](Self::bearer).
    ///
    /// ```
    /// use kubex_core::Credential;
    ///
    /// let credential = Credential::anonymous().with_bearer("abc".into())?;
    /// assert!(!credential.is_anonymous());
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn with_bearer(mut self, token: SecretString) -> Result<Self> {
        let text = token.expose_secret().trim_end_matches([' ', '\t']);
        if text.is_empty() {
            return Err(Error::new(ErrorKind::EmptyToken, "the token is empty"));
        }
        if text.len() > MAX_TOKEN_LENGTH {
            return Err(Error::new(
                ErrorKind::InvalidToken,
                format_args!("the token is longer than {MAX_TOKEN_LENGTH} bytes"),
            ));
        }
        self.authorization = Some(header("Bearer ", text).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidToken,
                "the token contains a control character or a line break",
            )
        })?);
        self.secret = Some(Arc::new(Secret::Bearer(token)));
        Ok(self)
    }

    /// Creates a user name and a password, sent as `Authorization: Basic <base64>` (RFC 7617). A server reads only the
    /// part before the first colon as the user name, so a user name with a colon usually fails there.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if the user name is empty.
    ///
    /// ```
    /// use kubex_core::Credential;
    ///
    /// let credential = Credential::basic("jane", "abc".into())?;
    /// assert_eq!(credential.authorization().unwrap().to_str().unwrap(), "Basic amFuZTphYmM=");
    /// assert!(credential.authorization().unwrap().is_sensitive());
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn basic(username: &str, password: SecretString) -> Result<Self> {
        if username.is_empty() {
            return Err(Error::new(ErrorKind::InvalidValue, "the user name is empty"));
        }
        let pair = Zeroizing::new(format!("{username}:{}", password.expose_secret()));
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        let authorization = header("Basic ", &encoded).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidValue,
                "the user name or password contains characters that are not allowed in a header",
            )
        })?;
        let mut credential = Self::anonymous();
        credential.authorization = Some(authorization);
        credential.secret = Some(Arc::new(Secret::Basic {
            username: username.to_owned(),
            password,
        }));
        Ok(credential)
    }

    /// Adds a client certificate. A server that receives a certificate and a token uses the certificate.
    #[must_use]
    pub fn with_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.certificate = Some(Arc::new(certificate));
        self
    }

    /// Sets when the credential expires, by the wall clock. `None` means that it does not expire.
    #[must_use]
    pub fn with_expiry(mut self, expires_at: Option<SystemTime>) -> Self {
        self.expires_at = expires_at;
        self
    }

    /// Sets the age at which the credential is fetched again, even if it is still valid. If that fetch fails, the credential
    /// stays in use.
    #[must_use]
    pub fn with_revalidate_after(mut self, age: Duration) -> Self {
        self.revalidate_after = Some(age);
        self
    }

    /// Returns the value of the `Authorization` header; `None` if the credential has neither a token nor a password.
    /// The value is marked as sensitive.
    #[inline]
    pub fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_deref().map(Shards::get)
    }

    /// Returns the bearer token; `None` if there is none.
    pub fn token(&self) -> Option<&SecretString> {
        match self.secret.as_deref() {
            Some(Secret::Bearer(token)) => Some(token),
            _ => None,
        }
    }

    /// Returns the user name and the password; `None` if there are none.
    pub fn basic_pair(&self) -> Option<(&str, &SecretString)> {
        match self.secret.as_deref() {
            Some(Secret::Basic { username, password }) => Some((username, password)),
            _ => None,
        }
    }

    /// Returns the client certificate with its key; `None` if there is none.
    pub fn certificate(&self) -> Option<&Arc<ClientCertificate>> {
        self.certificate.as_ref()
    }

    /// Returns when the credential expires; `None` if it does not.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.expires_at
    }

    /// Returns the age at which the credential is fetched again, even if it is still valid; `None` if no age is set.
    pub fn revalidate_after(&self) -> Option<Duration> {
        self.revalidate_after
    }

    /// Returns the generation, to be passed to [`Credentials::invalidate`](crate::Credentials::invalidate).
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Returns whether the credential had already expired when it was fetched. Such a credential is still used once, because
    /// this machine's clock may be wrong. Use it for one request only, and not for a connection that stays open.
    pub fn expired_on_arrival(&self) -> bool {
        self.expired_on_arrival
    }

    /// Returns the description of the credential's source, such as `exec plugin aws`.
    pub fn provenance(&self) -> &str {
        &self.provenance
    }

    /// Returns whether the credential contains no identity: no token, no password and no certificate.
    pub fn is_anonymous(&self) -> bool {
        self.secret.is_none() && self.certificate.is_none()
    }

    /// Returns which parts the credential has, such as `bearer token and client certificate`.
    ///
    /// ```
    /// use kubex_core::Credential;
    ///
    /// assert_eq!(Credential::bearer("abc".into())?.description(), "bearer token");
    /// assert_eq!(Credential::anonymous().description(), "no credential");
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn description(&self) -> &'static str {
        match (self.secret.as_deref(), &self.certificate) {
            (None, None) => "no credential",
            (Some(Secret::Bearer(_)), None) => "bearer token",
            (Some(Secret::Basic { .. }), None) => "user name and password",
            (None, Some(_)) => "client certificate",
            (Some(Secret::Bearer(_)), Some(_)) => "bearer token and client certificate",
            (Some(Secret::Basic { .. }), Some(_)) => "user name, password and client certificate",
        }
    }

    /// Whether both credentials are equal: the token, or the user name and password, and the certificate.
    pub(crate) fn is_same_identity(&self, other: &Self) -> bool {
        self.authorization() == other.authorization() && self.certificate == other.certificate
    }

    /// The same credential with the description of what returned it.
    pub(crate) fn with_provenance(mut self, provenance: Arc<str>) -> Self {
        self.provenance = provenance;
        self
    }

    pub(crate) fn with_fetch_details(mut self, generation: Generation, expired_on_arrival: bool) -> Self {
        self.generation = generation;
        self.expired_on_arrival = expired_on_arrival;
        self
    }
}

/// A sensitive header value whose bytes are wiped when the last clone is dropped.
fn header(scheme: &str, text: &str) -> Option<Arc<Shards<HeaderValue>>> {
    if text.contains(char::is_control) {
        return None;
    }
    let mut value = Zeroizing::new(Vec::with_capacity(scheme.len() + text.len()));
    value.extend_from_slice(scheme.as_bytes());
    value.extend_from_slice(text.as_bytes());
    let text = Wiped(Arc::new(value));
    let first = header_value(Bytes::from_owner(text.clone()))?;
    let unpadded = first.clone();
    let copy =
        move || header_value(Bytes::from_owner(Padded(text.clone()))).unwrap_or_else(|| unpadded.clone());
    Some(Arc::new(Shards::new(first, copy)))
}

fn header_value(bytes: Bytes) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_maybe_shared(bytes).ok()?;
    value.set_sensitive(true);
    Some(value)
}

/// The text of a header value.
#[derive(Clone)]
struct Wiped(Arc<Zeroizing<Vec<u8>>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl AsRef<[u8]> for Padded<Wiped> {
    fn as_ref(&self) -> &[u8] {
        self.0.as_ref()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("consists_of", &self.description())
            .field("generation", &self.generation.0)
            .field("expires_at", &self.expires_at.map(rfc3339))
            .field("provenance", &self.provenance)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_cannot_be_sent_is_refused_and_not_shown() {
        for token in ["a\rb", "a\nb", "a\0b", "a\u{7f}b", "a\u{80}b", "a\tb"] {
            let error = Credential::bearer(token.into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidToken);
            assert!(!format!("{error} {error:?}").contains(token));
        }
        for blank in ["", "  ", " \t"] {
            let error = Credential::bearer(blank.into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::EmptyToken);
        }
        assert_eq!(
            Credential::bearer("x".repeat(1 << 20).into()).unwrap_err().kind(),
            ErrorKind::InvalidToken
        );
    }

    #[test]
    fn a_token_is_sent_without_the_white_space_at_its_end() {
        for (token, sent) in [
            ("abc \t", "Bearer abc"),
            (" abc ", "Bearer  abc"),
            ("tökén", "Bearer tökén"),
        ] {
            let credential = Credential::bearer(token.into()).unwrap();
            let authorization = credential.authorization().unwrap();
            assert_eq!(authorization.as_bytes(), sent.as_bytes(), "{token}");
        }
    }

    #[test]
    fn a_basic_pair_is_encoded_by_the_rfc() {
        let credential = Credential::basic("Aladdin", "open sesame".into()).unwrap();
        assert_eq!(
            credential.authorization().unwrap(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert!(credential.authorization().unwrap().is_sensitive());
        assert!(Credential::basic("", "c".into()).is_err());
    }
}
