//! Interprets the errors of hyper, h2 and rustls: the message for the user, and whether the request may be retried.

use std::error::Error as StdError;
use std::io;

use ::rustls::{AlertDescription, CertificateError};
use http::StatusCode;
use hyper_util::client::legacy::{self, connect::Connected};
use kubex_core::text::{causes, messages};
use kubex_core::{Cluster, Error, ErrorKind};

use kubex_tls::{is_unknown_issuer, sentence};

use super::tunnel::RefusedByProxy;

/// An error with the HTTP client's message and the causes behind it. The client's own error is not kept as the source: it
/// may quote the URL of the request or of the proxy. An error of Kubex that it wraps is returned as it is.
pub(crate) fn request_failed(cluster: &Cluster, error: &(dyn StdError + 'static)) -> Error {
    if let Some(own) = own_error(error) {
        return own;
    }
    let server = &cluster.server;
    let through = match &cluster.proxy {
        Some(proxy) => format!(" through the proxy {proxy}"),
        None => String::new(),
    };
    let why = causes(error)
        .find_map(plain_reason)
        .unwrap_or_else(|| messages(error));
    let failed = Error::new(
        ErrorKind::RequestFailed,
        format_args!("the request to {server}{through} failed: {why}"),
    );
    let is_of_the_server =
        cluster.proxy.is_none() || causes(error).all(|cause| connection_reason(cause).is_none());
    match (causes(error).find_map(help_for), &cluster.proxy) {
        (Some(help), _) if is_of_the_server => failed.with_help(help),
        (_, Some(_)) => failed.with_help(
            "check that the proxy can be reached, accepts the user name and password, and allows requests to the server",
        ),
        (_, None) => failed,
    }
}

/// Whether the server's certificate has an unknown issuer. In that case no request was sent.
pub(crate) fn is_untrusted(error: &(dyn StdError + 'static)) -> bool {
    causes(error).any(|cause| tls_error(cause).is_some_and(is_unknown_issuer))
}

/// Whether the server has not processed the request, so that any request may be retried: the connection was closed
/// before the request was sent, or the server refused the request while it closed the connection (RFC 9113, 6.8 and
/// 8.7).
///
/// It is called only for requests whose body can be copied and is therefore completely in memory.
pub(crate) fn was_not_taken(error: &(dyn StdError + 'static)) -> bool {
    let mut is_over_http_2 = false;
    causes(error).any(|cause| {
        if let Some(error) = cause.downcast_ref::<legacy::Error>() {
            is_over_http_2 = error.connect_info().is_some_and(Connected::is_negotiated_h2);
            if has_no_connection(error) {
                return true;
            }
        }
        if let Some(error) = cause.downcast_ref::<h2::Error>() {
            let reason = error.reason();
            return error.is_remote()
                && (error.is_go_away() && reason == Some(h2::Reason::NO_ERROR)
                    || error.is_reset() && reason == Some(h2::Reason::REFUSED_STREAM));
        }
        cause
            .downcast_ref::<hyper::Error>()
            .is_some_and(|error| error.is_canceled() || is_over_http_2 && was_waiting_for_a_stream(error))
    })
}

/// Whether the request was never given to a connection. An error of a connection is a `hyper::Error`, and an error of
/// connecting is marked as such. If it is neither, the request waited for a connection that another task opened and
/// that was closed in the meantime.
fn has_no_connection(error: &legacy::Error) -> bool {
    !error.is_connect() && !error.source().is_some_and(<dyn StdError>::is::<hyper::Error>)
}

/// Whether the request waited for a free stream of an HTTP/2 connection that was closed in the meantime: the server
/// limits the number of concurrent streams, and hyper drops waiting requests. hyper reports this as a user error.
/// Over HTTP/2, the other user errors are a failed body and `CONNECT`. Neither occurs here: a body in memory cannot
/// fail, and Kubex does not send `CONNECT`.
fn was_waiting_for_a_stream(error: &hyper::Error) -> bool {
    error.is_user()
}

/// The error of Kubex among the causes, such as the one that the verifier of the server's name returned.
fn own_error(error: &(dyn StdError + 'static)) -> Option<Error> {
    causes(error).find_map(|cause| {
        if let Some(own) = cause.downcast_ref::<Error>() {
            return Some(own.clone());
        }
        match tls_error(cause)? {
            ::rustls::Error::Other(other) => other.0.downcast_ref::<Error>().cloned(),
            _ => None,
        }
    })
}

/// The rustls error inside this error. The TLS stream wraps it in an `io::Error`, whose `source` does not return it,
/// and the HTTP client wraps that again.
fn tls_error<'a>(cause: &'a (dyn StdError + 'static)) -> Option<&'a ::rustls::Error> {
    let mut cause = cause;
    while let Some(error) = cause.downcast_ref::<io::Error>() {
        cause = error.get_ref()?;
    }
    cause.downcast_ref()
}

/// The reason in plain words, where the libraries' own messages are not plain.
fn plain_reason(cause: &(dyn StdError + 'static)) -> Option<String> {
    if let Some(reason) = connection_reason(cause) {
        return Some(reason.to_owned());
    }
    if let Some(refused) = cause.downcast_ref::<RefusedByProxy>() {
        return Some(refused.to_string());
    }
    match tls_error(cause)? {
        ::rustls::Error::InvalidCertificate(wrong) => sentence(wrong),
        ::rustls::Error::AlertReceived(alert) => Some(match alert {
            AlertDescription::CertificateExpired => {
                "the server refused the client certificate, because it has expired".to_owned()
            }
            AlertDescription::UnknownCA => {
                "the server refused the client certificate, because it does not know its certificate authority".to_owned()
            }
            AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::DecryptError => {
                format!("the server refused the client certificate ({alert:?})")
            }
            AlertDescription::CertificateRequired => "the server requires a client certificate".to_owned(),
            AlertDescription::HandshakeFailure => {
                "the server and this program have no TLS algorithm in common".to_owned()
            }
            _ => return None,
        }),
        _ => None,
    }
}

/// Why the operating system could not connect. An error that it did not report itself has a message of its own.
fn connection_reason(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    let error = cause
        .downcast_ref::<io::Error>()
        .filter(|error| error.raw_os_error().is_some())?;
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Some("connection refused: no program listens at the address"),
        io::ErrorKind::HostUnreachable => Some("the host cannot be reached"),
        io::ErrorKind::NetworkUnreachable => Some("the network cannot be reached"),
        io::ErrorKind::TimedOut => Some("the host does not answer"),
        _ => None,
    }
}

fn help_for(cause: &(dyn StdError + 'static)) -> Option<&'static str> {
    if connection_reason(cause).is_some() {
        return Some("check the address, and that this machine can reach it");
    }
    if let Some(refused) = cause.downcast_ref::<RefusedByProxy>() {
        return Some(match refused.status {
            StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
                "set the user name and the password in the proxy's URL, before the host"
            }
            _ => "check that the proxy allows requests to this server",
        });
    }
    let wrong = match tls_error(cause)? {
        ::rustls::Error::InvalidCertificate(wrong) => wrong,
        ::rustls::Error::AlertReceived(
            AlertDescription::CertificateExpired
            | AlertDescription::UnknownCA
            | AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateUnknown
            | AlertDescription::CertificateRequired,
        ) => {
            return Some(
                "get a client certificate that the certificate authority of this cluster has issued",
            );
        }
        ::rustls::Error::AlertReceived(AlertDescription::HandshakeFailure) => {
            return Some("use the crypto provider aws-lc-rs, which supports more keys than ring");
        }
        _ => return None,
    };
    match wrong {
        CertificateError::UnknownIssuer => {
            Some("check that the certificate authority is that of this server")
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            Some("check the server's address, or set \"tls-server-name\"")
        }
        CertificateError::NotValidYetContext { .. } | CertificateError::ExpiredContext { .. } => {
            Some("check this machine's clock, and the server's certificate")
        }
        wrong if is_unknown_issuer(&wrong.clone().into()) => {
            Some("get the cluster's current certificate authority")
        }
        _ => Some("get a valid certificate for the server"),
    }
}
