//! X.509 certificates: the fields that decide what a certificate may be used for in TLS.
//!
//! Certificates of every X.509 version are read. The rules are those of Go's `crypto/x509`, which kubectl uses.

use std::time::{Duration, SystemTime};

use x509_cert::certificate::{CertificateInner, Raw, TbsCertificateInner, Version};
use x509_cert::der::asn1::{AnyRef, BitStringRef, ObjectIdentifier};
use x509_cert::der::{self, Decode as _, Encode as _, ErrorKind, Reader as _, SliceReader, Tag};
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};
use x509_cert::name::Name;
use x509_cert::time::Time;

use crate::text::sanitize_line;

const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const NAME_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.30");
const EXTENDED_KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37");

/// The extensions that Go knows, and that may therefore be critical. Besides those above: the alternative names, the
/// distribution points of revocation lists, and the four extensions about policies.
const KNOWN: [ObjectIdentifier; 10] = [
    KEY_USAGE,
    BASIC_CONSTRAINTS,
    NAME_CONSTRAINTS,
    EXTENDED_KEY_USAGE,
    ObjectIdentifier::new_unwrap("2.5.29.17"),
    ObjectIdentifier::new_unwrap("2.5.29.31"),
    ObjectIdentifier::new_unwrap("2.5.29.32"),
    ObjectIdentifier::new_unwrap("2.5.29.33"),
    ObjectIdentifier::new_unwrap("2.5.29.36"),
    ObjectIdentifier::new_unwrap("2.5.29.54"),
];

const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const ANY_PURPOSE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");

/// The reason why a certificate cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unreadable {
    /// The certificate contains a date before 1970 or after 9999. Otherwise, it may be valid.
    Date,
    /// The bytes are not an X.509 certificate.
    Malformed,
}

/// An X.509 certificate, parsed from DER.
///
/// ```
/// use kubex_core::x509::{Unreadable, X509Certificate};
/// assert_eq!(X509Certificate::read(b"0\x03\x02\x01\x01").unwrap_err(), Unreadable::Malformed);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct X509Certificate {
    purpose: Purpose,
    issuer: Vec<u8>,
    subject: Vec<u8>,
    public_key: Vec<u8>,
}

/// When and for what a certificate may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one property of a certificate, and they do not exclude each other"
)]
pub(crate) struct Purpose {
    is_version_3: bool,
    not_before: SystemTime,
    not_after: SystemTime,
    basic_constraints: Option<(bool, Option<u8>)>,
    may_sign_certificates: bool,
    allows_server_auth: bool,
    unknown_critical: Option<String>,
    has_name_constraints: bool,
}

impl Purpose {
    /// Reads a certificate in DER as [`X509Certificate::read`] does, and copies less of it.
    pub(crate) fn read(certificate: &[u8]) -> Result<Self, Unreadable> {
        let parsed = parse(certificate)?;
        Self::new(parsed.tbs_certificate()).map_err(|_| Unreadable::Malformed)
    }

    fn new(parsed: &TbsCertificateInner<Raw>) -> der::Result<Self> {
        let validity = parsed.validity();
        let mut read = Self {
            is_version_3: parsed.version() == Version::V3,
            not_before: system_time(validity.not_before),
            not_after: system_time(validity.not_after),
            basic_constraints: None,
            may_sign_certificates: true,
            allows_server_auth: true,
            unknown_critical: None,
            has_name_constraints: false,
        };
        for extension in parsed.extensions().into_iter().flatten() {
            read.add(extension)?;
        }
        Ok(read)
    }

    fn add(&mut self, extension: &Extension) -> der::Result<()> {
        let value = extension.extn_value.as_bytes();
        match extension.extn_id {
            BASIC_CONSTRAINTS => {
                let constraints = BasicConstraints::from_der(value)?;
                self.basic_constraints = Some((constraints.ca, constraints.path_len_constraint));
            }
            KEY_USAGE => {
                let usage = KeyUsage::from_der(value)?;
                self.may_sign_certificates = usage.0.is_empty() || usage.key_cert_sign();
            }
            EXTENDED_KEY_USAGE => {
                let purposes = ExtendedKeyUsage::from_der(value)?.0;
                self.allows_server_auth = purposes.is_empty()
                    || purposes
                        .iter()
                        .any(|purpose| [SERVER_AUTH, ANY_PURPOSE].contains(purpose));
            }
            NAME_CONSTRAINTS => self.has_name_constraints = true,
            _ => {}
        }
        if extension.critical && !KNOWN.contains(&extension.extn_id) {
            self.unknown_critical.get_or_insert(extension.extn_id.to_string());
        }
        Ok(())
    }

    /// When the certificate is valid: from when, and until when.
    pub(crate) fn validity(&self) -> (SystemTime, SystemTime) {
        (self.not_before, self.not_after)
    }

    pub(crate) fn is_ca(&self) -> bool {
        matches!(self.basic_constraints, Some((true, _)))
    }

    pub(crate) fn allows_server_auth(&self) -> bool {
        self.allows_server_auth
    }

    pub(crate) fn why_not_an_authority(&self) -> Option<&'static str> {
        match self.basic_constraints {
            Some((false, _)) => Some("its basic constraints say that it is not a certificate authority"),
            None if self.is_version_3 => Some("it has no basic constraints"),
            _ if !self.may_sign_certificates => {
                Some("its key usage does not include the signing of certificates")
            }
            _ if !self.allows_server_auth => Some("its extended key usage does not include servers"),
            _ if self.unknown_critical.is_some() => Some("it has an unknown critical extension"),
            _ => None,
        }
    }
}

fn parse(certificate: &[u8]) -> Result<CertificateInner<Raw>, Unreadable> {
    CertificateInner::from_der(certificate).map_err(|error| match error.kind() {
        ErrorKind::DateTime
        | ErrorKind::Value {
            tag: Tag::GeneralizedTime | Tag::UtcTime,
        } => Unreadable::Date,
        _ => Unreadable::Malformed,
    })
}

impl X509Certificate {
    /// Parses a certificate in DER. Its signature is not verified.
    ///
    /// # Errors
    /// Returns why the certificate cannot be parsed.
    pub fn read(certificate: &[u8]) -> Result<Self, Unreadable> {
        let parsed = parse(certificate)?;
        Self::new(parsed.tbs_certificate()).map_err(|_| Unreadable::Malformed)
    }

    fn new(parsed: &TbsCertificateInner<Raw>) -> der::Result<Self> {
        Ok(Self {
            purpose: Purpose::new(parsed)?,
            issuer: parsed.issuer().to_der()?,
            subject: parsed.subject().to_der()?,
            public_key: parsed.subject_public_key_info().to_der()?,
        })
    }

    /// Returns the time from which the certificate is valid.
    pub fn not_before(&self) -> SystemTime {
        self.purpose.not_before
    }

    /// Returns the time until which the certificate is valid.
    ///
    /// ```
    /// use std::time::SystemTime;
    /// use kubex_core::CaBundle;
    /// use kubex_core::x509::X509Certificate;
    ///
    /// # let pem = kubex_core::faults::CERTIFICATE;
    /// let bundle = CaBundle::from_pem(pem.as_bytes())?;
    /// let certificate = X509Certificate::read(&bundle.certificates()[0]).unwrap();
    /// assert!(certificate.not_after() > SystemTime::now());
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn not_after(&self) -> SystemTime {
        self.purpose.not_after
    }

    /// Returns the certificate's subject as text for people. Control characters are replaced.
    pub fn subject_text(&self) -> String {
        let subject = Name::from_der(&self.subject).map(|subject| subject.to_string());
        sanitize_line(&subject.unwrap_or_default()).into_owned()
    }

    /// Returns the distinguished name of the certificate's subject, in DER.
    pub fn subject(&self) -> &[u8] {
        &self.subject
    }

    /// Returns the distinguished name of the certificate's issuer, in DER.
    pub fn issuer(&self) -> &[u8] {
        &self.issuer
    }

    /// Returns the certificate's public key, a `SubjectPublicKeyInfo` in DER (RFC 5280, 4.1).
    pub fn public_key(&self) -> &[u8] {
        &self.public_key
    }

    /// Returns whether the basic constraints mark the certificate as a certificate authority. `false` for a certificate
    /// of version 1, which has no basic constraints.
    pub fn is_ca(&self) -> bool {
        self.purpose.is_ca()
    }

    /// Returns whether the extended key usage permits a TLS server. `true` if the certificate has no extended key
    /// usage.
    pub fn allows_server_auth(&self) -> bool {
        self.purpose.allows_server_auth
    }

    /// Returns whether the certificate restricts the names of the certificates that it issues.
    pub fn has_name_constraints(&self) -> bool {
        self.purpose.has_name_constraints
    }

    /// Returns the object identifier of an unknown critical extension; `None` if there is none. A certificate with such
    /// an extension must not be used (RFC 5280, 4.2).
    pub fn unknown_critical_extension(&self) -> Option<&str> {
        self.purpose.unknown_critical.as_deref()
    }

    /// Returns why the certificate must not issue other certificates; `None` if it may. The dates are not checked.
    ///
    /// ```
    /// use kubex_core::CaBundle;
    /// use kubex_core::x509::X509Certificate;
    ///
    /// # let pem = kubex_core::faults::CERTIFICATE;
    /// let bundle = CaBundle::from_pem(pem.as_bytes())?;
    /// for certificate in bundle.certificates() {
    ///     let certificate = X509Certificate::read(certificate).unwrap();
    ///     if let Some(reason) = certificate.why_not_an_authority() {
    ///         println!("{} cannot issue certificates: {reason}", certificate.subject_text());
    ///     }
    /// }
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn why_not_an_authority(&self) -> Option<&'static str> {
        self.purpose.why_not_an_authority()
    }

    /// Returns whether the certificate's path length constraint permits this many intermediate authorities below it.
    pub fn allows_path_of(&self, authorities: usize) -> bool {
        match self.purpose.basic_constraints {
            Some((_, Some(limit))) => authorities <= usize::from(limit),
            _ => true,
        }
    }
}

/// The parts of a certificate that are needed to verify its issuer's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignedPart<'a> {
    /// The signed part of the certificate, in DER.
    pub message: &'a [u8],
    /// The content of the signature's `AlgorithmIdentifier`.
    pub algorithm: &'a [u8],
    /// The signature.
    pub signature: &'a [u8],
}

impl<'a> SignedPart<'a> {
    /// Finds these parts in a certificate in DER; `None` if it is malformed.
    pub fn read(certificate: &'a [u8]) -> Option<Self> {
        let mut reader = SliceReader::new(certificate).ok()?;
        let read = reader.sequence(|reader| -> der::Result<_> {
            let message = reader.tlv_bytes()?;
            let algorithm = AnyRef::decode(reader)?.value();
            let signature = BitStringRef::decode(reader)?.as_bytes();
            Ok((message, algorithm, signature))
        });
        let (message, algorithm, signature) = read.ok()?;
        Some(Self {
            message,
            algorithm,
            signature: signature?,
        })
    }
}

fn system_time(time: Time) -> SystemTime {
    SystemTime::UNIX_EPOCH + time.to_unix_duration().min(LAST)
}

/// 9999-12-31T23:59:59Z, the last moment that X.509 can express.
const LAST: Duration = Duration::from_secs(253_402_300_799);

#[cfg(test)]
mod tests {
    use super::*;

    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;

    fn read(pem: &str) -> X509Certificate {
        X509Certificate::read(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn certificates_of_every_version_are_read() {
        let version_1 = read(include_str!("credential/fixtures/version1.certificate.pem"));
        assert!(!version_1.purpose.is_version_3);
        assert_eq!(
            version_1.why_not_an_authority(),
            None,
            "a trusted certificate of version 1 may issue others"
        );
        assert!(!version_1.is_ca());
        for version_3 in [
            include_str!("credential/fixtures/rsa.certificate.pem"),
            include_str!("credential/fixtures/curve.certificate.pem"),
            include_str!("credential/fixtures/ed25519.certificate.pem"),
        ] {
            let version_3 = read(version_3);
            assert!(version_3.purpose.is_version_3);
            assert!(version_3.not_before() < version_3.not_after());
            assert_eq!(version_3.unknown_critical_extension(), None);
        }
    }

    #[test]
    fn a_certificate_that_is_cut_off_anywhere_is_malformed() {
        let pem = include_str!("credential/fixtures/rsa.certificate.pem");
        let whole = CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
        for length in 0..whole.len() {
            assert_eq!(
                X509Certificate::read(&whole[..length]),
                Err(Unreadable::Malformed)
            );
        }
        let longer = [whole.as_ref(), b"\0"].concat();
        assert_eq!(X509Certificate::read(&longer), Err(Unreadable::Malformed));
    }
}
