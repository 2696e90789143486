//! Who sent a request: certificate first, then token or password, then anonymous.
//!
//! The order and the exceptions are those of kube-apiserver's union of authenticators: the first that knows the
//! client decides; if none does and one of them saw something wrong, the request is refused even where anonymous
//! requests are allowed.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{HeaderMap, header};
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, UnixTime};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::certificate::{CertificateAuthority, sha256_hex};
use super::record::bearer_token;
use super::serving::crypto_provider;
use super::user::{AUTHENTICATED, User};

/// The extra of a review that says which credential arrived: `X509SHA256=` and the SHA-256 of the certificate, or
/// `JTI=` and the token's `jti`. A token that is not a JWT has none; for it, the first 32 digits of its own SHA-256
/// stand in.
pub const CREDENTIAL_ID: &str = "authentication.kubernetes.io/credential-id";

/// The request carries nothing that this server accepts: 401.
#[derive(Debug)]
pub(super) struct Unauthorized;

/// Whom this server knows, and how.
pub(super) struct Authenticator {
    client_verifier: Arc<dyn ClientCertVerifier>,
    revoked_certificates: HashSet<String>,
    tokens: HashMap<String, AcceptedToken>,
    /// Tokens that were accepted a moment ago, and until when they need no second look.
    cached: HashMap<String, (User, Instant)>,
    cache_lifetime: Duration,
    passwords: HashMap<(String, String), User>,
    is_any_certificate_trusted: bool,
    is_anonymous_allowed: bool,
    is_rejecting_all: bool,
    rejections_left: usize,
}

struct AcceptedToken {
    user: User,
    end: Option<Instant>,
}

impl Authenticator {
    /// Knows the certificates of `client_authority`, and no other user yet.
    pub(super) fn new(client_authority: &CertificateAuthority) -> io::Result<Self> {
        let mut roots = RootCertStore::empty();
        roots
            .add(client_authority.der().clone())
            .map_err(io::Error::other)?;
        let client_verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), crypto_provider())
            .build()
            .map_err(io::Error::other)?;
        Ok(Self {
            client_verifier,
            revoked_certificates: HashSet::new(),
            tokens: HashMap::new(),
            cached: HashMap::new(),
            cache_lifetime: Duration::ZERO,
            passwords: HashMap::new(),
            is_any_certificate_trusted: false,
            is_anonymous_allowed: false,
            is_rejecting_all: false,
            rejections_left: 0,
        })
    }

    pub(super) fn accept_token(&mut self, token: String, user: User, end: Option<Instant>) {
        self.tokens.insert(token, AcceptedToken { user, end });
    }

    pub(super) fn revoke_token(&mut self, token: &str) {
        self.tokens.remove(token);
    }

    pub(super) fn cache_tokens(&mut self, lifetime: Duration) {
        self.cache_lifetime = lifetime;
    }

    pub(super) fn accept_basic(&mut self, name: String, password: String, user: User) {
        self.passwords.insert((name, password), user);
    }

    pub(super) fn revoke_certificate(&mut self, sha256: String) {
        self.revoked_certificates.insert(sha256);
    }

    pub(super) fn reject_next(&mut self, count: usize) {
        self.rejections_left = count;
    }

    pub(super) fn reject_all(&mut self, is_rejecting: bool) {
        self.is_rejecting_all = is_rejecting;
    }

    pub(super) fn trust_any_certificate(&mut self, is_trusted: bool) {
        self.is_any_certificate_trusted = is_trusted;
    }

    pub(super) fn allow_anonymous(&mut self, is_allowed: bool) {
        self.is_anonymous_allowed = is_allowed;
    }

    /// Decides who sent a request, from the certificates of its connection and its headers.
    pub(super) fn authenticate(
        &mut self,
        certificates: &[CertificateDer<'static>],
        headers: &HeaderMap,
    ) -> Result<User, Unauthorized> {
        if self.rejections_left > 0 {
            self.rejections_left -= 1;
            return Err(Unauthorized);
        }
        if self.is_rejecting_all {
            return Err(Unauthorized);
        }
        let by_certificate = self.by_certificate(certificates);
        let attempts = [by_certificate, self.by_header(headers)];
        let is_any_wrong = attempts.iter().any(|attempt| matches!(attempt, Attempt::Wrong));
        for attempt in attempts {
            if let Attempt::Known(user) = attempt {
                return Ok(user.also_in(AUTHENTICATED));
            }
        }
        if self.is_anonymous_allowed && !is_any_wrong {
            Ok(User::anonymous())
        } else {
            Err(Unauthorized)
        }
    }

    /// Judged anew at every request, because a certificate can expire while its connection is open.
    fn by_certificate(&self, certificates: &[CertificateDer<'static>]) -> Attempt {
        let Some((certificate, intermediates)) = certificates.split_first() else {
            return Attempt::Absent;
        };
        let sha256 = sha256_hex(certificate);
        let is_trusted = self.is_any_certificate_trusted
            || self
                .client_verifier
                .verify_client_cert(certificate, intermediates, UnixTime::now())
                .is_ok();
        if !is_trusted || self.revoked_certificates.contains(&sha256) {
            return Attempt::Wrong;
        }
        // A verified certificate has been parsed by the verifier; a subject without a name identifies no user.
        match subject(certificate) {
            Some((name, groups)) if !name.is_empty() => {
                let user = groups.into_iter().fold(User::new(name), User::group);
                Attempt::Known(user.extra_unless_given(CREDENTIAL_ID, || format!("X509SHA256={sha256}")))
            }
            _ => Attempt::Absent,
        }
    }

    fn by_token(&mut self, token: &str) -> Option<User> {
        let now = Instant::now();
        if let Some((user, until)) = self.cached.get(token)
            && now < *until
        {
            return Some(user.clone());
        }
        let accepted = self.tokens.get(token)?;
        if accepted.end.is_some_and(|end| end <= now) {
            return None;
        }
        let user = accepted.user.clone();
        if !self.cache_lifetime.is_zero() {
            let until = now + self.cache_lifetime;
            self.cached.insert(token.to_owned(), (user.clone(), until));
        }
        Some(user)
    }

    fn by_header(&mut self, headers: &HeaderMap) -> Attempt {
        let Some(authorization) = headers.get(header::AUTHORIZATION) else {
            return Attempt::Absent;
        };
        let Ok(authorization) = authorization.to_str() else {
            return Attempt::Wrong;
        };
        if let Some(token) = bearer_token(authorization) {
            return self.by_token(token).map_or(Attempt::Wrong, |user| {
                Attempt::Known(user.extra_unless_given(CREDENTIAL_ID, || format!("JTI={}", token_id(token))))
            });
        }
        match authorization.trim().split_once(' ') {
            Some((scheme, encoded)) if scheme.eq_ignore_ascii_case("basic") => {
                let user = basic_pair(encoded).and_then(|pair| self.passwords.get(&pair));
                user.cloned().map_or(Attempt::Wrong, Attempt::Known)
            }
            _ => Attempt::Absent,
        }
    }
}

/// What one way of authentication makes of a request.
enum Attempt {
    Known(User),
    Wrong,
    Absent,
}

/// The common name and the organizations of a certificate's subject, or `None` if it cannot be parsed.
pub(super) fn subject(certificate: &CertificateDer<'_>) -> Option<(String, Vec<String>)> {
    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let name = parsed
        .subject()
        .iter_common_name()
        .find_map(|name| name.as_str().ok())
        .unwrap_or_default();
    let groups = parsed
        .subject()
        .iter_organization()
        .filter_map(|group| group.as_str().ok());
    Some((name.to_owned(), groups.map(str::to_owned).collect()))
}

fn basic_pair(encoded: &str) -> Option<(String, String)> {
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (name, password) = decoded.split_once(':')?;
    Some((name.to_owned(), password.to_owned()))
}

/// The `jti` of a JWT, whose signature does not matter here: the token is in the list or it is not.
fn token_id(token: &str) -> String {
    let claims = token
        .split('.')
        .nth(1)
        .and_then(|payload| URL_SAFE_NO_PAD.decode(payload).ok())
        .and_then(|json| serde_json::from_slice::<serde_json::Value>(&json).ok());
    match claims
        .as_ref()
        .and_then(|claims| claims.get("jti"))
        .and_then(|jti| jti.as_str())
    {
        Some(jti) => jti.to_owned(),
        None => sha256_hex(token.as_bytes()).chars().take(32).collect(),
    }
}
