//! The reasons why a server's certificate is refused, as errors of rustls and as sentences.

use std::fmt;
use std::sync::Arc;

use kubex_core::text::sanitize_line;
use rustls::{CertificateError, Error, OtherError};

/// A reason for refusing a server's certificate for which rustls has no error of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The server's certificate was issued by a CA certificate that must not issue it, for example because the CA certificate
    /// has expired.
    Authority {
        /// The subject of the CA certificate.
        subject: String,
        /// The reason, such as the date when the CA certificate expired.
        why: String,
    },
    /// The certificate has a critical extension that is not supported. The text identifies the extension.
    CriticalExtension(String),
    /// The server's certificate is itself a CA certificate, and was issued below a CA certificate with name constraints. This
    /// combination is not supported.
    NameConstraints,
    /// The certificate is of version 1, so it has no subject alternative names to check.
    NoNames,
}

impl Refusal {
    pub(crate) fn unreadable_date() -> Self {
        Self::Authority {
            subject: "unknown".to_owned(),
            why: "it has a date before 1970".to_owned(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Authority { subject, why } => write!(
                f,
                "the certificate authority \"{}\" may not issue the server's certificate: {why}",
                sanitize_line(subject)
            ),
            Self::CriticalExtension(id) => {
                write!(
                    f,
                    "the server's certificate has an unknown critical extension, {id}"
                )
            }
            Self::NameConstraints => f.write_str(
                "the server's certificate is a certificate authority itself, below one that restricts names",
            ),
            Self::NoNames => f.write_str(
                "the server's certificate is of version 1, which has no alternative names to check",
            ),
        }
    }
}

impl std::error::Error for Refusal {}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        CertificateError::Other(OtherError(Arc::new(refusal))).into()
    }
}

/// The error of rustls for an error of webpki.
pub(crate) fn from_webpki(error: webpki::Error) -> Error {
    match error {
        webpki::Error::BadDer | webpki::Error::BadDerTime | webpki::Error::TrailingData(_) => {
            CertificateError::BadEncoding
        }
        webpki::Error::CertExpired { time, not_after } => {
            CertificateError::ExpiredContext { time, not_after }
        }
        webpki::Error::CertNotValidYet { time, not_before } => {
            CertificateError::NotValidYetContext { time, not_before }
        }
        webpki::Error::UnknownIssuer => CertificateError::UnknownIssuer,
        webpki::Error::CertNotValidForName(webpki::InvalidNameContext { expected, presented }) => {
            CertificateError::NotValidForNameContext { expected, presented }
        }
        webpki::Error::InvalidSignatureForPublicKey => CertificateError::BadSignature,
        webpki::Error::RequiredEkuNotFoundContext(_) => CertificateError::InvalidPurpose,
        webpki::Error::UnsupportedCertVersion => return Refusal::NoNames.into(),
        error => CertificateError::Other(OtherError(Arc::new(error))),
    }
    .into()
}

/// Returns whether the certificate was refused because its issuer is not trusted. If so, read the CA bundle again: it may have
/// been replaced.
pub fn is_unknown_issuer(error: &Error) -> bool {
    match error {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => true,
        Error::InvalidCertificate(CertificateError::Other(other)) => {
            matches!(other.0.downcast_ref(), Some(Refusal::Authority { .. }))
        }
        _ => false,
    }
}

/// Returns a sentence for the user that replaces the error's own message. `None` if the error's own message is clear.
pub fn sentence(error: &CertificateError) -> Option<String> {
    Some(match error {
        CertificateError::BadEncoding => "the server's certificate is malformed".to_owned(),
        CertificateError::BadSignature => {
            "the server does not have the private key of its certificate".to_owned()
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => {
            "the server's certificate is not meant for a server: its extended key usage lacks serverAuth"
                .to_owned()
        }
        CertificateError::UnsupportedSignatureAlgorithmContext { .. }
        | CertificateError::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => {
            "the server's certificate has a key or a signature that the crypto provider does not support"
                .to_owned()
        }
        CertificateError::Other(other) => match other.0.downcast_ref::<Refusal>() {
            Some(refusal) => refusal.to_string(),
            None => format!("the server's certificate is not valid: {}", other.0),
        },
        _ => return None,
    })
}
