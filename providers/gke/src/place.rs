//! Where the application default credentials are: a file, or the metadata server.
//!
//! The first place that is set is the only one that is used, so that a broken one never leads to another identity.

use std::path::PathBuf;

use kubex_core::error::is_missing;
use kubex_core::text::check_path;
use kubex_core::{Error, Host, Origin, Result, SecretBytes};

/// The largest credentials file that is read, in bytes.
const LARGEST_FILE: usize = 1024 * 1024;

/// The variable that names the credentials file.
const VARIABLE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// Where the credentials are.
pub(crate) enum Place {
    /// The content of a credentials file, and where the file was named.
    File { content: SecretBytes, origin: Origin },
    /// No file exists, so the metadata server of the machine is asked.
    Metadata,
}

impl Place {
    /// Looks at the option, the variable, and the file that `gcloud auth application-default login` writes.
    ///
    /// # Errors
    /// `UnreadableFile` for a file that was named and does not exist, and for one that cannot be read; `InvalidValue` for
    /// what cannot be a path.
    pub(crate) async fn find(option: Option<(&PathBuf, &Origin)>, host: &Host) -> Result<Self> {
        if let Some((path, origin)) = option {
            return read(path.clone(), origin.clone(), host).await;
        }
        if let Some(path) = host.environment().unicode(VARIABLE)? {
            let origin = Origin::variable(VARIABLE);
            check_path(VARIABLE, &path, &origin)?;
            return read(path.into(), origin, host).await;
        }
        let Some(path) = well_known(host) else {
            return Ok(Self::Metadata);
        };
        match host.files().read(&path, LARGEST_FILE).await {
            Ok(content) => Ok(Self::File {
                content,
                origin: Origin::file(&path),
            }),
            Err(error) if is_missing(&error) => Ok(Self::Metadata),
            Err(error) => Err(Error::unreadable("the credentials file of Google", &path, error)),
        }
    }
}

async fn read(path: PathBuf, origin: Origin, host: &Host) -> Result<Place> {
    match host.files().read(&path, LARGEST_FILE).await {
        Ok(content) => Ok(Place::File { content, origin }),
        Err(error) => {
            let error = Error::unreadable("the credentials file of Google", &path, error);
            Err(error.with_origin(&origin))
        }
    }
}

/// The file of `gcloud auth application-default login`. As in Google's SDKs, the configuration directory of gcloud
/// (`CLOUDSDK_CONFIG`) does not count.
pub(crate) fn well_known(host: &Host) -> Option<PathBuf> {
    let directory = if cfg!(windows) {
        PathBuf::from(host.environment().variable("APPDATA")?).join("gcloud")
    } else {
        host.environment().home_directory()?.join(".config/gcloud")
    };
    Some(directory.join("application_default_credentials.json"))
}
