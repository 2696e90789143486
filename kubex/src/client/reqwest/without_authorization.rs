//! reqwest's own client, for programs that authenticate their requests themselves.

use kubex_core::{ClientConfiguration, Error, ErrorKind, Result};

use super::super::rustls::{CryptoChoice, Names, Tls, live, live_verifier, warn_if_insecure};
use super::alias::{Alias, asks_for_another_name};
use super::setup::{build, builder, is_encrypted};

/// Creates reqwest's own client for the cluster. This client adds **no `Authorization` header** to its requests.
///
/// It uses the cluster's trust, proxy, TLS server name and client certificate:
///
/// - Each TLS handshake uses the current trust and the current client certificate. Open connections keep the
///   certificate that they were opened with.
/// - The server's certificate is checked against `tls-server-name`, if it is set. Only [`Client`](super::Client) also
///   sends that name as SNI.
/// - The client opens TLS connections only to the cluster's host, and sends the client certificate only to that host.
///   Over `http://`, it connects to any host.
/// - Through an `https://` proxy, the client sends no client certificate, even if the credential gets one later.
///
/// # Errors
/// - [`ErrorKind::InvalidPem`]: rustls does not accept the CA bundle.
/// - [`ErrorKind::InvalidValue`]: the TLS server name is not valid.
/// - [`ErrorKind::Unsupported`]: reqwest does not support the proxy, or there is no [crypto
///   provider](crate::rustls#the-crypto-provider). reqwest does not support any proxy together with a TLS server name, nor an
///   `https://` proxy together with a client certificate.
pub fn client_without_authorization(configuration: &ClientConfiguration) -> Result<::reqwest::Client> {
    client_without_authorization_with_crypto(configuration, CryptoChoice::Automatic)
}

/// Like [`client_without_authorization`], with the crypto provider of your choice.
///
/// # Errors
/// Returns the errors of [`client_without_authorization`].
pub fn client_without_authorization_with_crypto(
    configuration: &ClientConfiguration,
    crypto: impl Into<CryptoChoice>,
) -> Result<::reqwest::Client> {
    let cluster = configuration.cluster();
    warn_if_insecure(cluster, configuration.trust());
    let provider = crypto.into().provider()?;
    let tls = Tls {
        verifier: live_verifier(Names::with_proxy(cluster)?, configuration.trust(), &provider)?,
        certificate: live(configuration.credentials(), &provider),
        provider,
    };
    let alias = Alias::from_cluster(cluster);
    let has_tls_proxy = cluster.proxy.as_ref().is_some_and(is_encrypted);
    if alias.is_some() && cluster.proxy.is_some() || asks_for_another_name(cluster) && has_tls_proxy {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "reqwest's own client cannot send a TLS server name through a proxy",
        )
        .with_help("remove \"proxy-url\" or \"tls-server-name\", or use kubex::reqwest::Client"));
    }
    if !has_tls_proxy {
        return build(builder(cluster, &tls, alias)?);
    }
    let credential = configuration.credentials().peek();
    if credential.is_some_and(|it| it.certificate().is_some()) {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "reqwest's own client would send the client certificate to the https:// proxy",
        )
        .with_help("use kubex::reqwest::Client, which sends it to the server only"));
    }
    build(builder(cluster, &tls.without_certificate()?, alias)?)
}
