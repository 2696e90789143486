//! A stored credential: its parts, and the rules for how long it is served.
//!
//! | rule | number |
//! |---|---|
//! | fetched early, by one process, while the others are served | when less than 20 % of the lifetime is left: at least 10 s, at most 5 min, never more than half |
//! | no longer served | in its last 10 s, or in the last quarter of a shorter lifetime |
//! | without an expiry | not kept, unless a lifetime is configured |

use std::fmt;
use std::time::{Duration, SystemTime};

use kubex_core::{ClientCertificate, Credential, Error, ErrorKind, ExposeSecret as _, Result, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::moment::{Moment, from_milliseconds, milliseconds};

const MIN_EARLY_WINDOW: Duration = Duration::from_secs(10);
const MAX_EARLY_WINDOW: Duration = Duration::from_secs(5 * 60);
const LAST_SECONDS: Duration = Duration::from_secs(10);

/// The longest lifetime. Even a credential that never expires is fetched again after this time.
const MAX_LIFETIME: Duration = Duration::from_secs(365 * 24 * 3600);

/// Whether a stored credential is still returned to programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    Fresh,
    /// Valid, but soon to be replaced.
    Early,
    Expired,
}

/// The content of the file.
#[derive(Serialize, Deserialize)]
struct Content {
    token: Option<String>,
    username: Option<String>,
    password: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
    /// Milliseconds since 1970.
    expires_at: Option<u64>,
    /// In milliseconds. Set only if the credential itself does not expire.
    lifetime: Option<u64>,
    fetched_at: Moment,
    generation: u64,
    description: String,
}

/// A credential of the store, with the time at which it was fetched.
#[derive(Clone)]
pub struct StoredCredential {
    credential: Credential,
    lifetime: Option<Duration>,
    fetched_at: Moment,
    generation: u64,
    description: String,
}

impl StoredCredential {
    pub(crate) fn new(credential: Credential, lifetime: Option<Duration>, description: &str) -> Self {
        let mut generation = [0; 8];
        // Without random numbers the time has to distinguish two generations.
        if aws_lc_rs::rand::fill(&mut generation).is_err() {
            generation = milliseconds(SystemTime::now()).to_le_bytes();
        }
        Self {
            lifetime: lifetime.filter(|_| credential.expires_at().is_none()),
            credential,
            fetched_at: Moment::now(),
            generation: u64::from_le_bytes(generation),
            description: description.to_owned(),
        }
    }

    /// Returns the credential.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// Returns the time at which the credential was fetched, by the wall clock.
    pub fn fetched_at(&self) -> SystemTime {
        self.fetched_at.wall()
    }

    /// Returns the time at which the credential expires, or at which its configured lifetime ends. `None` if it has
    /// neither.
    pub fn expires_at(&self) -> Option<SystemTime> {
        self.credential
            .expires_at()
            .or_else(|| self.fetched_at().checked_add(self.lifetime?))
    }

    /// Returns a description of the source that fetched the credential, without secrets.
    pub fn description(&self) -> &str {
        &self.description
    }

    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the credential may be kept: it must have an expiry or a configured lifetime.
    pub(crate) fn can_be_kept(&self) -> bool {
        self.freshness(&Moment::now()) != Freshness::Expired
    }

    pub(crate) fn freshness(&self, now: &Moment) -> Freshness {
        let lifetime = match (self.credential.expires_at(), self.lifetime) {
            (Some(end), _) => end.duration_since(self.fetched_at.wall()).unwrap_or_default(),
            (None, Some(lifetime)) => lifetime,
            (None, None) => Duration::ZERO,
        };
        let lifetime = lifetime.min(MAX_LIFETIME);
        let Some(age) = self.fetched_at.age_at(now) else {
            return Freshness::Expired;
        };
        let left = lifetime.saturating_sub(age);
        let early = (lifetime / 5)
            .clamp(MIN_EARLY_WINDOW, MAX_EARLY_WINDOW)
            .min(lifetime / 2);
        if left <= LAST_SECONDS.min(lifetime / 4) {
            Freshness::Expired
        } else if left <= early {
            Freshness::Early
        } else {
            Freshness::Fresh
        }
    }

    /// The content of its file.
    pub(crate) fn serialize(&self) -> Result<Zeroizing<Vec<u8>>> {
        let credential = &self.credential;
        let certificate = credential.certificate();
        let basic = credential.basic_pair();
        let content = Content {
            token: credential.token().map(|token| token.expose_secret().to_owned()),
            username: basic.map(|(username, _)| username.to_owned()),
            password: basic.map(|(_, password)| password.expose_secret().to_owned()),
            certificate: certificate.map(|pair| pair.chain_pem()),
            key: certificate.map(|pair| String::from_utf8_lossy(pair.key_pem().expose_secret()).into_owned()),
            expires_at: self.credential.expires_at().map(milliseconds),
            lifetime: self
                .lifetime
                .map(|lifetime| u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX)),
            fetched_at: self.fetched_at.clone(),
            generation: self.generation,
            description: self.description.clone(),
        };
        // Large enough, so that the writer does not leave copies behind while it grows.
        let mut bytes = Zeroizing::new(Vec::with_capacity(content.size()));
        serde_json::to_writer(&mut *bytes, &content).map_err(|_| {
            Error::new(
                ErrorKind::Unsupported,
                "the credential cannot be encoded for the store",
            )
        })?;
        Ok(bytes)
    }

    /// Reads the content of its file. `None` if it is not a credential.
    pub(crate) fn deserialize(bytes: &[u8]) -> Option<Self> {
        let mut content: Content = serde_json::from_slice(bytes).ok()?;
        let mut credential = match (
            content.token.take(),
            content.username.take(),
            content.password.take(),
        ) {
            (Some(token), None, None) => Credential::bearer(SecretString::from(token)).ok()?,
            (None, Some(username), Some(password)) => {
                Credential::basic(&username, SecretString::from(password)).ok()?
            }
            (None, None, None) => Credential::anonymous(),
            _ => return None,
        };
        match (content.certificate.take(), content.key.take()) {
            (Some(certificate), Some(key)) => {
                let key = key.into_bytes().into();
                credential = credential
                    .with_certificate(ClientCertificate::from_pem(certificate.as_bytes(), key).ok()?);
            }
            (None, None) => {}
            _ => return None,
        }
        if credential.is_anonymous() {
            return None;
        }
        let expires_at = content.expires_at.map(from_milliseconds);
        Some(Self {
            credential: credential.with_expiry(expires_at),
            lifetime: content.lifetime.map(Duration::from_millis),
            fetched_at: content.fetched_at.clone(),
            generation: content.generation,
            description: std::mem::take(&mut content.description),
        })
    }
}

impl Content {
    /// An upper limit of the length as JSON, in which a character takes up to six bytes.
    fn size(&self) -> usize {
        let texts = [
            &self.token,
            &self.username,
            &self.password,
            &self.certificate,
            &self.key,
        ];
        let length: usize = texts
            .iter()
            .filter_map(|text| text.as_deref())
            .map(str::len)
            .sum();
        (length + self.description.len()) * 6 + 1024
    }
}

impl Drop for Content {
    fn drop(&mut self) {
        self.token.zeroize();
        self.password.zeroize();
        self.key.zeroize();
    }
}

impl fmt::Debug for StoredCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredCredential")
            .field("credential", &self.credential)
            .field("fetched_at", &self.fetched_at)
            .field("description", &self.description)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lasting(seconds: u64) -> StoredCredential {
        let expires_at = SystemTime::now() + Duration::from_secs(seconds);
        let credential = Credential::bearer("s3cret-token".into())
            .unwrap()
            .with_expiry(Some(expires_at));
        StoredCredential::new(credential, None, "exec plugin aws")
    }

    fn later(of: &StoredCredential, seconds: u64) -> Freshness {
        let then = milliseconds(of.fetched_at()) + seconds * 1000;
        of.freshness(&Moment::at(then, None))
    }

    #[test]
    fn a_credential_is_fetched_early_and_not_served_in_its_last_seconds() {
        let token = lasting(14 * 60);
        assert_eq!(later(&token, 0), Freshness::Fresh);
        assert_eq!(later(&token, 11 * 60), Freshness::Fresh);
        assert_eq!(later(&token, 12 * 60), Freshness::Early);
        assert_eq!(later(&token, 14 * 60 - 15), Freshness::Early);
        assert_eq!(later(&token, 14 * 60 - 9), Freshness::Expired);
        let brief = lasting(6);
        assert_eq!(
            (later(&brief, 2), later(&brief, 4)),
            (Freshness::Fresh, Freshness::Early)
        );
        assert_eq!(later(&brief, 5), Freshness::Expired);
    }

    #[test]
    fn a_credential_without_an_end_is_kept_only_for_a_configured_lifetime() {
        let credential = || Credential::bearer("abc".into()).unwrap();
        assert!(!StoredCredential::new(credential(), None, "x").can_be_kept());
        let kept = StoredCredential::new(credential(), Some(Duration::from_secs(600)), "x");
        assert!(kept.can_be_kept() && kept.credential().expires_at().is_none());
        assert_eq!(later(&kept, 599), Freshness::Expired);
        let past = credential().with_expiry(Some(SystemTime::UNIX_EPOCH));
        assert!(!StoredCredential::new(past, Some(Duration::from_secs(600)), "x").can_be_kept());
    }

    #[test]
    fn every_kind_of_credential_is_read_as_it_was_written() {
        let pair = rcgen::generate_simple_self_signed(vec!["jane".into()]).unwrap();
        let key = pair.signing_key.serialize_pem().into_bytes();
        let pair = ClientCertificate::from_pem(pair.cert.pem().as_bytes(), key.into()).unwrap();
        let expires_at = Some(SystemTime::now() + Duration::from_secs(600));
        for credential in [
            Credential::bearer("tö\"k\\en".into()).unwrap(),
            Credential::basic("jane", "s3cret".into()).unwrap(),
            Credential::anonymous().with_certificate(pair.clone()),
            Credential::bearer("abc".into()).unwrap().with_certificate(pair),
        ] {
            let written = StoredCredential::new(credential.with_expiry(expires_at), None, "exec plugin aws");
            let read = StoredCredential::deserialize(&written.serialize().unwrap()).unwrap();
            let (one, other) = (written.credential(), read.credential());
            assert_eq!(one.authorization(), other.authorization());
            assert_eq!(one.description(), other.description());
            assert_eq!(
                one.certificate().map(|pair| pair.chain()),
                other.certificate().map(|pair| pair.chain())
            );
            assert_eq!(written.generation(), read.generation());
            assert_eq!(read.description(), "exec plugin aws");
        }
    }

    #[test]
    fn what_is_not_a_credential_is_not_read() {
        let written = lasting(600).serialize().unwrap();
        let text = String::from_utf8(written.to_vec()).unwrap();
        for broken in [
            String::new(),
            "null".to_owned(),
            "[".repeat(100_000),
            text.replace("s3cret-token", ""),
            text.replace("\"key\":null", "\"key\":\"x\""),
            text.replace("\"token\":", "\"tokens\":"),
        ] {
            assert!(
                StoredCredential::deserialize(broken.as_bytes()).is_none(),
                "{broken:.40}"
            );
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        assert!(!format!("{:?}", lasting(600)).contains("s3cret"));
    }
}
