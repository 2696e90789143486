//! The API server: its address, which certificates are accepted, and the proxy.
//!
//! A [`Cluster`] contains what a client needs to open a connection. It contains no identity. A provider usually returns
//! [options](crate::options::ClusterOptions) instead of a `Cluster`. The chain merges the overrides into them and
//! builds the cluster, so that the same checks apply to every source.
//!
//! ```
//! use kubex_core::{Cluster, ServerUrl, Trust};
//!
//! let mut cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1:6443")?);
//! assert!(matches!(cluster.trust, Trust::System));
//! cluster.tls_server_name = Some("kubernetes.default".to_owned());
//! # Ok::<(), kubex_core::Error>(())
//! ```

mod authority;
mod bundle_content;

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use percent_encoding::{AsciiSet, utf8_percent_encode};
use rustls_pki_types::CertificateDer;
use url::Url;

use crate::address::{Address, normal_path};
use crate::credential::ignored_blocks;
use crate::error::{Error, ErrorKind, Result};
use crate::pem::Subject;
use crate::placeholder::{FILL_IN, UNFILLED, is_unfilled};
use crate::proxy::Proxy;
use crate::request_path::stays_below;
use crate::text::{mask_address, sanitize_line};
use crate::value::Value;
use crate::warning::Warning;
use crate::x509::X509Certificate;

pub(crate) use authority::Authority;
use bundle_content::{BundleContent, shared_or_read};

/// An API server's address: `https://` or `http://`, a host, and an optional path that prefixes every request path.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    text: String,
    url: Url,
    /// The path without a slash at its end; empty for most servers.
    path: Box<str>,
}

/// Whether a host is written as a variable of a Windows shell: `%API_HOST%`.
fn is_percent_variable(host: &str) -> bool {
    let name = host.strip_prefix('%').and_then(|rest| rest.split_once('%'));
    name.is_some_and(|(name, _)| {
        name.len() > 2 && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

impl ServerUrl {
    /// Parses an address. Query and fragment are dropped. The path is normalized and escaped as by client-go.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] in these cases:
    ///
    /// - The scheme is missing, or is neither `https` nor `http`.
    /// - There is no host.
    /// - The address contains a user name or a password.
    /// - The address contains the placeholder of a template, such as `{{ .Server }}`.
    /// - Go's `net/url` rejects the address.
    ///
    /// ```
    /// use kubex_core::ServerUrl;
    /// assert_eq!(ServerUrl::parse("https://[fd00::1]:6443/k8s?x#y")?.as_str(), "https://[fd00::1]:6443/k8s");
    /// assert!(ServerUrl::parse("10.0.0.1:6443").unwrap_err().to_string().contains("https://"));
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Self> {
        let invalid = |why: &str| {
            Error::new(
                ErrorKind::InvalidValue,
                format_args!("the server's address {why}"),
            )
        };
        let authority = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
        let host = authority.rsplit('@').next().unwrap_or_default();
        if is_unfilled(text) || host.contains('$') || is_percent_variable(host) {
            return Err(invalid(UNFILLED).with_help(FILL_IN));
        }
        if text.contains("://") && !host.starts_with('[') && host.matches(':').count() > 1 {
            return Err(invalid("has an IPv6 address without brackets")
                .with_help("put the address in brackets, as in https://[fd00::1]:6443"));
        }
        let address = Address::parse(text).map_err(|why| match why {
            "has no scheme" => invalid(why).with_help("write https:// in front of it"),
            why => invalid(why).with_help("write it as https://host:port"),
        })?;
        if !address.scheme.eq_ignore_ascii_case("https") && !address.scheme.eq_ignore_ascii_case("http") {
            return Err(invalid("has a scheme other than https").with_help("write it as https://host:port"));
        }
        if address.user.is_some() {
            return Err(invalid("contains a user name or a password").with_help(
                "remove the user name and the password from the address, and set them as the credential",
            ));
        }
        let path = normal_path(address.path);
        let url = address
            .url(&path)
            .map_err(|why| invalid(&why).with_help("write it as https://host:port"))?;
        Ok(Self {
            text: address.handed_on(text).into_owned(),
            path: path.into(),
            url,
        })
    }

    /// Returns whether the address is `https://`. Kubex sends no credential to an `http://` server, unless the user allows it.
    pub fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Returns the address as text, without query and fragment. A path is escaped where necessary; the rest is as the user
    /// wrote it. client-go passes the same text to exec plugins.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host as it is written, without its port.
    pub(crate) fn written_host(&self) -> &str {
        let host = self.text.split_once("://").map_or("", |(_, rest)| rest);
        host.split([':', '/']).next().unwrap_or_default()
    }

    /// Returns the address as a URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Returns the URL of a request path: `/version` on `https://h/k8s` is `https://h/k8s/version`.
    ///
    /// ```
    /// use kubex_core::ServerUrl;
    ///
    /// let server = ServerUrl::parse("https://rancher.example/k8s/clusters/c-1")?;
    /// assert_eq!(server.join("/version")?.as_str(), "https://rancher.example/k8s/clusters/c-1/version");
    /// assert!(server.join("/../c-2/version").is_err());
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] for a path that leaves the path of the server, such as `/../x` or
    /// `/%2e%2e/x`.
    pub fn join(&self, path: &str) -> Result<Url> {
        self.check_path_below(path)?;
        let (path, query) = path.split_at(path.find(['?', '#']).unwrap_or(path.len()));
        let joined = format!(
            "{}/{}{query}",
            self.url.as_str().trim_end_matches('/'),
            utf8_percent_encode(path.trim_start_matches('/'), ESCAPED_IN_A_REQUEST)
        );
        Url::parse(&joined)
            .ok()
            .filter(|url| url.origin() == self.url.origin() && self.check_full_path(url.path()).is_ok())
            .ok_or_else(invalid_request_path)
    }

    /// Checks that a request path, such as `/version`, does not leave the server's own path. It allocates memory only for an
    /// error.
    ///
    /// # Errors
    /// The same as [`join`](Self::join).
    #[inline]
    pub fn check_path_below(&self, path: &str) -> Result<()> {
        if stays_below(path) {
            Ok(())
        } else {
            Err(invalid_request_path())
        }
    }

    /// Checks that the full path of a URL is below the server's own path.
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidValue`] if it is not.
    ///
    /// ```
    /// use kubex_core::ServerUrl;
    /// let server = ServerUrl::parse("https://rancher.example/k8s/clusters/c-1")?;
    /// assert!(server.check_full_path("/k8s/clusters/c-1/version").is_ok());
    /// assert!(server.check_full_path("/k8s/clusters/c-12/version").is_err());
    /// assert!(server.check_full_path("/k8s/clusters/c-1/../c-2/version").is_err());
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    #[inline]
    pub fn check_full_path(&self, path: &str) -> Result<()> {
        if self.path.is_empty() {
            return self.check_path_below(path);
        }
        match path.strip_prefix(&*self.path) {
            Some(below) if below.is_empty() || below.starts_with(['/', '?', '#']) => {
                self.check_path_below(below)
            }
            _ => Err(invalid_request_path()),
        }
    }
}

/// Characters that a URL's path must not contain (RFC 3986, 3.3), but that the crate `url` does not escape.
const ESCAPED_IN_A_REQUEST: &AsciiSet = &AsciiSet::EMPTY.add(b'[').add(b']').add(b'|').add(b'^');

fn invalid_request_path() -> Error {
    Error::new(ErrorKind::InvalidValue, "invalid request path")
        .with_help("use a path below the server's own path, such as /version")
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({self})")
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&sanitize_line(&mask_address(&self.text)))
    }
}

/// The server certificates that a client accepts.
///
/// A client must return an error for a variant that it does not know. If it used [`System`](Self::System) instead, it
/// would trust authorities that the configuration excludes.
///
/// ```
/// use kubex_core::Trust;
///
/// fn describe(trust: &Trust) -> Result<&'static str, &'static str> {
///     match trust {
///         Trust::System => Ok("the system's authorities"),
///         Trust::CaBundle(_) => Ok("the configuration's authorities"),
///         Trust::Insecure => Ok("any certificate"),
///         _ => Err("this client does not know this kind of trust"),
///     }
/// }
/// assert_eq!(describe(&Trust::System), Ok("the system's authorities"));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trust {
    /// Certificates that are signed by a certificate authority of the operating system.
    System,
    /// Only certificates that are signed by one of these certificate authorities.
    CaBundle(CaBundle),
    /// All certificates. A host that impersonates the server can read the credential, so use this variant for tests
    /// only.
    Insecure,
}

impl Trust {
    /// Returns the id of the kind of trust: `system`, `ca-bundle` or `insecure`.
    pub fn id(&self) -> &'static str {
        match self {
            Self::System => "system",
            Self::CaBundle(_) => "ca-bundle",
            Self::Insecure => "insecure",
        }
    }
}

/// A set of certificate authorities, as PEM and as parsed certificates.
///
/// A bundle may also contain a server's own certificate. As in kubectl, a server that presents exactly this certificate is
/// accepted.
///
/// A bundle is immutable. [`LiveTrust`](crate::LiveTrust) rereads a CA file and returns the current bundle.
///
/// ```
/// use kubex_core::{CaBundle, ErrorKind};
///
/// let error = CaBundle::from_pem(b"not a certificate").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidPem);
/// ```
#[derive(Clone)]
pub struct CaBundle(Arc<BundleContent>);

impl CaBundle {
    /// Parses certificate authorities from PEM. Blocks that are not certificates are skipped, as in Go.
    /// [`warnings`](Self::warnings) reports the skipped blocks.
    ///
    /// ```
    /// use kubex_core::CaBundle;
    ///
    /// # let pem = kubex_core::faults::CERTIFICATE;
    /// let bundle = CaBundle::from_pem(pem.as_bytes())?;
    /// assert_eq!(bundle.certificates().len(), 1);
    /// for warning in bundle.warnings(std::time::SystemTime::now()) {
    ///     eprintln!("{warning}");
    /// }
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    ///
    /// # Errors
    /// Returns [`ErrorKind::InvalidPem`] if the text contains no valid certificate.
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        Self::read(pem, Subject::AUTHORITY)
    }

    /// As [`from_pem`](Self::from_pem), with the name of the text in errors.
    pub(crate) fn read(pem: &[u8], subject: Subject<'_>) -> Result<Self> {
        shared_or_read(pem, subject).map(Self)
    }

    /// Returns warnings about PEM blocks that are not used, and about authorities that are not trusted at the time `now`, for
    /// example because they have expired.
    pub fn warnings(&self, now: SystemTime) -> Vec<Warning> {
        let mut warnings = ignored_blocks(&self.0.ignored);
        let certificates = self.0.certificates.iter().zip(&self.0.authorities).enumerate();
        // Only the reported certificates are parsed again, for their names.
        let reported = certificates.filter_map(|(index, (certificate, authority))| {
            let problem = authority.problem(now)?;
            let name = X509Certificate::read(certificate).ok()?.subject_text();
            Some(problem.warning(index + 1, &name))
        });
        warnings.extend(reported.take(MAX_REPORTED));
        warnings
    }

    /// Returns a bundle without any certificate authority. With it, no server certificate is accepted.
    pub(crate) fn empty() -> Self {
        Self(Arc::default())
    }

    /// Whether both share the same text in memory, as equal bundles do.
    pub(crate) fn is_identical(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Returns a number for a [sharing key](crate::credentials::SharingKey), which takes less time than the text. Two
    /// bundles that exist at the same time have the same number exactly if they have the same text.
    pub fn number(&self) -> u64 {
        self.0.number
    }

    /// Returns the PEM text.
    pub fn pem(&self) -> &[u8] {
        &self.0.pem
    }

    /// Returns the parsed certificates.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.0.certificates
    }
}

/// How many unusable authorities of one bundle are reported.
const MAX_REPORTED: usize = 8;

impl fmt::Debug for CaBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaBundle")
            .field("certificates", &self.certificates().len())
            .finish_non_exhaustive()
    }
}

/// The API server of a configuration, and how to reach it.
///
/// Create a cluster with [`new`](Self::new), and then set the fields that differ from the defaults.
///
/// What happens if a client ignores a field:
///
/// | field | a client that ignores the field |
/// |---|---|
/// | `server` | connects to the wrong host |
/// | `trust` | trusts authorities that the configuration excludes |
/// | `tls_server_name` | fails behind a load balancer or a tunnel |
/// | `proxy` | does not reach the server |
/// | `disable_compression` | works, but uses more CPU time on a fast network |
/// | `extensions` | works; only exec plugins read the extensions |
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cluster {
    /// The server's address.
    pub server: ServerUrl,
    /// The server certificates that a client accepts.
    pub trust: Trust,
    /// The name that the server's certificate must contain, and that is sent as SNI. `None` means the host of the
    /// address.
    pub tls_server_name: Option<String>,
    /// The proxy; `None` for a direct connection.
    pub proxy: Option<Proxy>,
    /// Whether to request uncompressed responses.
    pub disable_compression: bool,
    /// The extensions that a kubeconfig attaches to the cluster, by name. An exec plugin receives the extension named
    /// `client.authentication.k8s.io/exec`.
    pub extensions: Vec<(String, Value)>,
}

impl Cluster {
    /// Creates a cluster that trusts the authorities of the operating system and has no proxy. The other fields have their
    /// defaults.
    pub fn new(server: ServerUrl) -> Self {
        Self {
            server,
            trust: Trust::System,
            tls_server_name: None,
            proxy: None,
            disable_compression: false,
            extensions: Vec::new(),
        }
    }
}
