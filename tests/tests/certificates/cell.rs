//! One cell of the matrix.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kubex_tests::certificates::{Authority, Key, Profile, certificate_pem};
use rustls::pki_types::CertificateDer;

use super::material::{key, root};

/// Why kubectl connects and Kubex does not. The page about kubeconfigs lists the same reasons.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reason {
    SmallRsa,
    NameConstraintsAboveAnAuthority,
    P521OverTls12,
}

impl Reason {
    /// How the page about kubeconfigs names it.
    pub fn title(self) -> &'static str {
        match self {
            Self::SmallRsa => "an RSA key below 2048 bits",
            Self::NameConstraintsAboveAnAuthority => {
                "a server's certificate that is itself an authority, below one that restricts names"
            }
            Self::P521OverTls12 => {
                "a P-521 certificate of a server that speaks TLS 1.2 only and is built on OpenSSL"
            }
        }
    }
}

/// Whether a request arrives at the server and is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Connects,
    Refused,
}

/// A kubeconfig, a server, and what comes of it.
#[derive(Clone, Debug)]
pub struct Cell {
    pub name: String,
    /// What Kubex does.
    pub kubex: Verdict,
    /// Why kubectl does otherwise.
    pub only_kubectl: Option<Reason>,
    /// What the server presents, and the key that it has.
    pub chain: Vec<CertificateDer<'static>>,
    pub key: &'static Key,
    /// `None`: the server's certificate is not verified.
    pub authority: Option<Vec<u8>>,
    /// Whether the server speaks TLS 1.2 and nothing newer.
    pub is_tls_12: bool,
    /// The client's certificate and key.
    pub client: Option<(Vec<u8>, Vec<u8>)>,
}

impl Cell {
    /// A cell about the server's certificate.
    pub fn server(name: impl Into<String>, chain: Vec<CertificateDer<'static>>, key: &'static Key) -> Self {
        Self {
            name: format!("server: {}", name.into()),
            kubex: Verdict::Connects,
            only_kubectl: None,
            chain,
            key,
            authority: None,
            is_tls_12: false,
            client: None,
        }
    }

    /// A cell about the client's certificate, in PEM.
    pub fn client(name: impl Into<String>, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        let authority = root();
        let server = Profile::new("server").issued_by(&authority, self::key("p256"));
        let mut cell = Self::server("", vec![server], self::key("p256")).trusting(&authority);
        cell.name = format!("client: {}", name.into());
        cell.client = Some((certificate.into(), key.into()));
        cell
    }

    /// The kubeconfig's authority.
    pub fn trusting(self, authority: &Authority<'_>) -> Self {
        self.trusting_pem(certificate_pem(&authority.certificate))
    }

    /// The kubeconfig's authority is the server's own certificate.
    pub fn trusting_itself(self) -> Self {
        let pem = certificate_pem(&self.chain[0]);
        self.trusting_pem(pem)
    }

    /// The kubeconfig's authority, in PEM.
    pub fn trusting_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authority = Some(pem.into());
        self
    }

    /// The server speaks TLS 1.2, whose signatures do not name the curve of a key.
    pub fn over_tls_12(mut self) -> Self {
        self.is_tls_12 = true;
        self
    }

    /// Neither Kubex nor kubectl connects.
    pub fn refused(mut self) -> Self {
        self.kubex = Verdict::Refused;
        self
    }

    /// Only kubectl connects.
    pub fn only_kubectl(mut self, reason: Reason) -> Self {
        self.only_kubectl = Some(reason);
        self.refused()
    }

    /// What kubectl does.
    pub fn kubectl(&self) -> Verdict {
        match self.only_kubectl {
            Some(_) => Verdict::Connects,
            None => self.kubex,
        }
    }

    /// The kubeconfig for the server at this address.
    pub fn kubeconfig(&self, url: &str) -> String {
        let trust = match &self.authority {
            Some(pem) => format!("certificate-authority-data: {}", STANDARD.encode(pem)),
            None => "insecure-skip-tls-verify: true".to_owned(),
        };
        let user = match &self.client {
            Some((certificate, key)) => format!(
                "client-certificate-data: {}, client-key-data: {}",
                STANDARD.encode(certificate),
                STANDARD.encode(key)
            ),
            None => "token: t0ken".to_owned(),
        };
        format!(
            "current-context: c\n\
             clusters: [{{name: c, cluster: {{server: '{url}', {trust}}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: c}}}}]\n\
             users: [{{name: c, user: {{{user}}}}}]\n"
        )
    }
}
