//! The API server: where it is, how it is trusted, and how it is reached.

use std::fmt;
use std::sync::Arc;

use rustls_pki_types::CertificateDer;
use url::Url;

use crate::credential::certificates_in;
use crate::error::{Error, ErrorKind, Result};
use crate::proxy::Proxy;
use crate::request_path::stays_below;
use crate::value::Value;

/// An API server's address: `https://` or `http://`, a host, and a path that prefixes every request's. It
/// keeps the text as it was written, because an exec plugin is told that very text.
#[derive(Clone, PartialEq, Eq)]
pub struct ServerUrl {
    text: String,
    url: Url,
}

impl ServerUrl {
    /// Reads an address. Query and fragment are dropped.
    ///
    /// # Errors
    /// `InvalidValue` without a scheme, with another scheme, or with a user name or password in it.
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
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(invalid("has white space or a control character in it"));
        }
        if !text.contains("://") {
            return Err(invalid("has no scheme").with_help("write https:// in front of it"));
        }
        let text = text.split(['?', '#']).next().unwrap_or(text);
        let url = Url::parse(text).map_err(|error| invalid(&format!("is no URL: {error}")))?;
        if !matches!(url.scheme(), "https" | "http") {
            return Err(invalid("has a scheme other than https").with_help("write https:// in front of it"));
        }
        if url.host_str().is_none_or(str::is_empty) {
            return Err(invalid("has no host"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(invalid("has a user name or password in it")
                .with_help("set them as the user's, not the server's"));
        }
        Ok(Self {
            text: text.to_owned(),
            url,
        })
    }

    /// Whether what is sent there is encrypted. No credential goes to a server where it is not.
    pub fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// The address as it was written, without query and fragment.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The address as a URL.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The URL of a path on this server, below its own path: `/version` on `https://h/k8s` is
    /// `https://h/k8s/version`.
    ///
    /// # Errors
    /// `InvalidValue` for a path that leaves the server's own, such as `/../x` or `/%2e%2e/x`.
    pub fn join(&self, path: &str) -> Result<Url> {
        self.check_path_below(path)?;
        let joined = format!(
            "{}/{}",
            self.url.as_str().trim_end_matches('/'),
            path.trim_start_matches('/')
        );
        Url::parse(&joined)
            .ok()
            .filter(|url| url.origin() == self.url.origin() && self.check_full_path(url.path()).is_ok())
            .ok_or_else(invalid_request_path)
    }

    /// Checks a request's path which is yet to be put below the server's own.
    ///
    /// # Errors
    /// As [`join`](Self::join), without an allocation where there is none.
    pub fn check_path_below(&self, path: &str) -> Result<()> {
        if stays_below(path) {
            Ok(())
        } else {
            Err(invalid_request_path())
        }
    }

    /// Checks the whole path of a URL on this server: it begins with the server's own path and stays below it.
    ///
    /// # Errors
    /// `InvalidValue` where it does not.
    ///
    /// ```
    /// use kubex_core::ServerUrl;
    /// let server = ServerUrl::parse("https://rancher.example/k8s/clusters/c-1")?;
    /// assert!(server.check_full_path("/k8s/clusters/c-1/version").is_ok());
    /// assert!(server.check_full_path("/k8s/clusters/c-12/version").is_err());
    /// assert!(server.check_full_path("/k8s/clusters/c-1/../c-2/version").is_err());
    /// # Ok::<(), kubex_core::Error>(())
    /// ```
    pub fn check_full_path(&self, path: &str) -> Result<()> {
        let own = self.url.path().trim_end_matches('/');
        match path.strip_prefix(own) {
            Some(below) if below.is_empty() || below.starts_with(['/', '?', '#']) => {
                self.check_path_below(below)
            }
            _ => Err(invalid_request_path()),
        }
    }
}

fn invalid_request_path() -> Error {
    Error::new(ErrorKind::InvalidValue, "invalid request path")
        .with_help("use a path that stays below the server's own, such as /version")
}

impl fmt::Debug for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerUrl({self})")
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::text::clean_line(&self.text))
    }
}

/// Whose certificate is accepted from the server.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Trust {
    /// One that the system's own authorities signed.
    System,
    /// One that these authorities signed, and no other.
    CaBundle(CaBundle),
    /// Any certificate: whoever answers gets the credential. For a laboratory.
    Insecure,
}

/// Certificate authorities, as PEM and as certificates.
#[derive(Clone)]
pub struct CaBundle {
    pem: Arc<[u8]>,
    certificates: Arc<[CertificateDer<'static>]>,
}

impl CaBundle {
    /// Reads authorities from PEM.
    ///
    /// # Errors
    /// `InvalidPem` where it holds none.
    pub fn from_pem(pem: &[u8]) -> Result<Self> {
        let certificates = certificates_in(pem, "the certificate authority")?;
        Ok(Self {
            pem: pem.into(),
            certificates: certificates.into(),
        })
    }

    /// No authority at all: no certificate is accepted.
    pub(crate) fn empty() -> Self {
        Self {
            pem: Arc::from([]),
            certificates: Arc::from([]),
        }
    }

    /// Whether both are the very same text in memory.
    pub(crate) fn is_identical(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pem, &other.pem)
    }

    /// The text they were read from.
    pub fn pem(&self) -> &[u8] {
        &self.pem
    }

    /// The certificates.
    pub fn certificates(&self) -> &[CertificateDer<'static>] {
        &self.certificates
    }
}

impl fmt::Debug for CaBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CaBundle")
            .field("certificates", &self.certificates.len())
            .finish_non_exhaustive()
    }
}

/// The API server a configuration leads to, and how to reach it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Cluster {
    /// Its address.
    pub server: ServerUrl,
    /// Whose certificate is accepted.
    pub trust: Trust,
    /// The name its certificate is checked for, and that is sent as SNI, where it is not the address's.
    pub tls_server_name: Option<String>,
    /// The proxy on the way.
    pub proxy: Option<Proxy>,
    /// Whether answers are asked for uncompressed.
    pub disable_compression: bool,
    /// What a kubeconfig attached to the cluster, by name; an exec plugin is told of its own.
    pub extensions: Vec<(String, Value)>,
}

impl Cluster {
    /// A server with the system's trust and nothing special on the way.
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
