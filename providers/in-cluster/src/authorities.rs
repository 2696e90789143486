//! The mount's authority, read again while the program runs.

use async_trait::async_trait;
use kubex_core::{Authorities, Error, ErrorKind, ExposeSecret, Host, Origin, Result, TrustSource};

use crate::mount::Mount;
use crate::options::InClusterOptions;

/// Reads the authority of one generation of the mount.
#[derive(Debug)]
pub(crate) struct MountedAuthorities {
    options: InClusterOptions,
}

impl MountedAuthorities {
    pub(crate) fn new(options: InClusterOptions) -> Self {
        Self { options }
    }
}

#[async_trait]
impl TrustSource for MountedAuthorities {
    async fn fetch(&self, host: &Host) -> Result<Authorities> {
        let mount = Mount::read(&self.options, host).await?;
        let file = Origin::file(self.options.root.join(&self.options.ca));
        let Some(pem) = &mount.authorities else {
            let message = "the service account's certificate authority is not there any more";
            return Err(Error::new(ErrorKind::UnreadableFile, message).at(&file));
        };
        Authorities::from_pem(pem.expose_secret()).map_err(|error| error.at(&file))
    }

    fn describe(&self) -> String {
        let file = self.options.root.join(&self.options.ca);
        format!("certificate authority {}", file.display())
    }
}
