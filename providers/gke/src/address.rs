//! Where credentials may be sent: https, or http to this machine and its metadata server.

use std::net::IpAddr;

use kubex_core::{Error, ErrorKind, Result};
use url::Url;

/// The names of the metadata server, beside its link-local address.
const METADATA: [&str; 2] = ["metadata.google.internal", "fd20:ce::254"];

/// Checks the address in this field of a credentials file. It is not shown, because it may contain a secret.
///
/// # Errors
/// `InvalidValue`.
pub(crate) fn check_address(field: &str, written: &str) -> Result<Url> {
    let url: Option<Url> = written.parse().ok();
    let url = url.filter(|url| url.scheme() == "https" || url.scheme() == "http" && is_near(url));
    url.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidValue,
            format_args!("\"{field}\" of the credentials file of Google is not an https address"),
        )
        .with_help("create the file again; http is used for this machine and its metadata server only")
    })
}

/// Whether this is the machine itself, a link-local address, or the metadata server.
pub(crate) fn is_near(address: &Url) -> bool {
    let Some(name) = address.host_str() else {
        return false;
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    match name.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => address.is_loopback() || address.is_link_local(),
        Ok(IpAddr::V6(address)) => address.is_loopback() || METADATA.contains(&name),
        Err(_) => name == "localhost" || METADATA.contains(&name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_over_http_stays_near() {
        for near in [
            "https://oauth2.googleapis.com/token",
            "http://127.0.0.1:1/token",
            "http://localhost/token",
            "http://[::1]/token",
            "http://169.254.169.254/computeMetadata",
            "http://169.254.169.252:988/computeMetadata",
            "http://metadata.google.internal/computeMetadata",
            "http://[fd20:ce::254]/computeMetadata",
        ] {
            assert!(check_address("token_uri", near).is_ok(), "{near}");
        }
        for far in [
            "http://oauth2.googleapis.com/token",
            "http://10.0.0.1/",
            "http://[fd20:ce::1]/",
            "http://localhost.example.com/",
            "http://metadata.google.internal.example.com/",
            "ftp://127.0.0.1/",
            "file:///etc/passwd",
            "s3cret",
            "",
        ] {
            let error = check_address("token_uri", far).unwrap_err();
            assert!(!error.message().contains("s3cret"), "{error}");
        }
    }
}
