//! `insecure-skip-tls-verify`: accepts any certificate.

use rustls::Error;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};

use crate::handshake::CheckCertificate;

/// Accepts any certificate. The server must still have its private key: the signature of the handshake is verified.
#[derive(Debug)]
pub(crate) struct AcceptAny;

impl CheckCertificate for AcceptAny {
    fn check(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: UnixTime,
    ) -> Result<(), Error> {
        Ok(())
    }
}
