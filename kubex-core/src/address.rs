//! The parts of an `http` or `https` URL, as Go's `net/url` reads them.
//!
//! The crate `url` repairs an address as a browser does: a backslash becomes a slash, `https:/host` becomes `https://host`,
//! `127.1` becomes `127.0.0.1`, `loc%61lhost` becomes `localhost`. kubectl repairs nothing. Without this check, an
//! address that kubectl refuses would lead to a host that is not the one in the file.

use std::net::Ipv4Addr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use url::{Host, Url};

/// What Go escapes in a path (`net/url`, `shouldEscape`).
const ESCAPED_IN_A_PATH: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b',')
    .remove(b'/')
    .remove(b':')
    .remove(b';')
    .remove(b'=')
    .remove(b'@');

/// The parts of an address, each as it is written. The query is not kept, nor is the fragment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Address<'t> {
    /// `https`, in the case in which it is written.
    pub(crate) scheme: &'t str,
    /// User name and password, up to the last `@`.
    pub(crate) user: Option<&'t str>,
    /// Host and port.
    pub(crate) host: &'t str,
    /// The path, with its first slash; empty if there is none.
    pub(crate) path: &'t str,
}

impl<'t> Address<'t> {
    /// Splits an address. The error is the end of a sentence: "the address ...".
    pub(crate) fn parse(text: &'t str) -> Result<Self, &'static str> {
        if text.contains(char::is_control) {
            return Err("contains a control character");
        }
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        let text = text.split('?').next().unwrap_or(text);
        let (scheme, rest) = text.split_once("://").ok_or("has no scheme")?;
        if !scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
        {
            return Err("has an invalid scheme");
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let (user, host) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, authority),
        };
        if host.contains(char::is_whitespace) {
            return Err("contains white space");
        }
        if host.contains('\\') {
            return Err("contains a backslash");
        }
        if user.is_some_and(|user| !user.chars().all(may_be_in_a_user)) {
            return Err("contains a character that must be percent-encoded in a user name or password");
        }
        if ![user.unwrap_or_default(), path, fragment]
            .into_iter()
            .all(has_valid_escapes)
        {
            return Err("contains a percent sign that is not followed by two hexadecimal digits");
        }
        if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            if address.contains('%') {
                return Err("contains a zone of an IPv6 address, which is not supported");
            }
        } else if host.contains('%') {
            return Err("contains a percent-encoded host");
        } else if host.matches(':').count() > 1 {
            return Err("contains an IPv6 address that is not in brackets");
        }
        Ok(Self {
            scheme,
            user,
            host,
            path,
        })
    }

    /// The URL of the address, with this path.
    pub(crate) fn url(&self, path: &str) -> Result<Url, String> {
        let Self { scheme, host, .. } = self;
        if host.split(':').next().is_none_or(str::is_empty) {
            return Err("has no host".to_owned());
        }
        let user = self.user.map(|user| format!("{user}@")).unwrap_or_default();
        let url = Url::parse(&format!("{scheme}://{user}{host}{path}"))
            .map_err(|error| format!("is not a valid URL: {error}"))?;
        let name = host.rsplit_once(':').map_or(*host, |(name, _)| name);
        if let Some(Host::Ipv4(_)) = url.host()
            && name.parse::<Ipv4Addr>().is_err()
        {
            return Err("contains an IPv4 address that is not four decimal numbers".to_owned());
        }
        Ok(url)
    }
}

/// A server's path as client-go sends it: decoded, without empty, `.` and `..` segments, without a slash at its end, and
/// encoded by Go's rules. Empty for the root.
pub(crate) fn normal_path(path: &str) -> String {
    let decoded: Vec<u8> = percent_decode_str(path).collect();
    let mut segments: Vec<&[u8]> = Vec::new();
    for segment in decoded.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let segments = segments
        .into_iter()
        .map(|segment| format!("/{}", percent_encode(segment, ESCAPED_IN_A_PATH)));
    segments.collect()
}

/// The characters of Go's `validUserinfo`.
fn may_be_in_a_user(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._:~!$&'()*+,;=%@".contains(c)
}

fn has_valid_escapes(text: &str) -> bool {
    let mut escapes = text.split('%').skip(1);
    escapes.all(|after| {
        let mut digits = after.bytes();
        [digits.next(), digits.next()]
            .into_iter()
            .all(|digit| digit.is_some_and(|digit| digit.is_ascii_hexdigit()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_split_as_it_is_written() {
        let address = Address::parse("HTTPS://u:p@h:6443/a b?x#y").unwrap();
        assert_eq!(
            address,
            Address {
                scheme: "HTTPS",
                user: Some("u:p"),
                host: "h:6443",
                path: "/a b",
            }
        );
        assert_eq!(address.url("/a").unwrap().as_str(), "https://u:p@h:6443/a");
    }

    #[test]
    fn what_go_refuses_is_not_repaired() {
        for text in [
            "h:6443",
            "https:h:6443",
            "https:/h",
            "https:\\\\h",
            " https://h",
            "https://h\\a",
            "https://h /a",
            "https://h/a%",
            "https://h/a%zz",
            "https://h/#%z",
            "https://loc%61lhost",
            "https://::1:6443",
            "https://[fe80::1%25eth0]",
            "https://u:p w@h",
            "https://u%zz@h",
            "https://h\t/a",
            "https://h/\u{85}",
        ] {
            assert!(Address::parse(text).is_err(), "{text}");
        }
        for text in [
            "https:///h",
            "https://:6443",
            "https://127.1",
            "https://0x7f000001:1",
        ] {
            let address = Address::parse(text).unwrap();
            assert!(address.url("").is_err(), "{text}");
        }
        for text in [
            "https://127.0.0.1",
            "https://[::1]:1",
            "https://h:",
            "https://1h:2",
        ] {
            let address = Address::parse(text).unwrap();
            assert!(address.url("").is_ok(), "{text}");
        }
    }

    #[test]
    fn a_path_is_normal_as_client_go_sends_it() {
        for (path, expected) in [
            ("", ""),
            ("/", ""),
            ("//", ""),
            ("/a/", "/a"),
            ("/a//b", "/a/b"),
            ("/a%2Fb", "/a/b"),
            ("/%41", "/A"),
            ("/a/../b", "/b"),
            ("/%2e%2e/b", "/b"),
            ("/a[b]|^", "/a%5Bb%5D%7C%5E"),
            ("/a b\\", "/a%20b%5C"),
            ("/ä%ff", "/%C3%A4%FF"),
            ("/a;b=c:d@e!$&'()*+,", "/a;b=c:d@e%21$&%27%28%29%2A+,"),
            ("/a%3Fb%252e", "/a%3Fb%252e"),
        ] {
            assert_eq!(normal_path(path), expected, "{path}");
        }
    }
}
