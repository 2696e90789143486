//! Verifies a server's certificate against a CA bundle, by the rules of Go's `crypto/x509`.
//!
//! | the server's certificate | is verified by |
//! |---|---|
//! | byte for byte in the bundle | the comparison itself: the bundle trusts that certificate |
//! | a certificate authority, not in the bundle | `issuers`, because webpki refuses every such certificate |
//! | any other | webpki, and then by Go's additional rules for the authorities of the path |
//!
//! Each certificate has one verifier, chosen beforehand: an error of a verifier is never turned into success. In all cases
//! the name, the dates, the extended key usage, unknown critical extensions and the signature of the handshake are
//! checked.

use std::cell::RefCell;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use kubex_core::time::rfc3339;
use kubex_core::x509::X509Certificate;
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms};
use rustls::pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use rustls::{CertificateError, Error};
use webpki::{
    EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeId, KeyPurposeIdIter, KeyUsage,
    RequiredEkuNotFoundContext, VerifiedPath, anchor_from_trusted_cert,
};

use crate::handshake::CheckCertificate;
use crate::issuers;
use crate::refusal::{Refusal, from_webpki};

/// The certificates of a CA bundle, ready to verify with.
#[derive(Debug)]
pub(crate) struct Authorities {
    certificates: Vec<Authority>,
    anchors: Vec<TrustAnchor<'static>>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// One certificate of the bundle.
#[derive(Debug)]
pub(crate) struct Authority {
    der: CertificateDer<'static>,
    /// Its form for webpki; `None` if webpki cannot read it, so that only a server that presents it is trusted.
    anchor: Option<TrustAnchor<'static>>,
    /// Read when it is first needed, because few of many authorities are.
    read: OnceLock<Option<X509Certificate>>,
}

impl Authorities {
    pub(crate) fn new(certificates: &[CertificateDer<'static>], provider: &CryptoProvider) -> Self {
        let certificates: Vec<_> = certificates.iter().map(Authority::new).collect();
        Self {
            anchors: certificates.iter().filter_map(|it| it.anchor.clone()).collect(),
            certificates,
            algorithms: provider.signature_verification_algorithms,
        }
    }

    fn contains(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates
            .iter()
            .any(|authority| authority.der == *certificate)
    }

    /// Verifies with webpki. A path is accepted only if Go accepts its authorities too.
    fn verify_with_webpki(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<(), Error> {
        let certificate = EndEntityCert::try_from(end_entity).map_err(from_webpki)?;
        let refused = RefCell::new(None);
        let check_path = |path: &VerifiedPath<'_>| {
            self.check_path(path, now).map_err(|refusal| {
                refused.borrow_mut().get_or_insert(refusal);
                webpki::Error::UnknownIssuer
            })
        };
        let verified = certificate.verify_for_usage(
            self.algorithms.all,
            &self.anchors,
            intermediates,
            now,
            Servers,
            None,
            Some(&check_path),
        );
        match (verified.map(drop), refused.take()) {
            (Err(_), Some(refusal)) => Err(refusal.into()),
            (verified, _) => verified.map_err(from_webpki),
        }
    }

    /// What Go requires of the authorities of a path, beyond webpki.
    fn check_path(&self, path: &VerifiedPath<'_>, now: UnixTime) -> Result<(), Refusal> {
        let mut below = 0;
        for intermediate in path.intermediate_certificates() {
            if let Ok(read) = X509Certificate::read(&intermediate.der()) {
                check_authority(&read, below, now)?;
            }
            below += 1;
        }
        // Several certificates of one authority have the same name and key: an old one and its renewal.
        let mut refusal = None;
        for authority in &self.certificates {
            if authority.anchor.as_ref() == Some(path.anchor()) {
                match authority.read().ok_or_else(Refusal::unreadable_date) {
                    Ok(read) => match check_authority(read, below, now) {
                        Ok(()) => return Ok(()),
                        Err(error) => refusal = Some(error),
                    },
                    Err(error) => refusal = Some(error),
                }
            }
        }
        // The anchor is one of the authorities, so there is a refusal.
        Err(refusal.unwrap_or_else(Refusal::unreadable_date))
    }
}

impl Authority {
    fn new(certificate: &CertificateDer<'static>) -> Self {
        Self {
            der: certificate.clone(),
            anchor: anchor_from_trusted_cert(certificate)
                .map(|anchor| anchor.to_owned())
                .ok(),
            read: OnceLock::new(),
        }
    }

    /// `None` if it has a date that cannot be read.
    pub(crate) fn read(&self) -> Option<&X509Certificate> {
        self.read
            .get_or_init(|| X509Certificate::read(&self.der).ok())
            .as_ref()
    }
}

/// Checks that an authority may issue certificates now, with this many authorities below it.
pub(crate) fn check_authority(
    authority: &X509Certificate,
    below: usize,
    now: UnixTime,
) -> Result<(), Refusal> {
    let now = system_time(now);
    let why = if let Some(why) = authority.why_not_an_authority() {
        why.to_owned()
    } else if now > authority.not_after() {
        format!("it expired at {}", rfc3339(authority.not_after()))
    } else if now < authority.not_before() {
        format!("it is not valid before {}", rfc3339(authority.not_before()))
    } else if !authority.allows_path_of(below) {
        "its path length does not allow so many authorities below it".to_owned()
    } else {
        return Ok(());
    };
    Err(Refusal::Authority {
        subject: authority.subject_text(),
        why,
    })
}

/// Checks a server's certificate for everything but its issuer.
fn check_leaf(
    certificate: &CertificateDer<'_>,
    read: &X509Certificate,
    name: &ServerName<'_>,
    now: UnixTime,
) -> Result<(), Error> {
    if let Some(id) = read.unknown_critical_extension() {
        return Err(Refusal::CriticalExtension(id.to_owned()).into());
    }
    check_name(certificate, name)?;
    let (not_before, not_after) = (read.not_before(), read.not_after());
    if system_time(now) > not_after {
        let not_after = unix_time(not_after);
        return Err(CertificateError::ExpiredContext { time: now, not_after }.into());
    }
    if system_time(now) < not_before {
        let not_before = unix_time(not_before);
        return Err(CertificateError::NotValidYetContext {
            time: now,
            not_before,
        }
        .into());
    }
    if !read.allows_server_auth() {
        return Err(CertificateError::InvalidPurpose.into());
    }
    Ok(())
}

fn check_name(certificate: &CertificateDer<'_>, name: &ServerName<'_>) -> Result<(), Error> {
    EndEntityCert::try_from(certificate)
        .and_then(|parsed| parsed.verify_is_valid_for_subject_name(name))
        .map_err(from_webpki)
}

impl CheckCertificate for Authorities {
    fn check(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let read = X509Certificate::read(end_entity);
        match read {
            _ if self.contains(end_entity) => {
                let read = read.map_err(|_| CertificateError::BadEncoding)?;
                check_leaf(end_entity, &read, name, now)?;
            }
            Ok(read) if read.is_ca() => {
                check_leaf(end_entity, &read, name, now)?;
                issuers::verify(
                    end_entity,
                    &read,
                    intermediates,
                    &self.certificates,
                    &self.algorithms,
                    now,
                )?;
            }
            _ => {
                self.verify_with_webpki(end_entity, intermediates, now)?;
                check_name(end_entity, name)?;
            }
        }
        Ok(())
    }
}

/// Requires an extended key usage for servers, or for any purpose, of each certificate that has one.
struct Servers;

impl ExtendedKeyUsageValidator for Servers {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        // 1.3.6.1.5.5.7.3.1 and 2.5.29.37.0.
        const SERVER_AUTH: KeyPurposeId<'_> = KeyPurposeId::new(&[43, 6, 1, 5, 5, 7, 3, 1]);
        const ANY: KeyPurposeId<'_> = KeyPurposeId::new(&[85, 29, 37, 0]);
        let mut has_any = false;
        for purpose in purposes {
            let purpose = purpose?;
            if purpose == SERVER_AUTH || purpose == ANY {
                return Ok(());
            }
            has_any = true;
        }
        if !has_any {
            return Ok(());
        }
        Err(webpki::Error::RequiredEkuNotFoundContext(
            RequiredEkuNotFoundContext {
                required: KeyUsage::server_auth(),
                present: Vec::new(),
            },
        ))
    }
}

fn system_time(time: UnixTime) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(time.as_secs())
}

fn unix_time(time: SystemTime) -> UnixTime {
    UnixTime::since_unix_epoch(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
