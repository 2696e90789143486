//! Finds the issuers of a server's certificate that is itself a certificate authority.
//!
//! `openssl req -x509` marks every certificate as an authority, and some tools issue such certificates to servers. Go
//! accepts them if a trusted authority issued them. webpki refuses them before it looks for an issuer, so this module
//! looks for it, by Go's rules, and with the crypto provider's own verification of signatures. Authorities that restrict
//! names are not accepted here: only webpki checks such restrictions.

use kubex_core::x509::{SignedPart, X509Certificate};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::pki_types::{CertificateDer, SubjectPublicKeyInfoDer, UnixTime};
use rustls::{CertificateError, Error};
use webpki::RawPublicKeyEntity;

use crate::authorities::{Authority, check_authority};
use crate::refusal::Refusal;

/// The number of signatures that may be verified for one certificate; Go's limit.
const MAX_SIGNATURES: usize = 100;

/// Verifies that an authority of the bundle issued the certificate, directly or through the presented intermediates.
///
/// # Errors
/// `UnknownIssuer`, or the reason why the issuer that was found is not accepted.
pub(crate) fn verify(
    certificate: &CertificateDer<'_>,
    read: &X509Certificate,
    intermediates: &[CertificateDer<'_>],
    authorities: &[Authority],
    algorithms: &WebPkiSupportedAlgorithms,
    now: UnixTime,
) -> Result<(), Error> {
    let mut search = Search {
        intermediates: intermediates
            .iter()
            .filter_map(|der| Some((der, X509Certificate::read(der).ok()?)))
            .collect(),
        authorities,
        algorithms,
        now,
        path: Vec::new(),
        signatures_left: MAX_SIGNATURES,
        refusal: None,
    };
    if search.has_trusted_issuer(certificate, read) {
        return Ok(());
    }
    Err(search
        .refusal
        .map_or_else(|| CertificateError::UnknownIssuer.into(), Error::from))
}

struct Search<'a> {
    intermediates: Vec<(&'a CertificateDer<'a>, X509Certificate)>,
    authorities: &'a [Authority],
    algorithms: &'a WebPkiSupportedAlgorithms,
    now: UnixTime,
    /// The intermediates between the server's certificate and the one that is looked at.
    path: Vec<usize>,
    signatures_left: usize,
    /// Why an issuer that was found is not accepted.
    refusal: Option<Refusal>,
}

impl Search<'_> {
    fn has_trusted_issuer(&mut self, certificate: &[u8], read: &X509Certificate) -> bool {
        let authorities = self.authorities;
        for issuer in authorities.iter().filter_map(Authority::read) {
            if self.is_issued_by(certificate, read, issuer) {
                return true;
            }
        }
        for index in 0..self.intermediates.len() {
            let Some((der, issuer)) = self.intermediates.get(index).cloned() else {
                continue;
            };
            // A certificate of version 1 cannot say that it is an authority, so only the bundle may vouch for it.
            if self.path.contains(&index) || !issuer.is_ca() || !self.is_issued_by(certificate, read, &issuer)
            {
                continue;
            }
            self.path.push(index);
            if self.has_trusted_issuer(der, &issuer) {
                return true;
            }
            self.path.pop();
        }
        false
    }

    fn is_issued_by(&mut self, certificate: &[u8], read: &X509Certificate, issuer: &X509Certificate) -> bool {
        if read.issuer() != issuer.subject() || !self.is_signed_by(certificate, issuer) {
            return false;
        }
        let accepted = check_authority(issuer, self.path.len(), self.now).and_then(|()| {
            if issuer.has_name_constraints() {
                return Err(Refusal::NameConstraints);
            }
            Ok(())
        });
        match accepted {
            Ok(()) => true,
            Err(refusal) => {
                self.refusal.get_or_insert(refusal);
                false
            }
        }
    }

    fn is_signed_by(&mut self, certificate: &[u8], issuer: &X509Certificate) -> bool {
        let public_key = SubjectPublicKeyInfoDer::from(issuer.public_key());
        let (Some(signed), Ok(key)) = (
            SignedPart::read(certificate),
            RawPublicKeyEntity::try_from(&public_key),
        ) else {
            return false;
        };
        let candidates = self
            .algorithms
            .all
            .iter()
            .filter(|algorithm| algorithm.signature_alg_id().as_ref() == signed.algorithm);
        for algorithm in candidates {
            let Some(left) = self.signatures_left.checked_sub(1) else {
                return false;
            };
            self.signatures_left = left;
            // The algorithms that are for another kind of key fail here, and the next one is tried.
            if key
                .verify_signature(*algorithm, signed.message, signed.signature)
                .is_ok()
            {
                return true;
            }
        }
        false
    }
}
