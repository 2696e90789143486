//! Certificates by their digests.

use std::fmt::Write as _;

use kubex::Trust;

/// The SHA-256 of each CA certificate; none where the system's trust store is used, or no certificate is verified.
pub(crate) fn ca_digests(trust: &Trust) -> Vec<String> {
    match trust {
        Trust::CaBundle(bundle) => bundle
            .certificates()
            .iter()
            .map(|certificate| sha256(certificate))
            .collect(),
        _ => Vec::new(),
    }
}

/// The SHA-256 of some bytes in hexadecimal, as `openssl x509 -fingerprint -sha256` prints it, without the colons.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    let mut hexadecimal = String::new();
    for byte in aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref() {
        // Writing to a String cannot fail.
        let _ = write!(hexadecimal, "{byte:02x}");
    }
    hexadecimal
}
