//! The service account's files, all of one generation.
//!
//! The kubelet writes a projected volume as a new directory and swaps the symbolic link `..data` to it; the
//! files themselves are links through `..data`. Whoever reads them by their own paths can get the token of
//! one generation and the authority of the next. So the link is read once, and the files inside its target.

use std::io;
use std::path::PathBuf;

use kubex_core::{Error, Host, Result, SecretBytes};

use crate::options::InClusterOptions;

/// How often a read starts again because the kubelet removed the directory in the middle of it.
const ATTEMPTS: usize = 50;

/// The largest file of the mount that is read.
const LARGEST_FILE: usize = 1024 * 1024;

/// What the mount holds at one moment, all of one generation; a file that is not there is `None`.
#[derive(Debug)]
pub struct Mount {
    pub(crate) token: Option<SecretBytes>,
    pub(crate) ca_bundle: Option<SecretBytes>,
    pub(crate) namespace: Option<SecretBytes>,
}

impl Mount {
    /// The token.
    pub fn token(&self) -> Option<&SecretBytes> {
        self.token.as_ref()
    }

    /// The certificate authority, in PEM.
    pub fn ca_bundle(&self) -> Option<&SecretBytes> {
        self.ca_bundle.as_ref()
    }

    /// The namespace.
    pub fn namespace(&self) -> Option<&SecretBytes> {
        self.namespace.as_ref()
    }

    /// Reads the three files. A generation that is removed in the middle of it makes it start again.
    ///
    /// # Errors
    /// `UnreadableFile` for one that is there and cannot be read.
    pub async fn read(options: &InClusterOptions, host: &Host) -> Result<Self> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let before = generation(options, host).await?;
            let directory = before
                .as_deref()
                .map_or_else(|| options.root.clone(), |data| options.root.join(data));
            let paths = [&options.token, &options.ca, &options.namespace].map(|file| directory.join(file));
            let read = host.files().read_each(&paths, LARGEST_FILE).await;
            let mut contents = read.into_iter().zip(&paths);
            let mut next = |what: &str| match contents.next() {
                None => Ok(None),
                Some((Ok(content), _)) => Ok(Some(content)),
                Some((Err(error), _)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Some((Err(error), path)) => Err(Error::unreadable(what, path, error)),
            };
            let mount = Self {
                token: next("the service account's token")?,
                ca_bundle: next("the service account's certificate authority")?,
                namespace: next("the service account's namespace")?,
            };
            // A file that is missing may have been removed with its generation.
            let is_whole = mount.token.is_some() && mount.ca_bundle.is_some() && mount.namespace.is_some();
            if is_whole || before == generation(options, host).await? {
                return Ok(mount);
            }
            if attempt == ATTEMPTS {
                let changing = io::Error::other("it was replaced at each attempt");
                return Err(Error::unreadable(
                    "the service account's mount",
                    &options.root,
                    changing,
                ));
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
