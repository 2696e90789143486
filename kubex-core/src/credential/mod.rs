//! One snapshot of identity.
//!
//! A [`Credential`] is what a request is authenticated with: a bearer token, a user name and password, a
//! client certificate, or a token and a certificate together. It never changes; what keeps it fresh is the
//! live handle, [`Credentials`](crate::Credentials).
//!
//! ```
//! use kubex_core::Credential;
//! let credential = Credential::bearer("abc".into())?;
//! assert_eq!(credential.authorization().unwrap().to_str().unwrap(), "Bearer abc");
//! assert!(!format!("{credential:?}").contains("abc"));
//! # Ok::<(), kubex_core::Error>(())
//! ```

mod certificate;
pub mod jwt;
mod public_key;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::HeaderValue;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::error::{Error, ErrorKind, Result};
use crate::secret::{ExposeSecret, SecretString};

pub use certificate::ClientCertificate;
pub(crate) use certificate::certificates_in;

/// The longest token that is taken. A header of more is refused by every server.
const LONGEST_TOKEN: usize = 512 * 1024;

/// Counts the credentials of one handle: each change of identity is a new generation.
///
/// A rejection (401) names the generation it is about, so that a late one cannot throw away the credential
/// that already replaced it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// The one after this.
    #[must_use]
    pub(crate) fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// The number: 0 before anything was fetched, then from 1 up.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A token, or a user name with its password; a request carries one `Authorization` at most.
#[derive(Clone)]
enum Secret {
    Bearer(SecretString),
    Basic {
        username: String,
        password: SecretString,
    },
}

/// One snapshot of identity. See the [module](self).
#[derive(Clone)]
pub struct Credential {
    secret: Option<Secret>,
    /// Made once, because requests want it ready; the bytes behind it are wiped when the last copy goes.
    authorization: Option<HeaderValue>,
    certificate: Option<Arc<ClientCertificate>>,
    expires_at: Option<Timestamp>,
    revalidate_after: Option<Duration>,
    generation: Generation,
    expired_on_arrival: bool,
    provenance: Arc<str>,
}

impl Credential {
    /// No identity: the server decides what an anonymous request may do.
    pub fn anonymous() -> Self {
        Self {
            secret: None,
            authorization: None,
            certificate: None,
            expires_at: None,
            revalidate_after: None,
            generation: Generation::default(),
            expired_on_arrival: false,
            provenance: Arc::from(""),
        }
    }

    /// A bearer token, sent as `Authorization: Bearer <token>`. It is not trimmed.
    ///
    /// # Errors
    /// `EmptyToken`, or `InvalidToken` when it could not travel in a header (RFC 9110, 5.5): control characters,
    /// anything beyond ASCII, or more than 512 KiB.
    pub fn bearer(token: SecretString) -> Result<Self> {
        Self::anonymous().and_bearer(token)
    }

    /// Adds a bearer token, for a source that gives a token and a certificate together.
    ///
    /// # Errors
    /// As [`bearer`](Self::bearer).
    pub fn and_bearer(mut self, token: SecretString) -> Result<Self> {
        let text = token.expose_secret();
        if text.is_empty() {
            return Err(Error::new(ErrorKind::EmptyToken, "the token is empty"));
        }
        if text.len() > LONGEST_TOKEN {
            return Err(Error::new(
                ErrorKind::InvalidToken,
                format_args!("the token is longer than {LONGEST_TOKEN} bytes"),
            ));
        }
        self.authorization = Some(header("Bearer ", text).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidToken,
                "the token has a control character, a line break or a letter beyond ASCII in it",
            )
        })?);
        self.secret = Some(Secret::Bearer(token));
        Ok(self)
    }

    /// A user name and a password, sent as `Authorization: Basic <base64>` (RFC 7617).
    ///
    /// # Errors
    /// `InvalidValue` when the user name is empty or has a colon in it, which the format cannot carry.
    pub fn basic(username: &str, password: SecretString) -> Result<Self> {
        if username.is_empty() || username.contains(':') {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                "the user name is empty or has a colon in it",
            ));
        }
        let pair = Zeroizing::new(format!("{username}:{}", password.expose_secret()));
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(pair.as_bytes()));
        let authorization = header("Basic ", &encoded).ok_or_else(|| {
            Error::new(
                ErrorKind::InvalidValue,
                "the user name or password cannot be sent",
            )
        })?;
        let mut credential = Self::anonymous();
        credential.authorization = Some(authorization);
        credential.secret = Some(Secret::Basic {
            username: username.to_owned(),
            password,
        });
        Ok(credential)
    }

    /// Adds a client certificate. The server prefers it to a token where both arrive.
    #[must_use]
    pub fn and_certificate(mut self, certificate: ClientCertificate) -> Self {
        self.certificate = Some(Arc::new(certificate));
        self
    }

    /// When it stops to be valid, by the wall clock.
    #[must_use]
    pub fn expiring_at(mut self, expires_at: Option<Timestamp>) -> Self {
        self.expires_at = expires_at;
        self
    }

    /// How long it is used before its source is asked again, although it may go on being valid. A failure to
    /// renew it keeps it in use.
    #[must_use]
    pub fn looked_at_again_after(mut self, age: Duration) -> Self {
        self.revalidate_after = Some(age);
        self
    }

    /// The value of the `Authorization` header, marked sensitive, made once.
    pub fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }

    /// The bearer token.
    pub fn token(&self) -> Option<&SecretString> {
        match &self.secret {
            Some(Secret::Bearer(token)) => Some(token),
            _ => None,
        }
    }

    /// The user name and the password.
    pub fn basic_pair(&self) -> Option<(&str, &SecretString)> {
        match &self.secret {
            Some(Secret::Basic { username, password }) => Some((username, password)),
            _ => None,
        }
    }

    /// The client certificate and its key.
    pub fn certificate(&self) -> Option<&Arc<ClientCertificate>> {
        self.certificate.as_ref()
    }

    /// When it stops to be valid.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// How long it is used before its source is asked again.
    pub fn revalidate_after(&self) -> Option<Duration> {
        self.revalidate_after
    }

    /// Which of its handle's credentials this is; name it when the server rejects it.
    pub fn generation(&self) -> Generation {
        self.generation
    }

    /// Whether it had expired when it came. Such a one is given out once, in case it is this machine's clock
    /// that is wrong; nothing that outlives the request should be made of it.
    pub fn expired_on_arrival(&self) -> bool {
        self.expired_on_arrival
    }

    /// What gave it, for a person: `exec plugin aws`.
    pub fn provenance(&self) -> &str {
        &self.provenance
    }

    /// Whether it is no identity at all.
    pub fn is_anonymous(&self) -> bool {
        self.secret.is_none() && self.certificate.is_none()
    }

    /// What it consists of, for a person: `bearer token and client certificate`.
    pub fn description(&self) -> &'static str {
        match (&self.secret, &self.certificate) {
            (None, None) => "no credential",
            (Some(Secret::Bearer(_)), None) => "bearer token",
            (Some(Secret::Basic { .. }), None) => "user name and password",
            (None, Some(_)) => "client certificate",
            (Some(Secret::Bearer(_)), Some(_)) => "bearer token and client certificate",
            (Some(Secret::Basic { .. }), Some(_)) => "user name, password and client certificate",
        }
    }

    /// Whether the server would see the same identity: same token or pair, same certificate.
    pub(crate) fn is_same_identity(&self, other: &Self) -> bool {
        self.authorization == other.authorization && self.certificate == other.certificate
    }

    pub(crate) fn numbered(
        mut self,
        generation: Generation,
        expired_on_arrival: bool,
        provenance: Arc<str>,
    ) -> Self {
        self.generation = generation;
        self.expired_on_arrival = expired_on_arrival;
        self.provenance = provenance;
        self
    }
}

/// A sensitive header value whose bytes are wiped when the last clone of it is dropped.
fn header(scheme: &str, text: &str) -> Option<HeaderValue> {
    if !text.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        return None;
    }
    let mut value = Zeroizing::new(Vec::with_capacity(scheme.len() + text.len()));
    value.extend_from_slice(scheme.as_bytes());
    value.extend_from_slice(text.as_bytes());
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(Wiped(value))).ok()?;
    value.set_sensitive(true);
    Some(value)
}

struct Wiped(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Wiped {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("consists_of", &self.description())
            .field("generation", &self.generation.0)
            .field("expires_at", &self.expires_at)
            .field("provenance", &self.provenance)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_that_cannot_travel_is_refused_and_not_shown() {
        for token in ["a\rb", "a\nb", "a\0b", "a\u{7f}b", "tökén"] {
            let error = Credential::bearer(token.into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidToken);
            assert!(!format!("{error} {error:?}").contains(token));
        }
        assert_eq!(
            Credential::bearer("".into()).unwrap_err().kind(),
            ErrorKind::EmptyToken
        );
        assert_eq!(
            Credential::bearer("x".repeat(1 << 20).into()).unwrap_err().kind(),
            ErrorKind::InvalidToken
        );
    }

    #[test]
    fn a_basic_pair_is_encoded_as_the_rfc_says() {
        let credential = Credential::basic("Aladdin", "open sesame".into()).unwrap();
        assert_eq!(
            credential.authorization().unwrap(),
            "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
        );
        assert!(credential.authorization().unwrap().is_sensitive());
        assert!(Credential::basic("a:b", "c".into()).is_err());
    }
}
