//! The authorities of the test world and the certificates they issue.

use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, SigningKey, date_time_ymd,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use x509_parser::asn1_rs::{Any, FromDer as _};
use x509_parser::prelude::X509Certificate;

/// How long certificates are valid unless a test says otherwise: short enough for the strictest verifiers.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How long authorities and client certificates are valid: simulated clocks begin in 2030.
pub(super) const FIFTY_YEARS: Duration = Duration::from_secs(50 * 365 * 24 * 60 * 60);
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A client certificate and its key, both in PEM, as a kubeconfig or an exec plugin holds them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientCertificatePem {
    /// `-----BEGIN CERTIFICATE-----`
    pub certificate: String,
    /// `-----BEGIN PRIVATE KEY-----` (PKCS #8)
    pub key: String,
}

impl ClientCertificatePem {
    /// The SHA-256 of the certificate's DER form in lower-case hexadecimal, as a review's `X509SHA256=...` and
    /// [`RecordedCertificate`](super::RecordedCertificate) give it. For a text that is not PEM: the SHA-256 of no bytes.
    pub fn sha256(&self) -> String {
        let der = CertificateDer::from_pem_slice(self.certificate.as_bytes());
        sha256_hex(der.as_deref().unwrap_or_default())
    }
}

/// The SHA-256 of some bytes in lower-case hexadecimal.
pub(super) fn sha256_hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;

    let mut hex = String::new();
    for byte in aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref() {
        // Writing to a `String` cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// An authority with a key of its own, made anew for every server.
pub(crate) struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: rcgen::Certificate,
}

impl CertificateAuthority {
    #[allow(
        clippy::expect_used,
        reason = "making and using a P-256 key fails only where the system has no random numbers left"
    )]
    pub(crate) fn new(name: &str) -> Self {
        let mut parameters = CertificateParams::default();
        parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        parameters.distinguished_name = common_name(name);
        set_validity(&mut parameters, SystemTime::now() + FIFTY_YEARS);
        begin_early(&mut parameters);
        let key = KeyPair::generate().expect("a key for the authority");
        let certificate = parameters
            .self_signed(&key)
            .expect("a certificate for the authority");
        Self {
            issuer: Issuer::new(parameters, key),
            certificate,
        }
    }

    pub(crate) fn pem(&self) -> String {
        self.certificate.pem()
    }

    pub(super) fn der(&self) -> &CertificateDer<'static> {
        self.certificate.der()
    }

    /// Issues the certificate of a server that goes by `names`: DNS names and IP addresses. Fails if one of them is
    /// neither.
    pub(crate) fn issue_serving(
        &self,
        names: &[String],
    ) -> Result<(CertificateDer<'static>, PrivateKeyDer<'static>), rcgen::Error> {
        let mut parameters = CertificateParams::new(names)?;
        parameters.distinguished_name = common_name("kube-apiserver");
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        set_validity(&mut parameters, SystemTime::now() + A_YEAR);
        let key = KeyPair::generate()?;
        let certificate = parameters.signed_by(&key, &self.issuer)?;
        Ok((
            certificate.der().clone(),
            PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
        ))
    }

    /// Issues the certificate of a user in some groups.
    #[allow(
        clippy::expect_used,
        reason = "any text fits a UTF8String, what is spliced was written by rcgen a line before, and making and using \
                  a P-256 key fails only where the system has no random numbers left"
    )]
    pub(super) fn issue_client(
        &self,
        user: &str,
        groups: &[&str],
        not_after: SystemTime,
    ) -> ClientCertificatePem {
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = common_name(user);
        parameters.use_authority_key_identifier_extension = true;
        parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        set_validity(&mut parameters, not_after);
        begin_early(&mut parameters);
        let key = KeyPair::generate().expect("a key for the client");
        let nameless = parameters
            .signed_by(&key, &self.issuer)
            .expect("a certificate for the client");
        let certificate = with_organizations(nameless.der(), groups, self.issuer.key())
            .expect("rcgen writes certificates that can be read");
        ClientCertificatePem {
            certificate: pem("CERTIFICATE", &certificate),
            key: key.serialize_pem(),
        }
    }
}

fn common_name(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

/// For certificates that Kubex reads: simulated clocks begin at another time than that of the machine.
fn begin_early(parameters: &mut CertificateParams) {
    parameters.not_before = date_time_ymd(2000, 1, 1);
}

/// Certificates begin a day before now, or before their end if that is past: clocks may differ.
fn set_validity(parameters: &mut CertificateParams, not_after: SystemTime) {
    parameters.not_before = (not_after.min(SystemTime::now()) - A_DAY).into();
    parameters.not_after = not_after.into();
}

/// Adds one organization (`O`) a group to a certificate's subject, and signs it again with the issuer's `key`.
///
/// Kubernetes reads a user's groups from repeated organizations, and rcgen keeps one value a kind of name: so the
/// subject is spliced in DER. `None` if `certificate` is not one.
fn with_organizations(
    certificate: &CertificateDer<'_>,
    groups: &[&str],
    key: &impl SigningKey,
) -> Option<Vec<u8>> {
    const SEQUENCE: u8 = 0x30;
    const SET: u8 = 0x31;
    const UTF8_STRING: u8 = 0x0c;
    const BIT_STRING: u8 = 0x03;
    const ORGANIZATION: [u8; 5] = [0x06, 0x03, 0x55, 0x04, 0x0a];

    let (_, parsed) = X509Certificate::from_der(certificate).ok()?;
    let old_subject = parsed.tbs_certificate.subject.as_raw();
    let old_signed_part = parsed.tbs_certificate.as_ref();

    let mut names = Any::from_der(old_subject).ok()?.1.data.to_vec();
    for group in groups {
        let value = element(UTF8_STRING, &[group.as_bytes()]);
        names.extend(element(SET, &[&element(SEQUENCE, &[&ORGANIZATION, &value])]));
    }

    // The subject comes after the issuer: the last match is the subject even where both have the same name.
    let fields = Any::from_der(old_signed_part).ok()?.1.data;
    let start = fields
        .windows(old_subject.len())
        .rposition(|window| window == old_subject)?;
    let (before, rest) = fields.split_at_checked(start)?;
    let after = rest.get(old_subject.len()..)?;
    let signed_part = element(SEQUENCE, &[before, &element(SEQUENCE, &[&names]), after]);

    let outer = Any::from_der(certificate).ok()?.1.data;
    let algorithm_and_signature = outer.get(old_signed_part.len()..)?;
    let (old_signature, _) = Any::from_der(algorithm_and_signature).ok()?;
    let algorithm = algorithm_and_signature.strip_suffix(old_signature)?;
    let signature = element(BIT_STRING, &[&[0], &key.sign(&signed_part).ok()?]);
    Some(element(SEQUENCE, &[&signed_part, algorithm, &signature]))
}

/// One DER element: tag, length, content.
pub(crate) fn element(tag: u8, content: &[&[u8]]) -> Vec<u8> {
    let content = content.concat();
    let mut element = vec![tag];
    match u8::try_from(content.len()) {
        Ok(short) if short < 0x80 => element.push(short),
        _ => {
            let length: Vec<u8> = content
                .len()
                .to_be_bytes()
                .into_iter()
                .skip_while(|byte| *byte == 0)
                .collect();
            // A length has at most eight bytes, so that its own length fits beside the flag.
            element.push(0x80 | u8::try_from(length.len()).unwrap_or_default());
            element.extend(length);
        }
    }
    element.extend(content);
    element
}

pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut lines = Vec::new();
    let mut rest = encoded.as_str();
    while !rest.is_empty() {
        let (line, remaining) = rest.split_at(rest.len().min(64));
        lines.push(line);
        rest = remaining;
    }
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        lines.join("\n")
    )
}

#[cfg(test)]
mod tests {
    use super::super::authenticator::subject;
    use super::*;

    #[test]
    fn every_group_is_an_organization_of_the_subject() {
        let long = "g".repeat(300);
        let groups = ["dev", "ops", "dev", long.as_str()];
        let issued = CertificateAuthority::new("CA").issue_client("CA", &groups, SystemTime::now() + A_DAY);
        let der = CertificateDer::from_pem_slice(issued.certificate.as_bytes()).unwrap();

        assert_eq!(
            subject(&der),
            Some(("CA".to_owned(), groups.map(str::to_owned).to_vec()))
        );
        let (rest, parsed) = X509Certificate::from_der(&der).unwrap();
        assert!(rest.is_empty());
        assert_eq!(parsed.issuer().iter_organization().count(), 0);
    }

    #[test]
    fn a_text_without_a_certificate_has_the_fingerprint_of_nothing() {
        let nothing = ClientCertificatePem {
            certificate: "?".to_owned(),
            key: String::new(),
        };
        assert_eq!(nothing.sha256(), sha256_hex(b""));
    }
}
