//! The names under which a server may be connected to, and the name that its certificate is checked against.

use std::net::IpAddr;

use ::rustls::pki_types::ServerName;
use kubex_core::{Cluster, Error, ErrorKind, Result};

/// The names of one cluster's server, and of an `https://` proxy on the way to it.
#[derive(Clone, Debug)]
pub(crate) struct Names {
    /// The name that the certificate is checked against.
    checked: ServerName<'static>,
    /// The host of the address; the same as `checked` unless there is a `tls-server-name`.
    host: ServerName<'static>,
    proxy: Option<ServerName<'static>>,
}

impl Names {
    pub(crate) fn new(cluster: &Cluster) -> Result<Self> {
        let host = cluster.server.url().host_str().unwrap_or_default();
        Ok(Self {
            checked: server_name(cluster)?,
            host: parse(host, "the server's address has no host")?,
            proxy: None,
        })
    }

    /// Like [`new`](Self::new), for a configuration that also connects to an `https://` proxy.
    #[cfg(any(feature = "reqwest", feature = "hyper"))]
    pub(crate) fn with_proxy(cluster: &Cluster) -> Result<Self> {
        let mut names = Self::new(cluster)?;
        names.proxy = cluster
            .proxy
            .as_ref()
            .map(kubex_core::Proxy::expose_url)
            .filter(|url| url.scheme() == "https")
            .map(|url| parse(url.host_str().unwrap_or_default(), "the proxy's URL has no host"))
            .transpose()?;
        Ok(names)
    }

    /// The name to check the certificate against, for a connection to this server name; `None` for a server that is
    /// not the cluster's.
    pub(crate) fn to_check<'a>(&'a self, connected: &ServerName<'_>) -> Option<&'a ServerName<'static>> {
        if *connected == self.checked {
            return Some(&self.checked);
        }
        match &self.proxy {
            Some(proxy) if connected == proxy => Some(proxy),
            _ => (*connected == self.host).then_some(&self.checked),
        }
    }
}

/// The name that is sent as SNI and that the certificate is checked against. An IPv4 address that is written as IPv6 is
/// checked as that IPv4 address, as in Go.
pub(crate) fn server_name(cluster: &Cluster) -> Result<ServerName<'static>> {
    let name = match &cluster.tls_server_name {
        Some(name) => parse(name, "the TLS server name is not a valid host name"),
        None => parse(
            cluster.server.url().host_str().unwrap_or_default(),
            "the server's address has no host",
        ),
    }?;
    Ok(match name {
        ServerName::IpAddress(address) => IpAddr::from(address).to_canonical().into(),
        name => name,
    })
}

/// Parses a host. An IPv6 address has brackets only in a URL.
pub(crate) fn parse(host: &str, complaint: &str) -> Result<ServerName<'static>> {
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    ServerName::try_from(bare.to_owned()).map_err(|_| Error::new(ErrorKind::InvalidValue, complaint))
}

#[cfg(test)]
mod tests {
    use kubex_core::ServerUrl;

    use super::*;

    fn name(name: &'static str) -> ServerName<'static> {
        ServerName::try_from(name).unwrap()
    }

    fn names(server: &str, tls_server_name: Option<&str>) -> Names {
        let mut cluster = Cluster::new(ServerUrl::parse(server).unwrap());
        cluster.tls_server_name = tls_server_name.map(str::to_owned);
        Names::new(&cluster).unwrap()
    }

    #[test]
    fn a_server_is_known_by_its_host_and_checked_for_its_tls_name() {
        let plain = names("https://[fd00::1]:6443/k8s", None);
        assert_eq!(plain.to_check(&name("fd00::1")), Some(&name("fd00::1")));
        let mapped = names("https://[::ffff:10.0.0.1]:6443", None);
        assert_eq!(mapped.to_check(&name("::ffff:10.0.0.1")), Some(&name("10.0.0.1")));
        let named = names("https://10.0.0.1", Some("api.internal"));
        for connected in ["10.0.0.1", "api.internal", "API.internal"] {
            assert_eq!(named.to_check(&name(connected)), Some(&name("api.internal")));
        }
        for other in ["10.0.0.2", "internal", "evil.api.internal", "api.internal.evil"] {
            assert_eq!(named.to_check(&name(other)), None, "{other}");
        }
    }

    #[test]
    fn an_invalid_name_is_an_error() {
        let mut cluster = Cluster::new(ServerUrl::parse("https://10.0.0.1").unwrap());
        cluster.tls_server_name = Some("no name".to_owned());
        assert_eq!(server_name(&cluster).unwrap_err().kind(), ErrorKind::InvalidValue);
    }
}
