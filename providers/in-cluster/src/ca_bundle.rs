//! The certificate authority of the mount, which is read again while the program runs.

use async_trait::async_trait;
use kubex_core::{CaBundle, Error, ErrorKind, ExposeSecret, Host, Origin, Result, TrustSource};

use crate::mount::Mount;
use crate::options::InClusterOptions;

/// Reads the certificate authority from the mount.
#[derive(Debug)]
pub(crate) struct MountedCaBundle {
    options: InClusterOptions,
}

impl MountedCaBundle {
    pub(crate) fn new(options: InClusterOptions) -> Self {
        Self { options }
    }
}

#[async_trait]
impl TrustSource for MountedCaBundle {
    async fn fetch(&self, host: &Host) -> Result<CaBundle> {
        let mount = Mount::read(&self.options, host).await?;
        let file = Origin::file(self.options.root.join(&self.options.ca));
        let Some(pem) = &mount.ca_bundle else {
            let message = "the service account's certificate authority no longer exists";
            return Err(Error::new(ErrorKind::UnreadableFile, message).with_origin(&file));
        };
        CaBundle::from_pem(pem.expose_secret()).map_err(|error| error.with_origin(&file))
    }

    fn describe(&self) -> String {
        let file = self.options.root.join(&self.options.ca);
        format!("certificate authority {}", file.display())
    }

    fn only_reads_files(&self) -> bool {
        true
    }
}
