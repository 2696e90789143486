//! A kubeconfig that the program has in memory, and may replace while configurations follow it.

use std::fmt;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use kubex_core::secret::SecretBuffer;
use kubex_core::{Error, ErrorKind, Result, SecretBytes};

use crate::load::{Content, LARGEST_FILE};

/// A kubeconfig that the program has in memory and can replace. Clones share the content.
///
/// When the program [replaces](Self::replace) the content, configurations that [follow](kubex_core::chain::follow) their source
/// read the new content: at the next response with status 401, within a minute, or before the next request after
/// [`look_again`](kubex_core::ClientConfiguration::look_again). The same changes are applied as for a kubeconfig file.
/// Configurations that do not follow their source keep the old content.
#[derive(Clone)]
pub struct ReplaceableKubeconfig(Arc<Mutex<Arc<Content>>>);

impl ReplaceableKubeconfig {
    /// Creates a kubeconfig with this content.
    pub fn new(content: impl Into<SecretBytes>) -> Self {
        Self(Arc::new(Mutex::new(Arc::new(Content::new(content.into())))))
    }

    /// Replaces the content. Configurations that [follow](kubex_core::chain::follow) this kubeconfig read it within a minute.
    pub fn replace(&self, content: impl Into<SecretBytes>) {
        let content = Arc::new(Content::new(content.into()));
        // Only ever assigned whole, so a poisoned lock is safe to use.
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = content;
    }

    /// Replaces the content with everything that the reader returns. Returns when the reader is at its end.
    ///
    /// # Errors
    /// Returns [`ErrorKind::UnreadableFile`] if the reader fails or returns more than 64 MiB. The old content is kept
    /// then.
    pub fn replace_from(&self, reader: impl Read) -> Result<()> {
        self.replace(read_to_end(reader)?);
        Ok(())
    }

    pub(crate) fn current(&self) -> Arc<Content> {
        Arc::clone(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The content may contain secrets, so it is not shown.
impl fmt::Debug for ReplaceableKubeconfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplaceableKubeconfig").finish_non_exhaustive()
    }
}

/// Reads a kubeconfig from a reader, to its end.
///
/// # Errors
/// Returns [`ErrorKind::UnreadableFile`] if the reader fails or returns more than 64 MiB.
pub fn read_to_end(reader: impl Read) -> Result<SecretBytes> {
    let mut content = SecretBuffer::default();
    content
        .append_from(reader.take(LARGEST_FILE as u64 + 1))
        .map_err(|error| {
            Error::new(
                ErrorKind::UnreadableFile,
                "the kubeconfig could not be read from its reader",
            )
            .with_source(error)
        })?;
    if content.len() > LARGEST_FILE {
        return Err(Error::new(
            ErrorKind::UnreadableFile,
            format_args!("the kubeconfig is larger than {LARGEST_FILE} bytes"),
        ));
    }
    Ok(content.into())
}
