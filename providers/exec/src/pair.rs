//! Whether a client certificate and a private key belong together.
//!
//! Most private keys tell their public half, and the certificate has it too; comparing the two takes no
//! cryptography, only a look at their DER (RFC 5280, 5915, 5958, 8017). What cannot be told is left to the TLS
//! library: a pair is refused only where the two halves are there and differ.

use kubex_core::ClientCertificate;
use rustls_pki_types::PrivateKeyDer;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const OBJECT_IDENTIFIER: u8 = 0x06;
const SEQUENCE: u8 = 0x30;
/// `[0]` and `[1]`, with a value within.
const FIRST: u8 = 0xa0;
const SECOND: u8 = 0xa1;
/// `[1]`, in the place of a bit string's own tag.
const SECOND_IMPLICIT: u8 = 0x81;

/// `rsaEncryption`, 1.2.840.113549.1.1.1.
const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
/// `ecPublicKey`, 1.2.840.10045.2.1.
const ELLIPTIC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
/// `id-Ed25519`, 1.3.101.112.
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

/// A public key: its algorithm, and for RSA the modulus, otherwise the key itself.
#[derive(Clone, Copy, PartialEq, Eq)]
struct PublicKey<'a> {
    algorithm: &'a [u8],
    /// `None` where the private key does not tell it.
    value: Option<&'a [u8]>,
}

/// Whether the two are certainly of different pairs.
pub(crate) fn is_mismatched(pair: &ClientCertificate) -> bool {
    let Ok(key) = pair.key() else { return false };
    let certified = pair.chain().first().and_then(|leaf| of_certificate(leaf));
    let (Some(certified), Some(own)) = (certified, of_key(&key)) else {
        return false;
    };
    match (certified.value, own.value) {
        _ if certified.algorithm != own.algorithm => true,
        (Some(certified), Some(own)) => certified != own,
        _ => false,
    }
}

/// A point of a curve can be written in two ways, and only the long one is compared.
fn comparable<'a>(algorithm: &[u8], value: &'a [u8]) -> Option<&'a [u8]> {
    const UNCOMPRESSED: u8 = 4;
    (algorithm != ELLIPTIC || value.first() == Some(&UNCOMPRESSED)).then_some(value)
}

fn of_certificate(certificate: &[u8]) -> Option<PublicKey<'_>> {
    let mut certificate = Der(certificate).enter(SEQUENCE)?;
    let mut body = certificate.enter(SEQUENCE)?;
    // The version, where it is there.
    body.skip_if(FIRST);
    body.take(INTEGER)?;
    // The signature's algorithm, issuer, validity, subject.
    for _ in 0..4 {
        body.take(SEQUENCE)?;
    }
    let mut info = body.enter(SEQUENCE)?;
    let algorithm = known(info.enter(SEQUENCE)?.take(OBJECT_IDENTIFIER)?)?;
    let bits = info.take(BIT_STRING)?.split_first()?.1;
    let value = if algorithm == RSA {
        Der(bits).enter(SEQUENCE)?.take(INTEGER)?
    } else {
        bits
    };
    Some(PublicKey {
        algorithm,
        value: comparable(algorithm, value),
    })
}

fn of_key<'a>(key: &'a PrivateKeyDer<'_>) -> Option<PublicKey<'a>> {
    match key {
        PrivateKeyDer::Pkcs1(key) => of_rsa(key.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(key) => of_elliptic(key.secret_sec1_der()),
        PrivateKeyDer::Pkcs8(key) => {
            let mut info = Der(key.secret_pkcs8_der()).enter(SEQUENCE)?;
            info.take(INTEGER)?;
            let algorithm = known(info.enter(SEQUENCE)?.take(OBJECT_IDENTIFIER)?)?;
            let inner = info.take(OCTET_STRING)?;
            if algorithm == RSA {
                return of_rsa(inner);
            }
            if algorithm == ELLIPTIC {
                return of_elliptic(inner);
            }
            info.skip_if(FIRST);
            let bits = info.take(SECOND_IMPLICIT);
            Some(PublicKey {
                algorithm,
                value: bits.and_then(|bits| Some(bits.split_first()?.1)),
            })
        }
        _ => None,
    }
}

fn of_rsa(key: &[u8]) -> Option<PublicKey<'_>> {
    let mut key = Der(key).enter(SEQUENCE)?;
    key.take(INTEGER)?;
    Some(PublicKey {
        algorithm: RSA,
        value: Some(key.take(INTEGER)?),
    })
}

fn of_elliptic(key: &[u8]) -> Option<PublicKey<'_>> {
    let mut key = Der(key).enter(SEQUENCE)?;
    key.take(INTEGER)?;
    key.take(OCTET_STRING)?;
    key.skip_if(FIRST);
    let value = key.enter(SECOND).and_then(|mut within| {
        let bits = within.take(BIT_STRING)?;
        comparable(ELLIPTIC, bits.split_first()?.1)
    });
    Some(PublicKey {
        algorithm: ELLIPTIC,
        value,
    })
}

/// The algorithm, where a difference would be understood.
fn known(algorithm: &[u8]) -> Option<&[u8]> {
    [RSA, ELLIPTIC, ED25519].contains(&algorithm).then_some(algorithm)
}

/// The rest of some DER, read value by value.
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next value, if it has this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (first, rest) = self.0.split_first()?;
        if *first != tag {
            return None;
        }
        let (length, rest) = rest.split_first()?;
        let (length, rest) = if *length < 0x80 {
            (usize::from(*length), rest)
        } else {
            let (bytes, rest) = rest.split_at_checked(usize::from(*length & 0x7f))?;
            if bytes.len() > 4 {
                return None;
            }
            let length = bytes
                .iter()
                .fold(0, |length, byte| (length << 8) | usize::from(*byte));
            (length, rest)
        };
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(value)
    }

    fn enter(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Self)
    }

    fn skip_if(&mut self, tag: u8) {
        self.take(tag);
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P384_SHA384, PKCS_ED25519};

    use super::*;

    /// A key of RSA, which the generator of the others cannot make, and a certificate of it.
    const RSA_PAIR: (&str, &str) = (include_str!("pair/rsa.crt"), include_str!("pair/rsa.key"));
    /// Another one in the form of PKCS#1.
    const OTHER_RSA_KEY: &str = include_str!("pair/other-rsa.key");
    /// A key of P-256 in the form of SEC1, as `openssl ecparam -genkey` writes it.
    const SEC1_PAIR: (&str, &str) = (include_str!("pair/sec1.crt"), include_str!("pair/sec1.key"));

    fn generated() -> Vec<(String, String)> {
        [
            &PKCS_ECDSA_P256_SHA256,
            &PKCS_ECDSA_P256_SHA256,
            &PKCS_ECDSA_P384_SHA384,
            &PKCS_ED25519,
            &PKCS_ED25519,
        ]
        .into_iter()
        .map(|algorithm| {
            let key = KeyPair::generate_for(algorithm).unwrap();
            let certificate = CertificateParams::new(vec!["jane".into()])
                .unwrap()
                .self_signed(&key)
                .unwrap();
            (certificate.pem(), key.serialize_pem())
        })
        .collect()
    }

    fn pair(certificate: &str, key: &str) -> ClientCertificate {
        ClientCertificate::from_pem(certificate.as_bytes(), key.as_bytes().to_vec().into()).unwrap()
    }

    #[test]
    fn each_key_matches_its_own_certificate_and_no_other() {
        let mut pairs = generated();
        pairs
            .extend([RSA_PAIR, SEC1_PAIR].map(|(certificate, key)| (certificate.to_owned(), key.to_owned())));
        for (at, (certificate, _)) in pairs.iter().enumerate() {
            for (other, (_, key)) in pairs.iter().enumerate() {
                assert_eq!(
                    is_mismatched(&pair(certificate, key)),
                    at != other,
                    "{at} and {other}"
                );
            }
            assert!(is_mismatched(&pair(certificate, OTHER_RSA_KEY)));
        }
    }

    #[test]
    fn what_cannot_be_read_is_left_to_others() {
        let (certificate, key) = generated().remove(0);
        let good = pair(&certificate, &key);
        let whole = good.chain()[0].to_vec();
        for end in 0..whole.len() {
            // Only the bound matters here: it neither panics nor finds a key that is not there.
            let _ = of_certificate(&whole[..end]);
        }
        assert!(of_certificate(&whole).is_some());
        for garbage in [
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff][..],
            &[0x30, 0x89],
            &[0x30],
            &[],
        ] {
            assert!(of_certificate(garbage).is_none());
        }
    }
}
