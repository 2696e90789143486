//! The files of the service account, all from one generation of the mount.
//!
//! The kubelet writes each generation of a projected volume into a new directory, and then replaces the symbolic link
//! `..data`, through which all files are reached. A reader that opens the files one by one can get the token of one
//! generation and the certificate authority of the next. This module therefore reads the link once, and then the files
//! in the target directory.

use std::io;
use std::path::PathBuf;

use kubex_core::host::FileContent;
use kubex_core::{Error, Host, Result, SecretBytes};

use crate::options::InClusterOptions;

/// How many times the mount is read in total while the kubelet keeps replacing it.
const MAX_ATTEMPTS: usize = 50;

/// The maximum size of a file of the mount, in bytes.
const MAX_FILE_SIZE: usize = 1024 * 1024;

/// The contents of the service account's three files, all from one generation of the mount.
#[derive(Debug)]
pub struct Mount {
    pub(crate) token: Option<FileContent>,
    pub(crate) ca_bundle: Option<SecretBytes>,
    pub(crate) namespace: Option<SecretBytes>,
}

impl Mount {
    /// Returns the token. `None` if its file does not exist.
    pub fn token(&self) -> Option<&SecretBytes> {
        self.token.as_ref().map(|token| &token.bytes)
    }

    /// Returns the CA certificate of the API server, in PEM. `None` if its file does not exist.
    pub fn ca_bundle(&self) -> Option<&SecretBytes> {
        self.ca_bundle.as_ref()
    }

    /// Returns the namespace. `None` if its file does not exist.
    pub fn namespace(&self) -> Option<&SecretBytes> {
        self.namespace.as_ref()
    }

    /// Reads the three files. If the kubelet replaces the files in the meantime, they are read again.
    ///
    /// # Errors
    /// Returns [`ErrorKind::UnreadableFile`](kubex_core::ErrorKind::UnreadableFile) if a file exists but cannot be
    /// read.
    pub async fn read(options: &InClusterOptions, host: &Host) -> Result<Self> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let before = generation(options, host).await?;
            let directory = before
                .as_deref()
                .map_or_else(|| options.root.clone(), |data| options.root.join(data));
            let paths = [&options.token, &options.ca, &options.namespace].map(|file| directory.join(file));
            let read = host.files().read_each_stamped(&paths, MAX_FILE_SIZE).await;
            let mut contents = read.into_iter().zip(&paths);
            let mut next = |what: &str| match contents.next() {
                None => Ok(None),
                Some((Ok(content), _)) => Ok(Some(content)),
                Some((Err(error), _)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Some((Err(error), path)) => Err(Error::unreadable(what, path, error)),
            };
            let mount = Self {
                token: next("the service account's token")?,
                ca_bundle: next("the service account's certificate authority")?.map(|file| file.bytes),
                namespace: next("the service account's namespace")?.map(|file| file.bytes),
            };
            // A missing file may have been removed together with its generation.
            let is_whole = mount.token.is_some() && mount.ca_bundle.is_some() && mount.namespace.is_some();
            if is_whole || before == generation(options, host).await? {
                return Ok(mount);
            }
            if attempt == MAX_ATTEMPTS {
                let changing = io::Error::other("it was replaced during each attempt");
                return Err(Error::unreadable(
                    "the service account's mount",
                    &options.root,
                    changing,
                ));
            }
        }
    }
}

/// Returns the target of `..data`, or `None` if the mount is not a projected volume. Any other failure is an error,
/// because reading the files without the target could mix two generations.
async fn generation(options: &InClusterOptions, host: &Host) -> Result<Option<PathBuf>> {
    let link = options.root.join("..data");
    match host.files().read_link(&link).await {
        Ok(target) => Ok(Some(target)),
        // The path does not exist, or it is not a link.
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
