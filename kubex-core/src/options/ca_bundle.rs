//! The option `certificate-authority`, whose file is read again while the program runs.

use async_trait::async_trait;

use super::pem::Pem;
use crate::cluster::CaBundle;
use crate::error::Result;
use crate::host::Host;
use crate::trust::TrustSource;

const WHAT: &str = "the certificate authority";

/// Certificate authorities in PEM, in a file or inline.
#[derive(Debug)]
pub(super) struct CaBundleOption(Pem);

impl CaBundleOption {
    pub(super) fn new(pem: Pem) -> Self {
        Self(pem)
    }

    /// Whether the certificate authorities are in a file, which can be read again.
    pub(super) fn is_file(&self) -> bool {
        self.0.file().is_some()
    }

    pub(super) async fn load(&self, host: &Host) -> Result<CaBundle> {
        self.0.load_ca_bundle(host, WHAT).await
    }
}

#[async_trait]
impl TrustSource for CaBundleOption {
    async fn fetch(&self, host: &Host) -> Result<CaBundle> {
        self.load(host).await
    }

    fn describe(&self) -> String {
        match self.0.file() {
            Some(path) => format!("certificate authority {}", path.display()),
            None => "certificate authority".to_owned(),
        }
    }

    fn only_reads_files(&self) -> bool {
        true
    }
}
