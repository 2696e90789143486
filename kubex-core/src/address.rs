//! The parts of an `http` or `https` URL, as Go's `net/url` reads them.
//!
//! The crate `url` repairs an address as a browser does: a backslash becomes a slash, `https:/host` becomes `https://host`,
//! `127.1` becomes `127.0.0.1`, `loc%61lhost` becomes `localhost`. kubectl repairs nothing. Without this check, an
//! address that kubectl refuses would lead to a host that is not the one in the file.

use std::borrow::Cow;
use std::net::Ipv4Addr;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode, utf8_percent_encode};
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

/// What Go escapes in a fragment.
const ESCAPED_IN_A_FRAGMENT: &AsciiSet = &ESCAPED_IN_A_PATH
    .remove(b'?')
    .remove(b'!')
    .remove(b'(')
    .remove(b')')
    .remove(b'*');

/// What Go escapes in a user name or a password.
const ESCAPED_IN_A_USER: &AsciiSet = &ESCAPED_IN_A_PATH.add(b'/').add(b':').add(b'@');

/// The parts of an address, each as it is written.
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
    /// What follows the first `?`.
    pub(crate) query: Option<&'t str>,
    /// What follows the first `#`; empty if there is none.
    pub(crate) fragment: &'t str,
}

impl<'t> Address<'t> {
    /// Splits an address. The error is the end of a sentence: "the address ...".
    pub(crate) fn parse(text: &'t str) -> Result<Self, &'static str> {
        if text.contains(char::is_control) {
            return Err("contains a control character");
        }
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        let (text, query) = match text.split_once('?') {
            Some((text, query)) => (text, Some(query)),
            None => (text, None),
        };
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
            query,
            fragment,
        })
    }

    /// The address as Go's `URL.String` writes it, which is what kubectl passes to a plugin: the scheme in lower case, and
    /// the rest escaped by Go's rules only where it has to be.
    pub(crate) fn written_by_go(&self) -> String {
        let mut text = format!("{}://", self.scheme.to_ascii_lowercase());
        if let Some(user) = self.user {
            let (name, password) = match user.split_once(':') {
                Some((name, password)) => (name, Some(password)),
                None => (user, None),
            };
            text += &encoded_again(name, ESCAPED_IN_A_USER);
            if let Some(password) = password {
                text += ":";
                text += &encoded_again(password, ESCAPED_IN_A_USER);
            }
            text += "@";
        }
        text.extend(utf8_percent_encode(self.host, &AsciiSet::EMPTY));
        text += &encoded_where_needed(self.path, ESCAPED_IN_A_PATH);
        if let Some(query) = self.query {
            text += "?";
            text += query;
        }
        if !self.fragment.is_empty() {
            text += "#";
            text += &encoded_where_needed(self.fragment, ESCAPED_IN_A_FRAGMENT);
        }
        text
    }

    /// The address of a server as client-go hands it on: rewritten if it has a path, and otherwise as it is written
    /// (tools/clientcmd/client_config.go). The query and the fragment are dropped.
    pub(crate) fn handed_on<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if percent_decode_str(self.path).count() > 1 {
            let server = Self {
                query: None,
                fragment: "",
                ..*self
            };
            return server.written_by_go().into();
        }
        text.split(['?', '#']).next().unwrap_or(text).into()
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

/// A text of an address, decoded and encoded again.
fn encoded_again(text: &str, escaped: &'static AsciiSet) -> String {
    let decoded: Vec<u8> = percent_decode_str(text).collect();
    percent_encode(&decoded, escaped).to_string()
}

/// A text as it is written, if it contains only what may stand in a URL; otherwise decoded and encoded again (`net/url`,
/// `validEncoded`).
fn encoded_where_needed<'a>(text: &'a str, escaped: &'static AsciiSet) -> Cow<'a, str> {
    let may_stay = |c: char| "!$&'()*+,;=:@[]%".contains(c);
    let needs = |c: char| {
        let mut bytes = [0; 4];
        let text: &str = c.encode_utf8(&mut bytes);
        !may_stay(c) && Cow::from(utf8_percent_encode(text, escaped)) != text
    };
    if text.contains(needs) {
        encoded_again(text, escaped).into()
    } else {
        text.into()
    }
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
                query: Some("x"),
                fragment: "y",
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
    fn a_server_is_handed_on_as_by_client_go() {
        for (text, expected) in [
            ("https://127.0.0.1:1", "https://127.0.0.1:1"),
            ("HTTPS://LOCALHOST:1/?x", "HTTPS://LOCALHOST:1/"),
            ("HTTPS://LOCALHOST:1/a b?q", "https://LOCALHOST:1/a%20b"),
            ("https://127.0.0.1:1/a|b%2Fc", "https://127.0.0.1:1/a%7Cb/c"),
            ("https://127.0.0.1:1/a|b%41c/", "https://127.0.0.1:1/a%7CbAc/"),
            (
                "https://127.0.0.1:1/a'(b%41c//d/../e",
                "https://127.0.0.1:1/a'(b%41c//d/../e",
            ),
            ("https://127.0.0.1:1/\u{e4}", "https://127.0.0.1:1/%C3%A4"),
            ("https://127.0.0.1:1//", "https://127.0.0.1:1//"),
            ("https://127.0.0.1:01/a", "https://127.0.0.1:01/a"),
            ("https://localhost:/a", "https://localhost:/a"),
            ("https://127.0.0.1:1/[a]", "https://127.0.0.1:1/[a]"),
            ("https://127.0.0.1:1/[a] b", "https://127.0.0.1:1/%5Ba%5D%20b"),
            (
                "https://127.0.0.1:1/\"<>`{}^\\",
                "https://127.0.0.1:1/%22%3C%3E%60%7B%7D%5E%5C",
            ),
        ] {
            assert_eq!(Address::parse(text).unwrap().handed_on(text), expected, "{text}");
        }
    }

    #[test]
    fn a_proxy_is_written_as_by_go() {
        for (text, expected) in [
            ("http://127.0.0.1:80", "http://127.0.0.1:80"),
            ("HTTP://LOCALHOST:3128/path?q", "http://LOCALHOST:3128/path?q"),
            ("http://u:p%20w@h:1", "http://u:p%20w@h:1"),
            (
                "http://u%41:p%41$&+,;=!*()@h:1/",
                "http://uA:pA$&+,;=%21%2A%28%29@h:1/",
            ),
            ("http://h:1/a b#f g", "http://h:1/a%20b#f%20g"),
            ("http://h:1/%41|x?a b|c", "http://h:1/A%7Cx?a b|c"),
            ("http://u:@h:1", "http://u:@h:1"),
            ("http://:p@h:1", "http://:p@h:1"),
            ("http://@h:1", "http://@h:1"),
            ("socks5://[::ffff:127.0.0.1]:1", "socks5://[::ffff:127.0.0.1]:1"),
            ("http://h:", "http://h:"),
            ("http://h:1?", "http://h:1?"),
            ("http://h:1#", "http://h:1"),
            ("http://u':p~@h:1", "http://u%27:p~@h:1"),
            ("http://h:1?\u{e4}#\u{f6}%41|", "http://h:1?\u{e4}#%C3%B6A%7C"),
        ] {
            assert_eq!(Address::parse(text).unwrap().written_by_go(), expected, "{text}");
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
