//! Limits of the requests for tokens: the size of a response, and the addresses for which http is permitted.

use std::net::IpAddr;

use kubex_core::{Error, ErrorKind, Host, Proxy, Result};
use url::Url;

/// The maximum size of a response with a token, in bytes.
pub const LARGEST_RESPONSE: usize = 1024 * 1024;

/// [`LARGEST_RESPONSE`] as text, for errors such as `larger than 1 MiB`.
pub const LARGEST_RESPONSE_TEXT: &str = "1 MiB";

/// Returns whether the address is this machine, a link-local address, or one of `others`. Metadata services of clouds
/// have such addresses, and http is permitted for them. `others` contains the other names and addresses of a cloud's
/// metadata service; IPv6 addresses have no brackets.
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

/// Checks that a request for a cloud's credentials may be sent to this address. With https, it may be sent to any address,
/// if the proxy in the host's environment variables is valid. With http, it may only be sent to an address that
/// [is near](is_near).
///
/// # Errors
/// Returns [`ErrorKind::Refused`] for any other http address, or the error of [`Proxy::from_environment`].
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

/// Returns whether the address is `localhost` or a loopback address.
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
