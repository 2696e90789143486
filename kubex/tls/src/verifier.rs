//! Chooses the verifier for a trust.

use std::sync::Arc;

use kubex_core::{Error, ErrorKind, Result, Trust};
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::CryptoProvider;

use crate::accept_any::AcceptAny;
use crate::authorities::Authorities;
use crate::handshake::{CheckCertificate, Verifier};

/// Creates a certificate verifier for this trust.
///
/// # Errors
/// Returns [`ErrorKind::Unsupported`] if the system's trust store cannot be used, or if this version does not know the
/// variant of `Trust`.
pub fn verifier(trust: &Trust, provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    match trust {
        Trust::CaBundle(bundle) => Ok(checked_by(
            Authorities::new(bundle.certificates(), provider),
            provider,
        )),
        Trust::Insecure => Ok(checked_by(AcceptAny, provider)),
        Trust::System => system(provider),
        // A variant that a newer core adds is an error and never treated as another one.
        _ => Err(Error::new(
            ErrorKind::Unsupported,
            "this version of kubex does not support the trust of the configuration",
        )
        .with_help("use the same version of kubex and kubex-core")),
    }
}

fn checked_by(
    certificate: impl CheckCertificate + 'static,
    provider: &CryptoProvider,
) -> Arc<dyn ServerCertVerifier> {
    Arc::new(Verifier {
        certificate,
        algorithms: provider.signature_verification_algorithms,
    })
}

/// The system's certificate authorities, which are files. They are trusted by the same rules as a CA bundle.
#[cfg(all(unix, not(target_os = "android"), not(target_vendor = "apple")))]
fn system(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    let found = rustls_native_certs::load_native_certs();
    if found.certs.is_empty() {
        let why = match found.errors.first() {
            Some(error) => error.to_string(),
            None => "it contains no certificate".to_owned(),
        };
        return Err(unusable(why));
    }
    Ok(checked_by(Authorities::new(&found.certs, provider), provider))
}

/// The platform's own verifier.
#[cfg(not(all(unix, not(target_os = "android"), not(target_vendor = "apple"))))]
fn system(provider: &Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>> {
    rustls_platform_verifier::Verifier::new(Arc::clone(provider))
        .map(|verifier| Arc::new(verifier) as Arc<dyn ServerCertVerifier>)
        .map_err(unusable)
}

fn unusable(why: impl std::fmt::Display) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format_args!("the system's trust store cannot be used: {why}"),
    )
}
