//! The public half that a certificate and a private key tell of themselves.
//!
//! A certificate and a key that are replaced one after the other are of different pairs for a moment, and
//! nobody should use them then. Most keys carry their public half along, so that the two can be compared
//! without any cryptography: RSA keys the modulus (RFC 8017, A.1.2), keys of elliptic curves usually the
//! point (RFC 5915, 3; RFC 5958, 2). A key that does not is compared by the TLS library that uses it.

use rustls_pki_types::PrivateKeyDer;

const INTEGER: u8 = 0x02;
const BIT_STRING: u8 = 0x03;
const OCTET_STRING: u8 = 0x04;
const SEQUENCE: u8 = 0x30;
const CONTEXT_0: u8 = 0xa0;
const CONTEXT_1: u8 = 0xa1;
/// The public key of a PKCS #8 key of version 2, an implicit bit string.
const CONTEXT_1_PRIMITIVE: u8 = 0x81;

/// Whether the two are of one pair; `None` where the key does not tell.
pub(super) fn are_of_one_pair(certificate: &[u8], key: &PrivateKeyDer<'_>) -> Option<bool> {
    let public = of_certificate(certificate)?;
    let of_key = of_key(key)?;
    Some(match of_key {
        // The public key of an RSA certificate is a sequence of modulus and exponent.
        PublicKey::Modulus(modulus) => {
            let mut key = Der(public).enter(SEQUENCE);
            key.as_mut().and_then(|key| key.take(INTEGER)) == Some(modulus)
        }
        // A point can be written in two forms, of different lengths.
        PublicKey::Point(point) if point.len() != public.len() => return None,
        PublicKey::Point(point) => public == point,
    })
}

enum PublicKey<'a> {
    Modulus(&'a [u8]),
    Point(&'a [u8]),
}

/// The bits of the subject's public key (RFC 5280, 4.1).
fn of_certificate(certificate: &[u8]) -> Option<&[u8]> {
    let mut fields = Der(certificate).enter(SEQUENCE)?.enter(SEQUENCE)?;
    fields.skip_if(CONTEXT_0);
    fields.take(INTEGER)?;
    for _ in ["signature", "issuer", "validity", "subject"] {
        fields.take(SEQUENCE)?;
    }
    let mut key = fields.enter(SEQUENCE)?;
    key.take(SEQUENCE)?;
    bits(key.take(BIT_STRING)?)
}

fn of_key<'a>(key: &'a PrivateKeyDer<'_>) -> Option<PublicKey<'a>> {
    match key {
        PrivateKeyDer::Pkcs1(key) => of_rsa(key.secret_pkcs1_der()),
        PrivateKeyDer::Sec1(key) => of_curve(key.secret_sec1_der()),
        PrivateKeyDer::Pkcs8(key) => {
            let mut fields = Der(key.secret_pkcs8_der()).enter(SEQUENCE)?;
            fields.take(INTEGER)?;
            fields.take(SEQUENCE)?;
            let inner = fields.take(OCTET_STRING)?;
            fields.skip_if(CONTEXT_0);
            let outer = fields.take(CONTEXT_1_PRIMITIVE).and_then(bits);
            outer
                .map(PublicKey::Point)
                .or_else(|| of_rsa(inner))
                .or_else(|| of_curve(inner))
        }
        _ => None,
    }
}

fn of_rsa(key: &[u8]) -> Option<PublicKey<'_>> {
    let mut fields = Der(key).enter(SEQUENCE)?;
    fields.take(INTEGER)?;
    fields.take(INTEGER).map(PublicKey::Modulus)
}

fn of_curve(key: &[u8]) -> Option<PublicKey<'_>> {
    let mut fields = Der(key).enter(SEQUENCE)?;
    fields.take(INTEGER)?;
    fields.take(OCTET_STRING)?;
    fields.skip_if(CONTEXT_0);
    bits(fields.enter(CONTEXT_1)?.take(BIT_STRING)?).map(PublicKey::Point)
}

/// A bit string of whole bytes.
fn bits(content: &[u8]) -> Option<&[u8]> {
    match content.split_first()? {
        (0, bytes) => Some(bytes),
        _ => None,
    }
}

/// What is left to read of some DER (ITU-T X.690).
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The content of the next element, which must have this tag.
    fn take(&mut self, tag: u8) -> Option<&'a [u8]> {
        let (&found, rest) = self.0.split_first()?;
        let (&first, rest) = rest.split_first()?;
        let (length, rest) = if first < 0x80 {
            (usize::from(first), rest)
        } else {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            // Longer lengths belong to nothing that fits into a file that is read.
            if length.is_empty() || length.len() > 4 {
                return None;
            }
            let length = length
                .iter()
                .fold(0_usize, |sum, byte| (sum << 8) | usize::from(*byte));
            (length, rest)
        };
        let (content, rest) = rest.split_at_checked(length)?;
        (found == tag).then(|| {
            self.0 = rest;
            content
        })
    }

    fn enter(&mut self, tag: u8) -> Option<Self> {
        self.take(tag).map(Der)
    }

    fn skip_if(&mut self, tag: u8) {
        let _ = self.take(tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use rustls_pki_types::CertificateDer;
    use rustls_pki_types::pem::PemObject as _;

    fn certificate(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    fn key(pem: &str) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    #[test]
    fn each_kind_of_key_is_found_to_be_of_its_own_pair_only() {
        let rsa = certificate(include_str!("fixtures/rsa.certificate.pem"));
        let curve = certificate(include_str!("fixtures/curve.certificate.pem"));
        let ed25519 = certificate(include_str!("fixtures/ed25519.certificate.pem"));
        for of_rsa in [
            include_str!("fixtures/rsa.pkcs8.pem"),
            include_str!("fixtures/rsa.pkcs1.pem"),
        ] {
            assert_eq!(are_of_one_pair(&rsa, &key(of_rsa)), Some(true));
            assert_eq!(are_of_one_pair(&curve, &key(of_rsa)), Some(false));
        }
        for of_curve in [
            include_str!("fixtures/curve.pkcs8.pem"),
            include_str!("fixtures/curve.sec1.pem"),
        ] {
            assert_eq!(are_of_one_pair(&curve, &key(of_curve)), Some(true));
            let mut other = curve.as_ref().to_vec();
            let last = of_certificate(&curve).unwrap().to_vec();
            let at = other.windows(last.len()).position(|bytes| bytes == last).unwrap();
            other[at + 40] ^= 1;
            assert_eq!(are_of_one_pair(&other, &key(of_curve)), Some(false));
        }
        let of_ed25519 = key(include_str!("fixtures/ed25519.pkcs8.pem"));
        assert_eq!(are_of_one_pair(&ed25519, &of_ed25519), None, "it does not tell");
    }

    #[test]
    fn a_certificate_or_a_key_that_is_cut_anywhere_is_no_panic() {
        let whole = certificate(include_str!("fixtures/rsa.certificate.pem"));
        let PrivateKeyDer::Pkcs8(of_rsa) = key(include_str!("fixtures/rsa.pkcs8.pem")) else {
            panic!("this key is PKCS #8");
        };
        for length in 0..whole.len() {
            of_certificate(&whole[..length]);
        }
        for length in 0..of_rsa.secret_pkcs8_der().len() {
            let cut = of_rsa.secret_pkcs8_der()[..length].to_vec();
            let _ = of_key(&PrivateKeyDer::Pkcs8(cut.into()));
        }
    }

    #[test]
    fn nonsense_tells_nothing_and_is_no_panic() {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        for length in 0..2000 {
            let bytes: Vec<u8> = (0..length % 97)
                .map(|index| {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    // Half of it looks like DER.
                    if index % 2 == 0 {
                        0x30
                    } else {
                        random.to_le_bytes()[0]
                    }
                })
                .collect();
            of_certificate(&bytes);
            let _ = of_key(&PrivateKeyDer::Pkcs8(bytes.clone().into()));
            let _ = of_key(&PrivateKeyDer::Pkcs1(bytes.clone().into()));
            let _ = of_key(&PrivateKeyDer::Sec1(bytes.into()));
        }
        assert!(of_certificate(&[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff]).is_none());
    }
}
