//! What the suites of the clients share: a server of either protocol, configurations for it, a source that plays back
//! credentials.

#![allow(dead_code, reason = "no suite needs all of it")]

use std::error::Error as _;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use http::Version;
use kubex::{
    CaBundle, ClientCertificate, ClientConfiguration, ClientConfigurationBuilder, Cluster, Credential,
    CredentialSource, Error, FetchReason, FetchRequest, Host, Result, ServerUrl, Trust,
};
use kubex_tests::api_server::{ApiServer, ApiServerBuilder, ClientCertificatePem};

/// No answer of a server in the same process takes that long on an idle machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(30);

pub(crate) const BOTH: [Version; 2] = [Version::HTTP_11, Version::HTTP_2];

pub(crate) fn speaking(version: Version) -> ApiServerBuilder {
    ApiServer::builder().http2(version == Version::HTTP_2)
}

pub(crate) async fn server(version: Version) -> ApiServer {
    speaking(version).start().await.unwrap()
}

/// The server and its authority, as a configuration would name them.
pub(crate) fn cluster(server: &ApiServer) -> Cluster {
    let mut cluster = Cluster::new(ServerUrl::parse(server.url()).unwrap());
    if cluster.server.is_encrypted() {
        cluster.trust = Trust::CaBundle(CaBundle::from_pem(server.ca_pem().as_bytes()).unwrap());
    }
    cluster
}

pub(crate) fn configure(server: &ApiServer) -> ClientConfigurationBuilder {
    ClientConfiguration::builder(cluster(server))
}

pub(crate) fn built(builder: ClientConfigurationBuilder) -> ClientConfiguration {
    builder.build(&Host::real()).unwrap()
}

pub(crate) fn bearer(token: &str) -> Credential {
    Credential::bearer(token.into()).unwrap()
}

pub(crate) fn pair(pem: &ClientCertificatePem) -> ClientCertificate {
    ClientCertificate::from_pem(pem.certificate.as_bytes(), pem.key.clone().into_bytes().into()).unwrap()
}

pub(crate) fn certificate(pem: &ClientCertificatePem) -> Credential {
    Credential::anonymous().with_certificate(pair(pem))
}

/// The certificate with a key of another pair. That key does not contain its public half (RFC 8410, 10.3), so that only
/// the TLS library can compare.
pub(crate) fn with_another_key(pem: &ClientCertificatePem) -> ClientCertificatePem {
    let mut mixed = pem.clone();
    mixed.key = "-----BEGIN PRIVATE KEY-----\n\
                 MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n\
                 -----END PRIVATE KEY-----\n"
        .into();
    mixed
}

pub(crate) fn assert_hides(error: &Error, secrets: &[&str]) {
    let mut shown = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(next) = cause {
        write!(shown, " {next} {next:?}").unwrap();
        cause = next.source();
    }
    for secret in secrets {
        assert!(!shown.contains(secret), "{secret} shows in: {shown}");
    }
}

/// Plays back credentials, the last one over and over, and remembers why it was asked.
#[derive(Debug)]
pub(crate) struct Playback {
    credentials: Vec<Credential>,
    position: AtomicUsize,
    reasons: Mutex<Vec<FetchReason>>,
}

impl Playback {
    pub(crate) fn of(credentials: impl Into<Vec<Credential>>) -> Arc<Self> {
        Arc::new(Self {
            credentials: credentials.into(),
            position: AtomicUsize::new(0),
            reasons: Mutex::default(),
        })
    }

    pub(crate) fn reasons(&self) -> Vec<FetchReason> {
        self.reasons.lock().unwrap().clone()
    }

    pub(crate) fn fetches(&self) -> usize {
        self.reasons().len()
    }
}

#[async_trait]
impl CredentialSource for Playback {
    async fn fetch(&self, request: FetchRequest<'_>) -> Result<Credential> {
        self.reasons.lock().unwrap().push(request.reason);
        let next = self.position.fetch_add(1, Ordering::SeqCst);
        Ok(self.credentials[next.min(self.credentials.len() - 1)].clone())
    }

    fn describe(&self) -> String {
        "a playback".into()
    }
}
