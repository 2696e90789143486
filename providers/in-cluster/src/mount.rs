//! The service account's files, all of one generation.
//!
//! The kubelet writes a projected volume as a new directory and swaps the symbolic link `..data` to it; the
//! files themselves are links through `..data`. Whoever reads them by their own paths can get the token of
//! one generation and the authority of the next. So the link is read once, and the files inside its target.

use std::io;
use std::path::{Path, PathBuf};

use kubex_core::{Error, Host, Result, SecretBytes};

use crate::options::InClusterOptions;

/// How often a read starts again because the kubelet removed the directory in the middle of it.
const ATTEMPTS: usize = 5;

/// The largest file of the mount that is read.
const LARGEST_FILE: usize = 1024 * 1024;

/// What the mount holds; a file that is not there is `None`.
#[derive(Debug)]
pub(crate) struct Mount {
    pub(crate) token: Option<SecretBytes>,
    pub(crate) authorities: Option<SecretBytes>,
    pub(crate) namespace: Option<SecretBytes>,
}

impl Mount {
    pub(crate) async fn read(options: &InClusterOptions, host: &Host) -> Result<Self> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let before = generation(options, host).await?;
            let directory = before
                .as_deref()
                .map_or_else(|| options.root.clone(), |data| options.root.join(data));
            let mount = Self {
                token: read(host, &directory, &options.token, "the service account's token").await?,
                authorities: read(
                    host,
                    &directory,
                    &options.ca,
                    "the service account's certificate authority",
                )
                .await?,
                namespace: read(
                    host,
                    &directory,
                    &options.namespace,
                    "the service account's namespace",
                )
                .await?,
            };
            // A file that is missing may have been removed with its generation.
            let is_whole = mount.token.is_some() && mount.authorities.is_some() && mount.namespace.is_some();
            if is_whole || attempt == ATTEMPTS || before == generation(options, host).await? {
                return Ok(mount);
            }
        }
    }
}

/// Where `..data` points to now; `None` where the mount is no projected volume. Any other reason for not
/// knowing is an error: reading by path could mix two generations.
async fn generation(options: &InClusterOptions, host: &Host) -> Result<Option<PathBuf>> {
    let link = options.root.join("..data");
    match host.files().read_link(&link).await {
        Ok(target) => Ok(Some(target)),
        // There is none, or what is there is no link.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::InvalidInput
            ) =>
        {
            Ok(None)
        }
        Err(error) => Err(Error::unreadable("the service account's mount", &link, error)),
    }
}

async fn read(host: &Host, directory: &Path, file: &Path, what: &str) -> Result<Option<SecretBytes>> {
    let path = directory.join(file);
    match host.files().read(&path, LARGEST_FILE).await {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::unreadable(what, &path, error)),
    }
}
