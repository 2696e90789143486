//! What holds for each request for a token: how large a response is read, and where http is used.

use std::net::IpAddr;

use kubex_core::{Error, ErrorKind, Host, Proxy, Result};
use url::Url;

/// The maximum size of a response with a token, in bytes.
pub const LARGEST_RESPONSE: usize = 1024 * 1024;

/// The same in errors: `larger than 1 MiB`.
pub const LARGEST_RESPONSE_TEXT: &str = "1 MiB";

/// Whether this is the machine itself, or a link-local address, as those of metadata services are. `others` are the further
/// names and addresses at which a cloud has such a service, an IPv6 address without brackets.
///
/// ```
/// # fn main() -> Result<(), url::ParseError> {
/// use kubex_tls::is_near;
/// assert!(is_near(&"http://169.254.169.254/".parse()?, &[]));
/// assert!(!is_near(&"http://10.0.0.1/".parse()?, &[]));
/// assert!(is_near(&"http://[fd00:ec2::254]/".parse()?, &["fd00:ec2::254"]));
/// # Ok(())
/// # }
/// ```
pub fn is_near(address: &Url, others: &[&str]) -> bool {
    let is_known = address.host_str().is_some_and(|host| {
        let host = name(host);
        let is_link_local = matches!(host.parse(), Ok(IpAddr::V4(address)) if address.is_link_local());
        is_link_local || others.contains(&host)
    });
    is_known || is_this_machine(address)
}

/// Checks where a request for a cloud's credentials goes: over https anywhere, and never around an invalid proxy; over http
/// only to an address that [is near](is_near).
///
/// # Errors
/// `Refused`, or the error of [`Proxy::from_environment`].
pub fn check_destination(address: &Url, others: &[&str], host: &Host) -> Result<()> {
    if address.scheme() == "https" {
        return Proxy::from_environment(address, host).map(drop);
    }
    if is_near(address, others) {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Refused,
        "over http, a request is only sent to this machine and its metadata services",
    ))
}

/// Whether this is the machine itself: `localhost`, or a loopback address.
pub fn is_this_machine(address: &Url) -> bool {
    address.host_str().is_some_and(|host| {
        let host = name(host);
        host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
    })
}

/// The host without brackets.
fn name(host: &str) -> &str {
    host.trim_start_matches('[').trim_end_matches(']')
}

#[cfg(test)]
mod tests {
    use kubex_core::text::messages;

    use super::*;

    #[test]
    fn the_text_is_that_of_the_limit() {
        assert_eq!(LARGEST_RESPONSE_TEXT, format!("{} MiB", LARGEST_RESPONSE >> 20));
    }

    #[test]
    fn near_is_the_machine_and_what_it_offers() {
        for (address, is_here, near) in [
            ("http://127.0.0.1:1/token", true, true),
            ("http://localhost:42356/msi/token", true, true),
            ("http://[::1]/token", true, true),
            ("http://169.254.169.254/metadata", false, true),
            ("http://[fd00:ec2::254]/", false, true),
            ("http://metadata.google.internal/", false, true),
            ("http://[fd00:ec2::255]/", false, false),
            ("http://[fe80::1]/", false, false),
            ("http://10.0.0.1/", false, false),
            ("http://localhost.example.com/", false, false),
            ("http://127.0.0.1.example.com/", false, false),
            ("file:///etc/passwd", false, false),
        ] {
            let url: Url = address.parse().unwrap();
            let others = ["fd00:ec2::254", "metadata.google.internal"];
            assert_eq!(is_this_machine(&url), is_here, "{address}");
            assert_eq!(is_near(&url, &others), near, "{address}");
        }
    }

    #[test]
    fn a_request_for_credentials_leaves_the_machine_over_https_and_a_valid_proxy_only() {
        let host = Host::real()
            .with_variable("NO_PROXY", None::<&str>)
            .with_variable("no_proxy", None::<&str>);
        let check = |address: &str, host: &Host| check_destination(&address.parse().unwrap(), &[], host);
        check(
            "https://cloud.example/",
            &host.clone().with_variable("HTTPS_PROXY", None::<&str>),
        )
        .unwrap();
        check("http://169.254.169.254/token", &host).unwrap();
        let refused = check("http://cloud.example/", &host).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Refused);
        let host = host.with_variable("HTTPS_PROXY", Some("http://[s3cret"));
        let invalid = messages(&check("https://cloud.example/", &host).unwrap_err());
        assert!(invalid.contains("HTTPS_PROXY"), "{invalid}");
        assert!(!invalid.contains("s3cret"), "{invalid}");
    }
}
