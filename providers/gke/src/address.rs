//! Checks the addresses that requests are sent to. https is always permitted. http is permitted only to this machine, and for
//! the metadata that a machine offers also to link-local addresses. Redirects that Google's SDK follows are not checked.

use kubex_core::{Error, ErrorKind, Result};
use kubex_tls::is_this_machine;
use url::Url;

/// The names of the metadata server, beside its link-local address.
const METADATA: [&str; 2] = ["metadata.google.internal", "fd20:ce::254"];

/// The fields of a credentials file that name what the machine offers. The others name where secrets are sent.
const OF_THE_MACHINE: [&str; 3] = ["imdsv2_session_token_url", "region_url", "url"];

/// Checks the address in this field of a credentials file. It is not shown, because it may contain a secret.
///
/// # Errors
/// `InvalidValue`.
pub(crate) fn check_address(field: &str, written: &str) -> Result<Url> {
    let url: Option<Url> = written.parse().ok();
    let permits_http = if OF_THE_MACHINE.contains(&field) {
        is_near
    } else {
        is_this_machine
    };
    let url = url.filter(|url| url.scheme() == "https" || url.scheme() == "http" && permits_http(url));
    url.ok_or_else(|| {
        Error::new(
            ErrorKind::InvalidValue,
            format_args!("\"{field}\" of the credentials file of Google is not an https address"),
        )
        .with_help("create the file again; http is used within this machine only")
    })
}

/// Whether this is the machine itself, a link-local address, or the metadata server.
pub(crate) fn is_near(address: &Url) -> bool {
    kubex_tls::is_near(address, &METADATA)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_over_http_stays_near_and_one_with_a_secret_in_the_machine() {
        for here in [
            "https://oauth2.googleapis.com/token",
            "http://127.0.0.1:1/token",
            "http://localhost/token",
            "http://[::1]/token",
        ] {
            assert!(check_address("token_uri", here).is_ok(), "{here}");
            assert!(check_address("url", here).is_ok(), "{here}");
        }
        for near in [
            "http://169.254.169.254/computeMetadata",
            "http://169.254.169.252:988/computeMetadata",
            "http://metadata.google.internal/computeMetadata",
            "http://[fd20:ce::254]/computeMetadata",
        ] {
            assert!(check_address("region_url", near).is_ok(), "{near}");
            assert!(check_address("token_url", near).is_err(), "{near}");
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
            for field in ["token_uri", "url"] {
                let error = check_address(field, far).unwrap_err();
                assert!(!error.message().contains("s3cret"), "{error}");
            }
        }
    }
}
