//! Sends a `tls-server-name` that differs from the host of the URL, with reqwest.
//!
//! reqwest takes the SNI from the request's URL. The URL therefore contains the TLS server name, and a resolver maps
//! that name to the server's address.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ::reqwest::dns::{Addrs, Name, Resolve, Resolving};
use ::reqwest::header::{HOST, HeaderValue};
use ::reqwest::{Request, Url};
use kubex_core::{Cluster, Error, ErrorKind, Result};

use super::request::default_header;

/// Whether the SNI differs from the host of the address.
pub(super) fn asks_for_another_name(cluster: &Cluster) -> bool {
    let name = cluster.tls_server_name.as_deref();
    name.is_some_and(|name| name != host(cluster))
}

/// The host of the cluster's address; an IPv6 address without its brackets.
fn host(cluster: &Cluster) -> &str {
    let host = cluster.server.url().host_str().unwrap_or_default();
    host.trim_start_matches('[').trim_end_matches(']')
}

/// The TLS server name, as an alias of the server's host.
#[derive(Clone, Debug)]
pub(super) struct Alias {
    tls_server_name: Arc<str>,
    host: Arc<str>,
}

impl Alias {
    /// The alias, if the SNI differs from the host of the address. An IP address is never sent as SNI (RFC 6066), so
    /// it needs none.
    pub(super) fn from_cluster(cluster: &Cluster) -> Option<Self> {
        let tls_server_name = cluster.tls_server_name.as_deref()?;
        let host = host(cluster);
        let is_name = tls_server_name.parse::<IpAddr>().is_err();
        (is_name && tls_server_name != host && cluster.server.is_encrypted()).then(|| Self {
            tls_server_name: tls_server_name.into(),
            host: host.into(),
        })
    }

    /// Puts the TLS server name into the URL, for the SNI, and the server's own name into `Host`.
    pub(super) fn apply(&self, request: &mut Request) -> Result<()> {
        let host = HeaderValue::from_str(&authority(request.url())).map_err(|_| unusable_name())?;
        request
            .url_mut()
            .set_host(Some(&self.tls_server_name))
            .map_err(|_| unusable_name())?;
        default_header(request, HOST, host)
    }
}

impl Resolve for Alias {
    fn resolve(&self, name: Name) -> Resolving {
        let is_alias = name.as_str().eq_ignore_ascii_case(&self.tls_server_name);
        let host = if is_alias {
            self.host.to_string()
        } else {
            name.as_str().to_owned()
        };
        Box::pin(async move {
            // Port 0 means the port of the URL.
            let found: Vec<SocketAddr> = tokio::net::lookup_host((host, 0)).await?.collect();
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

fn unusable_name() -> Error {
    Error::new(
        ErrorKind::InvalidValue,
        "the TLS server name is not a valid host name",
    )
}
