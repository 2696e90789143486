//! The proxy to the API server, from the configuration or from environment variables.
//!
//! The variables follow the rules of Go's `golang.org/x/net/http/httpproxy`, which client-go uses:
//!
//! | variable | meaning |
//! |---|---|
//! | `HTTPS_PROXY`, else `https_proxy` | the proxy for an `https://` server; the default scheme is `http://` |
//! | `HTTP_PROXY`, else `http_proxy` | the same for an `http://` server |
//! | `NO_PROXY`, else `no_proxy` | a comma-separated list of hosts that are reached without a proxy |
//!
//! | element of `NO_PROXY` | matches |
//! |---|---|
//! | `*` | everything |
//! | `example.com` | that host and its subdomains |
//! | `.example.com`, `*.example.com` | its subdomains only |
//! | `10.0.0.0/8`, `fd00::/8` | addresses in that range |
//! | `10.0.0.1`, `[fd00::1]`, `fd00::1` | that address |
//! | any host or address with `:port` | the same, on that port only |
//!
//! `localhost` and loopback addresses never use a proxy from the environment. An IPv4 address that is written as IPv6
//! (`::ffff:10.0.0.1`) counts as the IPv4 address. In a CGI program, in which `REQUEST_METHOD` is set, `HTTP_PROXY` is
//! an error, because its value may come from the header `Proxy` of a request.
//!
//! ```
//! use kubex_core::{Host, Proxy, ServerUrl};
//!
//! let host = Host::real()
//!     .with_variable("HTTPS_PROXY", Some("proxy.example:3128"))
//!     .with_variable("NO_PROXY", Some(".internal,10.0.0.0/8"));
//! let proxy_of = |server: &str| -> kubex_core::Result<Option<String>> {
//!     let server = ServerUrl::parse(server)?;
//!     let proxy = Proxy::from_environment(server.url(), &host)?;
//!     Ok(proxy.map(|proxy| proxy.to_string()))
//! };
//! assert_eq!(proxy_of("https://prod.example:6443")?.as_deref(), Some("http://proxy.example:3128/"));
//! assert_eq!(proxy_of("https://api.internal")?, None);
//! assert_eq!(proxy_of("https://10.1.2.3")?, None);
//! # Ok::<(), kubex_core::Error>(())
//! ```

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use secrecy::ExposeSecret;
use url::{Host as UrlHost, Url};

use crate::address::Address;
use crate::error::{Error, ErrorKind, Result};
use crate::host::Host;
use crate::origin::Origin;
use crate::secret::SecretString;
use crate::text::sanitize_line;

const FOR_HTTPS: [&str; 2] = ["HTTPS_PROXY", "https_proxy"];
const FOR_HTTP: [&str; 2] = ["HTTP_PROXY", "http_proxy"];
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// A proxy to the API server. Its URL may contain a password, which `Debug` and `Display` do not show.
#[derive(Clone)]
pub struct Proxy(Arc<Parts>);

/// The parts of a proxy. Most clusters have no proxy, so the parts are in a separate allocation.
#[derive(Clone)]
struct Parts {
    url: Url,
    /// The URL as Go writes it, which keeps a default port and the case of the host.
    text: SecretString,
    /// The decoded password of the URL, so that it is hidden in every text while the proxy exists.
    password: Option<SecretString>,
    variable: Option<&'static str>,
}

impl PartialEq for Proxy {
    fn eq(&self, other: &Self) -> bool {
        (&self.0.url, self.0.variable) == (&other.0.url, other.0.variable)
    }
}

impl Eq for Proxy {}

impl Proxy {
    /// Parses a proxy's URL.
    ///
    /// ```
    /// use kubex_core::Proxy;
    ///
    /// let proxy = Proxy::parse("http://jane:s3cret-7@proxy.example:3128")?;
    /// assert!(!proxy.to_string().contains("s3cret-7"));
    /// assert!(Proxy::parse("ftp://proxy.example").is_err());
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if there is no host, or if the scheme is not `http`, `https`, `socks5` or
    /// `socks5h`. client-go accepts the first three (`tools/clientcmd/helpers.go`).
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = || {
            Error::new(
                ErrorKind::InvalidValue,
                "the proxy's URL is not valid: expected http, https, socks5 or socks5h, and a host",
            )
            .with_help("write it as http://host:port")
        };
        // A proxy's URL has no path. A path with an `@` is the rest of a password that contains a slash.
        let behind_host = text
            .split_once("://")
            .and_then(|(_, rest)| rest.find(['/', '?', '#']).and_then(|end| rest.get(end..)));
        if behind_host.is_some_and(|rest| rest.contains('@')) {
            return Err(Error::new(
                ErrorKind::InvalidValue,
                "the proxy's URL is not valid: the user name or the password contains \"/\", \"?\" or \"#\"",
            )
            .with_help("write \"/\" as %2F, \"?\" as %3F and \"#\" as %23"));
        }
        let address = Address::parse(text).map_err(|_| invalid())?;
        let url = address.url(address.path).map_err(|_| invalid())?;
        if !matches!(url.scheme(), "http" | "https" | "socks5" | "socks5h")
            || url.host_str().is_none_or(str::is_empty)
        {
            return Err(invalid());
        }
        let password = url.password().map(|password| {
            let decoded = percent_decode_str(password).decode_utf8_lossy();
            SecretString::from(&*decoded)
        });
        Ok(Self(Arc::new(Parts {
            url,
            text: SecretString::unlisted(address.written_by_go()),
            password,
            variable: None,
        })))
    }

    /// The environment variables that [`from_environment`](Self::from_environment) reads. To recognize a CGI program,
    /// that function also reads `REQUEST_METHOD`.
    pub const VARIABLES: [&'static str; 6] = [
        FOR_HTTPS[0],
        FOR_HTTPS[1],
        FOR_HTTP[0],
        FOR_HTTP[1],
        EXCEPTIONS[0],
        EXCEPTIONS[1],
    ];

    /// Returns the proxy that the environment variables define for this address. `None` means a direct connection.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidValue`]: a variable contains an invalid proxy URL.
    /// - [`ErrorKind::Refused`]: `HTTP_PROXY` is set in a CGI program.
    pub fn from_environment(address: &Url, host: &Host) -> Result<Option<Self>> {
        let environment = host.environment();
        let names = if address.scheme() == "https" {
            FOR_HTTPS
        } else {
            FOR_HTTP
        };
        let [no_proxy, in_lowercase] = EXCEPTIONS;
        for name in names {
            let Some(text) = environment.unicode(name)? else {
                continue;
            };
            if address.scheme() == "http" && environment.unicode("REQUEST_METHOD")?.is_some() {
                let message =
                    "HTTP_PROXY is not used in a CGI program, in which it may come from a request's header";
                return Err(Error::new(ErrorKind::Refused, message)
                    .with_origin(&Origin::variable(name))
                    .with_help("set \"proxy-url\", or unset the variable"));
            }
            let exceptions = match environment.unicode(no_proxy)? {
                Some(list) => list,
                None => environment.unicode(in_lowercase)?.unwrap_or_default(),
            };
            if is_reached_directly(address, &exceptions) {
                return Ok(None);
            }
            let proxy = if text.contains("://") {
                Self::parse(&text)
            } else {
                Self::parse(&format!("http://{text}"))
            };
            let mut proxy = proxy.map_err(|error| error.with_origin(&Origin::variable(name)))?;
            Arc::make_mut(&mut proxy.0).variable = Some(name);
            return Ok(Some(proxy));
        }
        Ok(None)
    }

    /// Returns the complete URL. It may contain a password, so do not print it.
    pub fn expose_url(&self) -> &Url {
        &self.0.url
    }

    /// Returns the complete URL as kubectl passes it to an exec plugin. It may contain a password, so do not print it.
    pub fn expose_text(&self) -> &str {
        self.0.text.expose_secret()
    }

    /// Returns the decoded password of the URL; `None` if it contains none.
    pub fn password(&self) -> Option<&SecretString> {
        self.0.password.as_ref()
    }

    /// Returns the environment variable that defines the proxy; `None` if the configuration defines it. Only a proxy of
    /// the configuration is passed to an exec plugin, because the plugin reads the environment variables itself.
    pub fn variable(&self) -> Option<&'static str> {
        self.0.variable
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut url = self.0.url.clone();
        if !url.username().is_empty() || url.password().is_some() {
            // Neither call fails for a URL with a host, which `parse` has checked.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        url.set_query(None);
        url.set_fragment(None);
        url.set_path("");
        f.write_str(&sanitize_line(url.as_str()))
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// Whether the server is a loopback address or matches the list of exceptions.
fn is_reached_directly(server: &Url, exceptions: &str) -> bool {
    let Some(host) = server.host() else { return false };
    let address = match host {
        UrlHost::Domain(_) => None,
        UrlHost::Ipv4(address) => Some(IpAddr::V4(address)),
        UrlHost::Ipv6(address) => Some(IpAddr::V6(address).to_canonical()),
    };
    // An address is also compared with the domains, by its text.
    let name = match (host, address) {
        (UrlHost::Domain(name), _) => name.to_ascii_lowercase(),
        (_, Some(address)) => address.to_string(),
        (_, None) => return false,
    };
    let is_loopback = address.map_or(name == "localhost", |address| address.is_loopback());
    let port = server.port_or_known_default();
    is_loopback
        || exceptions
            .split(',')
            .map(str::trim)
            .filter(|element| !element.is_empty())
            .any(|element| is_exempt(&name, address, port, element))
}

fn is_exempt(name: &str, address: Option<IpAddr>, port: Option<u16>, element: &str) -> bool {
    if element == "*" {
        return true;
    }
    if let Some((network, length)) = element.split_once('/')
        && let (Ok(network), Ok(length)) = (network.parse::<IpAddr>(), length.parse())
    {
        return address.is_some_and(|address| is_within(address, network, length));
    }
    let (element, only_port) = split_port(element);
    if only_port.is_some() && only_port != port {
        return false;
    }
    if let Ok(exempt) = element.parse::<IpAddr>() {
        return address == Some(exempt.to_canonical());
    }
    let element = element.to_ascii_lowercase();
    let domain = element
        .strip_prefix('*')
        .filter(|rest| rest.starts_with('.'))
        .unwrap_or(&element);
    match domain.strip_prefix('.') {
        Some(domain) => is_below(name, domain),
        None => name == domain || is_below(name, domain),
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.'))
}

/// Splits an element into host and port: `host:443`, `[fd00::1]:443`. A bare IPv6 address has no port.
fn split_port(element: &str) -> (&str, Option<u16>) {
    if let Some(rest) = element.strip_prefix('[')
        && let Some((address, port)) = rest.split_once(']')
    {
        return (address, port.strip_prefix(':').and_then(|port| port.parse().ok()));
    }
    match element.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => match port.parse() {
            Ok(port) => (host, Some(port)),
            Err(_) => (element, None),
        },
        _ => (element, None),
    }
}

fn is_within(address: IpAddr, network: IpAddr, length: u32) -> bool {
    let bits = |address: IpAddr| match address {
        IpAddr::V4(address) => (u128::from(u32::from(address)) << 96, 32),
        IpAddr::V6(address) => (u128::from(address), 128),
    };
    let ((address, width), (network, network_width)) = (bits(address), bits(network));
    let beyond = 128_u32.checked_sub(length).filter(|_| length <= width);
    match beyond {
        Some(_) if width != network_width => false,
        Some(128) => true,
        Some(beyond) => address >> beyond == network >> beyond,
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_direct(server: &str, exceptions: &str) -> bool {
        is_reached_directly(&Url::parse(server).unwrap(), exceptions)
    }

    #[test]
    fn no_proxy_is_matched_as_go_does() {
        for (server, exceptions) in [
            ("https://localhost:6443", ""),
            ("https://127.3.2.1", ""),
            ("https://[::1]:6443", ""),
            ("https://api.example.com", "*"),
            ("https://api.example.com", "other,example.com,,"),
            ("https://example.com", "EXAMPLE.com"),
            ("https://api.example.com", ".example.com"),
            ("https://api.example.com", "*.example.com"),
            ("https://api.example.com:6443", "example.com:6443"),
            ("https://api.example.com", "example.com:443"),
            ("https://10.1.2.3:6443", "10.0.0.0/8"),
            ("https://10.1.2.3:6443", "0.0.0.0/0"),
            ("https://10.1.2.3:6443", "10.1.2.3"),
            ("https://10.1.2.3:6443", "10.1.2.3:6443"),
            ("https://[fd00::1]:6443", "fd00::/8"),
            ("https://[fd00::1]:6443", "fd00::1"),
            ("https://[fd00::1]:6443", " [fd00::1]:6443 "),
            ("https://[::ffff:127.0.0.1]:6443", ""),
            ("https://[::ffff:10.1.2.3]", "10.1.2.3"),
            ("https://10.1.2.3", "::ffff:10.1.2.3"),
            ("https://[::ffff:10.1.2.3]", "10.0.0.0/8"),
            ("https://10.1.2.3", ".2.3"),
        ] {
            assert!(is_direct(server, exceptions), "{server} {exceptions}");
        }
        for (server, exceptions) in [
            ("https://api.example.com", ""),
            ("https://example.com", ".example.com"),
            ("https://badexample.com", "example.com"),
            ("https://api.example.com", "example.com:6443"),
            ("https://10.1.2.3", "10.1.0.0/24"),
            ("https://10.1.2.3", "10.1.2.3/33"),
            ("https://10.1.2.3", "fd00::/0"),
            ("https://api.example.com", "10.0.0.0/8"),
            ("https://10.1.2.30", "10.1.2.3"),
            ("https://10.1.2.3", "0.1.2.3"),
        ] {
            assert!(!is_direct(server, exceptions), "{server} {exceptions}");
        }
    }
}
