//! reqwest's own client, for programs that authenticate their requests themselves.

use kubex_core::{ClientConfiguration, Error, ErrorKind, Result};

use super::super::rustls::{CryptoChoice, Names, Tls, live, live_verifier, warn_if_insecure};
use super::alias::{Alias, asks_for_another_name};
use super::setup::{build, builder, is_encrypted};

/// reqwest's own client, which reaches the cluster and puts **no `Authorization`** on its requests.
///
/// It has the cluster's trust, proxy and server name, and shows the client certificate, each looked up anew at each
/// handshake. Open connections keep the certificate that they were opened with. Where the cluster's certificate is
/// checked for another name than its address's, it is here too; only [`Client`](super::Client) also sends that name
/// as SNI.
///
/// It opens TLS connections to the cluster's host and to no other, and shows the client certificate to no other. Over
/// `http://` it connects to any host. Through an `https://` proxy it shows no client certificate at all, not even a
/// later one.
///
/// # Errors
/// `InvalidPem` where rustls does not accept the authorities; `InvalidValue` where the TLS server name is not valid.
/// `Unsupported` where reqwest does not support the proxy; where a proxy and a TLS server name are both set, because
/// reqwest sends no other SNI through a proxy; where there is a client certificate that an `https://` proxy would see;
/// or where there is no [crypto provider](crate::rustls#the-crypto-provider).
pub fn client_without_authorization(configuration: &ClientConfiguration) -> Result<::reqwest::Client> {
    client_without_authorization_with_crypto(configuration, CryptoChoice::Automatic)
}

/// As [`client_without_authorization`], with the crypto provider of your choice.
///
/// # Errors
/// As [`client_without_authorization`].
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
            "reqwest's own client would show the client certificate to the https:// proxy",
        )
        .with_help("use kubex::reqwest::Client, which shows it to the server alone"));
    }
    build(builder(cluster, &tls.without_certificate()?, alias)?)
}
