//! Private keys, read by their content: the label of the PEM block may name another format.
//!
//! Many tools write `RSA PRIVATE KEY` over a PKCS #8 key or the reverse. Go tries each format in turn, and so does this
//! module.

use std::fmt;
use std::path::Path;

use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use x509_cert::der::asn1::{AnyRef, OctetStringRef};
use x509_cert::der::{Decode as _, Reader as _, SliceReader};

use super::public_key::{ELLIPTIC_CURVE, RSA};
use crate::error::{Error, ErrorKind, Result};
use crate::pem::{PemBlock, Subject, blocks};
use crate::text::shell_word;

const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

/// The sizes of RSA keys that a TLS library can sign with, in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// The kind of a private key, as far as TLS depends on it.
#[derive(Debug, PartialEq, Eq)]
enum KeyKind {
    Rsa { bits: usize },
    Curve(Option<ObjectIdentifier>),
    Other(ObjectIdentifier),
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rsa { bits } => write!(f, "an RSA key of {bits} bits"),
            Self::Curve(None) => f.write_str("a key of an unnamed elliptic curve"),
            Self::Curve(Some(curve)) => write!(f, "a key of the elliptic curve {curve}"),
            Self::Other(algorithm) => write!(f, "a key of the algorithm {algorithm}"),
        }
    }
}

impl KeyKind {
    fn is_supported(&self) -> bool {
        match self {
            Self::Rsa { bits } => RSA_BITS.contains(bits),
            Self::Curve(curve) => curve.is_some_and(|curve| [P256, P384, P521].contains(&curve)),
            Self::Other(algorithm) => *algorithm == ED25519,
        }
    }
}

/// Reads the first private key of a PEM text. `subject` is its name in errors.
///
/// # Errors
/// `InvalidPem` if there is none that can be read. The message contains what was found instead.
pub(super) fn read_key(pem: &[u8], subject: Subject<'_>) -> Result<PrivateKeyDer<'static>> {
    let blocks = blocks(pem);
    let Some(block) = blocks.iter().find(|block| is_private_key(block)) else {
        return Err(no_key(subject, &blocks));
    };
    if block.is_encrypted || block.label == "ENCRYPTED PRIVATE KEY" {
        return Err(encrypted(subject));
    }
    let content = match &block.content {
        Ok(content) => content,
        Err(problem) => {
            return Err(invalid(format_args!("{subject} cannot be read: {problem}"))
                .with_help("write the key to the file again"));
        }
    };
    by_content(content).ok_or_else(|| {
        if is_encrypted(content) {
            return encrypted(subject);
        }
        invalid(format_args!("{subject} is not a readable private key"))
            .with_help("use a key in PKCS #8, PKCS #1 or SEC1")
    })
}

/// Checks that a TLS library can sign with the key.
///
/// # Errors
/// `Unsupported`, with the kind of the key.
pub(super) fn check_support(key: &PrivateKeyDer<'_>, subject: Subject<'_>) -> Result<()> {
    match kind(key) {
        Some(kind) if !kind.is_supported() => Err(Error::new(
            ErrorKind::Unsupported,
            format_args!(
                "{subject} is {kind}, which is not supported: expected RSA of {} to {} bits, P-256, P-384, P-521 or \
                 Ed25519",
                RSA_BITS.start(),
                RSA_BITS.end()
            ),
        )
        .with_help("create a supported key, such as RSA of 2048 bits, and issue a new client certificate for it")),
        _ => Ok(()),
    }
}

/// Go uses the first block with such a label, whatever precedes it.
fn is_private_key(block: &PemBlock<'_>) -> bool {
    block.label == "PRIVATE KEY" || block.label.ends_with(" PRIVATE KEY")
}

fn by_content(der: &[u8]) -> Option<PrivateKeyDer<'static>> {
    if pkcs1::RsaPrivateKeyRef::try_from(der).is_ok() {
        return Some(PrivatePkcs1KeyDer::from(der.to_vec()).into());
    }
    if PrivateKeyInfoRef::try_from(der).is_ok() {
        return Some(PrivatePkcs8KeyDer::from(der.to_vec()).into());
    }
    sec1::EcPrivateKey::try_from(der)
        .is_ok()
        .then(|| PrivateSec1KeyDer::from(der.to_vec()).into())
}

/// Whether it is an `EncryptedPrivateKeyInfo` (RFC 5958, 3): an algorithm and the encrypted bytes.
fn is_encrypted(der: &[u8]) -> bool {
    let read = || -> x509_cert::der::Result<()> {
        let mut reader = SliceReader::new(der)?;
        reader.sequence(|reader| {
            AnyRef::decode(reader)?.sequence(|algorithm| {
                let _: ObjectIdentifier = ObjectIdentifier::decode(algorithm)?;
                Option::<AnyRef<'_>>::decode(algorithm).map(drop)
            })?;
            <&OctetStringRef>::decode(reader).map(drop)
        })
    };
    read().is_ok()
}

/// `None` if the key is malformed inside, which the TLS library reports.
fn kind(key: &PrivateKeyDer<'_>) -> Option<KeyKind> {
    match key {
        PrivateKeyDer::Pkcs1(key) => rsa(key.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(key) => {
            let key = sec1::EcPrivateKey::try_from(key.secret_sec1_der()).ok()?;
            Some(KeyKind::Curve(
                key.parameters.and_then(sec1::EcParameters::named_curve),
            ))
        }
        PrivateKeyDer::Pkcs8(key) => {
            let key = PrivateKeyInfoRef::try_from(key.secret_pkcs8_der()).ok()?;
            match key.algorithm.oid {
                RSA => rsa(key.private_key.as_bytes()),
                ELLIPTIC_CURVE => Some(KeyKind::Curve(key.algorithm.parameters_oid().ok())),
                other => Some(KeyKind::Other(other)),
            }
        }
        _ => None,
    }
}

fn rsa(key: &[u8]) -> Option<KeyKind> {
    let key = pkcs1::RsaPrivateKeyRef::try_from(key).ok()?;
    let modulus = key.modulus.as_bytes();
    let leading = modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
    Some(KeyKind::Rsa {
        bits: modulus.len() * 8 - leading,
    })
}

fn invalid(message: impl fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidPem, message)
}

fn encrypted(subject: Subject<'_>) -> Error {
    let file = subject.file.unwrap_or(Path::new("client.key")).to_string_lossy();
    let (from, to) = (shell_word(&file), format!("{file}.decrypted"));
    invalid(format_args!(
        "{subject} is encrypted, and Kubex cannot ask for its pass phrase"
    ))
    .with_help(format_args!(
        "decrypt it with: openssl pkey -in {from} -out {}",
        shell_word(&to)
    ))
}

fn no_key(subject: Subject<'_>, blocks: &[PemBlock<'_>]) -> Error {
    let has = |label: &str| blocks.iter().any(|block| block.label == label);
    if has("CERTIFICATE") {
        invalid(format_args!(
            "{subject} contains a certificate, not a private key"
        ))
        .with_help("set the private key; perhaps the certificate and the key are swapped")
    } else if has("PUBLIC KEY") || has("RSA PUBLIC KEY") {
        invalid(format_args!("{subject} contains a public key, not a private key"))
            .with_help("set the private key that belongs to the certificate")
    } else {
        invalid(format_args!("{subject} contains no private key in PEM"))
            .with_help("expected a block that begins with -----BEGIN PRIVATE KEY-----")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relabelled(pem: &str, label: &str) -> String {
        let lines: Vec<_> = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        format!(
            "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
            lines.join("\n")
        )
    }

    #[test]
    fn the_content_of_a_key_decides_and_not_its_label() {
        for (pem, expected) in [
            (include_str!("fixtures/rsa.pkcs8.pem"), "Pkcs8"),
            (include_str!("fixtures/rsa.pkcs1.pem"), "Pkcs1"),
            (include_str!("fixtures/curve.pkcs8.pem"), "Pkcs8"),
            (include_str!("fixtures/curve.sec1.pem"), "Sec1"),
            (include_str!("fixtures/ed25519.pkcs8.pem"), "Pkcs8"),
        ] {
            for label in [
                "PRIVATE KEY",
                "RSA PRIVATE KEY",
                "EC PRIVATE KEY",
                "ANY PRIVATE KEY",
            ] {
                let key = read_key(relabelled(pem, label).as_bytes(), Subject::CLIENT_KEY).unwrap();
                let format = match key {
                    PrivateKeyDer::Pkcs1(_) => "Pkcs1",
                    PrivateKeyDer::Sec1(_) => "Sec1",
                    _ => "Pkcs8",
                };
                assert_eq!(format, expected, "{label}");
            }
        }
    }

    #[test]
    fn a_key_that_no_tls_library_can_sign_with_is_refused_with_its_kind() {
        for (pem, kind) in [
            (include_str!("fixtures/curve.sec1.pem"), None),
            (include_str!("fixtures/ed25519.pkcs8.pem"), None),
            (
                include_str!("fixtures/rsa.pkcs8.pem"),
                Some("an RSA key of 1024 bits"),
            ),
        ] {
            let key = read_key(pem.as_bytes(), Subject::CLIENT_KEY).unwrap();
            let checked = check_support(&key, Subject::CLIENT_KEY);
            match kind {
                None => checked.unwrap(),
                Some(kind) => {
                    let error = checked.unwrap_err();
                    assert_eq!(error.kind(), ErrorKind::Unsupported);
                    assert!(error.message().contains(kind), "{error}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_a_usable_key_is_named() {
        let key = include_str!("fixtures/rsa.pkcs8.pem");
        let certificate = include_str!("fixtures/rsa.certificate.pem");
        let traditional = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nYWJj\n\
                           -----END RSA PRIVATE KEY-----\n";
        for (text, message) in [
            (relabelled(key, "ENCRYPTED PRIVATE KEY"), "is encrypted"),
            (traditional.to_owned(), "is encrypted"),
            (certificate.to_owned(), "contains a certificate"),
            (relabelled(key, "PUBLIC KEY"), "contains a public key"),
            (
                relabelled(certificate, "PRIVATE KEY"),
                "is not a readable private key",
            ),
            (format!("\u{feff}{key}"), "a byte order mark"),
            (key.replace("-----END PRIVATE KEY-----", ""), "it has no END line"),
            ("token".to_owned(), "contains no private key"),
        ] {
            let error = read_key(text.as_bytes(), Subject::CLIENT_KEY).unwrap_err();
            assert!(error.message().contains(message), "{error}");
            assert!(error.help().is_some(), "{error}");
        }
    }

    #[test]
    fn the_advice_for_an_encrypted_key_can_be_run_as_it_is() {
        let encrypted = relabelled(include_str!("fixtures/rsa.pkcs8.pem"), "ENCRYPTED PRIVATE KEY");
        for (file, command) in [
            (None, "openssl pkey -in client.key -out client.key.decrypted"),
            (
                Some("/etc/jane.key"),
                "openssl pkey -in /etc/jane.key -out /etc/jane.key.decrypted",
            ),
            (
                Some("/etc/$(id) it's.key"),
                r"openssl pkey -in '/etc/$(id) it'\''s.key' -out '/etc/$(id) it'\''s.key.decrypted'",
            ),
        ] {
            let subject = Subject::CLIENT_KEY.in_file(file.map(Path::new));
            let error = read_key(encrypted.as_bytes(), subject).unwrap_err();
            let help = error.help().unwrap();
            assert_eq!(help.strip_prefix("decrypt it with: "), Some(command));
            assert!(error.message().contains(file.unwrap_or_default()), "{error}");
        }
    }
}
