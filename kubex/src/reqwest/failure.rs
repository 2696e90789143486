//! A request that got no answer, said in one sentence.

use std::error::Error as StdError;
use std::io;

use kubex_core::text::{Mask, clean_line};
use kubex_core::{Error, ErrorKind, ServerUrl};
use rustls::CertificateError;

use super::trust::is_of_nobody;

/// What reqwest says, with the reasons behind it. Its own error is not kept as the cause: it may quote the URL
/// of the request or of the proxy.
pub(super) fn request_failed(server: &ServerUrl, error: ::reqwest::Error) -> Error {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut advice = None;
    let mut cause = error.source();
    while let Some(next) = cause {
        let text = next.to_string();
        // Errors of one chain often repeat the text of the next.
        if !reason.ends_with(&text) {
            reason.push_str(": ");
            reason.push_str(&text);
        }
        advice = advice.or_else(|| advice_on(next));
        cause = next.source();
    }
    let reason = Mask::new().apply(&clean_line(&reason));
    let failed = Error::new(
        ErrorKind::RequestFailed,
        format_args!("the request to {server} failed: {reason}"),
    );
    match advice {
        Some(advice) => failed.advise(advice),
        None => failed,
    }
}

/// Whether the server's certificate is of no authority that is known, so that no request was sent.
pub(super) fn is_untrusted(error: &::reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(next) = cause {
        if tls_error(next).is_some_and(is_of_nobody) {
            return true;
        }
        cause = next.source();
    }
    false
}

/// The TLS stream wraps its error as one of input and output, which does not name it as its source, and the
/// HTTP client does so once more.
fn tls_error<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut cause = cause;
    while let Some(error) = cause.downcast_ref::<io::Error>() {
        cause = error.get_ref()?;
    }
    cause.downcast_ref()
}

fn advice_on(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    let rustls::Error::InvalidCertificate(wrong) = tls_error(cause)? else {
        return None;
    };
    match wrong {
        CertificateError::UnknownIssuer => Some("check that the certificate authority is this server's"),
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Some("check the server's address, or set \"tls-server-name\"")
        }
        CertificateError::NotValidYetContext { .. } | CertificateError::ExpiredContext { .. } => {
            Some("check this machine's clock, and the server's certificate")
        }
        _ => None,
    }
}
