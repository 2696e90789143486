//! Whether a client certificate and a private key belong together.
//!
//! While two files are being replaced, the certificate may be new and the key old. Such a pair must not be used. Most private
//! keys contain their public key, which can be compared with the certificate without any cryptography: RSA keys always do (RFC
//! 8017, A.1.2), keys of elliptic curves usually (RFC 5915, 3; RFC 5958, 2). For other keys, the TLS library computes the
//! public key, and [`ClientCertificate::has_public_key`](super::ClientCertificate) compares it.

use pkcs8::spki::SubjectPublicKeyInfoRef;
use pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::Decode as _;

pub(super) const RSA: ObjectIdentifier = pkcs1::ALGORITHM_OID;
pub(super) const ELLIPTIC_CURVE: ObjectIdentifier = sec1::ALGORITHM_OID;

/// A public key: its algorithm and its bits.
#[derive(Debug, PartialEq, Eq)]
struct PublicKey {
    algorithm: ObjectIdentifier,
    bits: Vec<u8>,
}

impl PublicKey {
    /// Whether both are the same key; `None` if their bits do not show it.
    fn is_same(&self, other: &Self) -> Option<bool> {
        if self.algorithm != other.algorithm {
            return Some(false);
        }
        // A point of an elliptic curve has a short and a long form, which cannot be compared here.
        let is_comparable = self.algorithm != ELLIPTIC_CURVE || self.bits.len() == other.bits.len();
        is_comparable.then(|| self.bits == other.bits)
    }
}

/// Whether the two are a pair; `None` if the key does not contain its public key.
pub(super) fn is_pair(certificate: &CertificateDer<'_>, key: &PrivateKeyDer<'_>) -> Option<bool> {
    key_of_certificate(certificate)?.is_same(&key_of_private_key(key)?)
}

/// Whether the certificate is for this public key, a `SubjectPublicKeyInfo` (RFC 5280, 4.1); `None` if one of the two
/// cannot be read.
pub(super) fn is_for_public_key(certificate: &CertificateDer<'_>, public_key: &[u8]) -> Option<bool> {
    let info = SubjectPublicKeyInfoRef::try_from(public_key).ok()?;
    let public_key = PublicKey {
        algorithm: info.algorithm.oid,
        bits: info.subject_public_key.as_bytes()?.to_vec(),
    };
    key_of_certificate(certificate)?.is_same(&public_key)
}

/// The certificate's public key. Certificates of every version are read.
fn key_of_certificate(certificate: &CertificateDer<'_>) -> Option<PublicKey> {
    let certificate = CertificateInner::<Raw>::from_der(certificate).ok()?;
    let info = certificate.tbs_certificate().subject_public_key_info();
    Some(PublicKey {
        algorithm: info.algorithm.oid,
        bits: info.subject_public_key.as_bytes()?.to_vec(),
    })
}

/// The public key that the private key contains.
fn key_of_private_key(key: &PrivateKeyDer<'_>) -> Option<PublicKey> {
    let (algorithm, bits) = match key {
        PrivateKeyDer::Pkcs1(key) => (RSA, key_of_rsa(key.secret_pkcs1_der())?),
        PrivateKeyDer::Sec1(key) => (ELLIPTIC_CURVE, key_of_curve(key.secret_sec1_der())?),
        PrivateKeyDer::Pkcs8(key) => {
            let key = PrivateKeyInfoRef::try_from(key.secret_pkcs8_der()).ok()?;
            let bits = match (&key.public_key, key.algorithm.oid) {
                (Some(public_key), _) => public_key.as_bytes()?.to_vec(),
                (None, RSA) => key_of_rsa(key.private_key.as_bytes())?,
                (None, ELLIPTIC_CURVE) => key_of_curve(key.private_key.as_bytes())?,
                (None, _) => return None,
            };
            (key.algorithm.oid, bits)
        }
        _ => return None,
    };
    Some(PublicKey { algorithm, bits })
}

fn key_of_rsa(key: &[u8]) -> Option<Vec<u8>> {
    use x509_cert::der::Encode as _;
    let key = pkcs1::RsaPrivateKeyRef::try_from(key).ok()?;
    key.public_key().to_der().ok()
}

fn key_of_curve(key: &[u8]) -> Option<Vec<u8>> {
    let key = sec1::EcPrivateKey::try_from(key).ok()?;
    key.public_key.map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    use rustls_pki_types::pem::PemObject as _;

    fn certificate(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    fn key(pem: &str) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    #[test]
    fn each_kind_of_key_belongs_to_its_own_certificate_only() {
        let rsa = certificate(include_str!("fixtures/rsa.certificate.pem"));
        let curve = certificate(include_str!("fixtures/curve.certificate.pem"));
        let ed25519 = certificate(include_str!("fixtures/ed25519.certificate.pem"));
        for of_rsa in [
            include_str!("fixtures/rsa.pkcs8.pem"),
            include_str!("fixtures/rsa.pkcs1.pem"),
        ] {
            assert_eq!(is_pair(&rsa, &key(of_rsa)), Some(true));
            assert_eq!(is_pair(&curve, &key(of_rsa)), Some(false));
        }
        for of_curve in [
            include_str!("fixtures/curve.pkcs8.pem"),
            include_str!("fixtures/curve.sec1.pem"),
        ] {
            assert_eq!(is_pair(&curve, &key(of_curve)), Some(true));
            assert_eq!(is_pair(&rsa, &key(of_curve)), Some(false));
            let mut other = curve.as_ref().to_vec();
            let point = key_of_certificate(&curve).unwrap().bits;
            let at = other
                .windows(point.len())
                .position(|bytes| bytes == point)
                .unwrap();
            other[at + 40] ^= 1;
            assert_eq!(is_pair(&other.into(), &key(of_curve)), Some(false));
        }
        let of_ed25519 = key(include_str!("fixtures/ed25519.pkcs8.pem"));
        assert_eq!(
            is_pair(&ed25519, &of_ed25519),
            None,
            "the key does not contain its public key"
        );
    }

    #[test]
    fn a_certificate_of_version_1_is_compared_too() {
        let version_1 = certificate(include_str!("fixtures/version1.certificate.pem"));
        let own = key(include_str!("fixtures/version1.pkcs8.pem"));
        assert_eq!(is_pair(&version_1, &own), Some(true));
        let other = key(include_str!("fixtures/curve.pkcs8.pem"));
        assert_eq!(is_pair(&version_1, &other), Some(false));
    }

    #[test]
    fn a_public_key_that_the_tls_library_computed_is_compared() {
        use x509_cert::der::Encode as _;
        let public_key = |certificate: &CertificateDer<'_>| {
            let certificate = CertificateInner::<Raw>::from_der(certificate).unwrap();
            let key = certificate.tbs_certificate().subject_public_key_info();
            key.to_der().unwrap()
        };
        let ed25519 = certificate(include_str!("fixtures/ed25519.certificate.pem"));
        let rsa = certificate(include_str!("fixtures/rsa.certificate.pem"));
        assert_eq!(is_for_public_key(&ed25519, &public_key(&ed25519)), Some(true));
        assert_eq!(is_for_public_key(&ed25519, &public_key(&rsa)), Some(false));
        assert_eq!(is_for_public_key(&ed25519, b"not a key"), None);
    }

    #[test]
    fn a_certificate_or_a_key_that_is_cut_off_anywhere_causes_no_panic() {
        let whole = certificate(include_str!("fixtures/rsa.certificate.pem"));
        let PrivateKeyDer::Pkcs8(of_rsa) = key(include_str!("fixtures/rsa.pkcs8.pem")) else {
            panic!("this key is PKCS #8");
        };
        for length in 0..whole.len() {
            assert_eq!(key_of_certificate(&whole[..length].into()), None);
        }
        for length in 0..of_rsa.secret_pkcs8_der().len() {
            let cut = of_rsa.secret_pkcs8_der()[..length].to_vec();
            assert_eq!(key_of_private_key(&PrivateKeyDer::Pkcs8(cut.into())), None);
        }
    }

    #[test]
    fn random_bytes_cause_no_panic() {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for length in 0..2000 {
            let bytes: Vec<u8> = (0..length % 97)
                .map(|index| {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    // Every second byte is the tag of a sequence.
                    if index % 2 == 0 {
                        0x30
                    } else {
                        random.to_le_bytes()[0]
                    }
                })
                .collect();
            let _ = key_of_certificate(&bytes[..].into());
            let _ = key_of_private_key(&PrivateKeyDer::Pkcs8(bytes.clone().into()));
            let _ = key_of_private_key(&PrivateKeyDer::Pkcs1(bytes.clone().into()));
            let _ = key_of_private_key(&PrivateKeyDer::Sec1(bytes.into()));
        }
    }
}
