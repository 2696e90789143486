//! The causes of an error that come from other crates, as sanitized text.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::sync::Arc;

use super::Error;
use crate::text::{Sanitized, write_sanitized};

/// The most causes that are kept of one error.
const MOST: usize = 16;

/// The cause of an [`Error`] that came from another crate or from the system. It contains the sanitized texts of
/// the original error and of its own causes.
///
/// The original error is not kept, because its text may contain a secret: a parser may quote its input, and an HTTP client may
/// print the URL of a proxy with its password. A program that prints every [`source`](StdError::source) would show that secret.
#[derive(Clone)]
pub struct Cause {
    message: Sanitized,
    io_kind: Option<io::ErrorKind>,
    next: Option<Arc<dyn StdError + Send + Sync>>,
}

impl Cause {
    /// Returns the kind of the original error if it was an `io::Error`; otherwise `None`.
    ///
    /// ```
    /// use std::error::Error as _;
    /// use std::io;
    /// use kubex_core::Error;
    /// use kubex_core::error::Cause;
    ///
    /// let error = Error::unreadable("the token", "/run/token".as_ref(), io::ErrorKind::PermissionDenied.into());
    /// let cause = error.source().and_then(|cause| cause.downcast_ref::<Cause>()).unwrap();
    /// assert_eq!(cause.io_kind(), Some(io::ErrorKind::PermissionDenied));
    /// ```
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        self.io_kind
    }

    /// Copies an error and its causes, of which at most `left` more are kept. Errors of Kubex are sanitized already.
    fn copied(error: &(dyn StdError + 'static), left: usize) -> Arc<dyn StdError + Send + Sync> {
        if let Some(own) = error.downcast_ref::<Error>() {
            return Arc::new(own.clone());
        }
        if let Some(own) = error.downcast_ref::<Self>() {
            return Arc::new(own.clone());
        }
        let next = error.source().filter(|_| left > 0);
        Arc::new(Self {
            message: Sanitized::new(error),
            io_kind: error.downcast_ref::<io::Error>().map(io::Error::kind),
            next: next.map(|next| Self::copied(next, left - 1)),
        })
    }
}

/// The cause of an error, in a form that may be shown.
pub(super) fn cause_of(error: &(dyn StdError + 'static)) -> Arc<dyn StdError + Send + Sync> {
    Cause::copied(error, MOST)
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Sanitized again, because a secret may have become known since the error was copied.
        write_sanitized(f, &self.message)
    }
}

/// Prints the text, and the kind of an `io::Error`.
impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.io_kind {
            Some(kind) => write!(f, "{kind:?}: {self}"),
            None => write!(f, "{self}"),
        }
    }
}

impl StdError for Cause {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.next.as_deref().map(|next| next as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::secret::SecretString;

    /// An error of another crate, with a cause.
    #[derive(Debug)]
    struct Foreign(String, Option<Box<dyn StdError + Send + Sync>>);

    impl fmt::Display for Foreign {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(&self.0)
        }
    }

    impl StdError for Foreign {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.1.as_deref().map(|cause| cause as _)
        }
    }

    fn all(error: &Error) -> Vec<String> {
        let causes = crate::text::causes(error).skip(1);
        causes
            .map(|cause| format!("{cause} {cause:?} {cause:#?}"))
            .collect()
    }

    #[test]
    fn no_cause_of_an_error_shows_a_secret_or_a_control_character() {
        let earlier = SecretString::from("s3cret-of-the-parser");
        let innermost = io::Error::other("bad byte in s3cret-of-the-parser, near l4ter-secret\u{1b}[2J");
        let middle = Foreign("GET https://jane:pw@proxy/".to_owned(), Some(Box::new(innermost)));
        let error = Error::new(ErrorKind::RequestFailed, "no answer")
            .with_source(Foreign("s3cret-of-the-parser".to_owned(), Some(Box::new(middle))));
        let later = SecretString::from("l4ter-secret");
        let shown = all(&error);
        assert_eq!(shown.len(), 3);
        for text in &shown {
            for hidden in ["s3cret-of-the-parser", "l4ter-secret", "pw@", "\u{1b}"] {
                assert!(!text.contains(hidden), "{text}");
            }
        }
        drop((earlier, later));
    }

    #[test]
    fn an_error_of_kubex_and_the_kind_of_an_io_error_are_kept() {
        let own = Error::new(ErrorKind::Expired, "expired");
        let error = Error::new(ErrorKind::Unavailable, "no token")
            .with_source(Foreign("x".to_owned(), Some(Box::new(own))));
        let own = error
            .source()
            .and_then(StdError::source)
            .and_then(|own| own.downcast_ref::<Error>());
        assert_eq!(own.map(Error::kind), Some(ErrorKind::Expired));

        let error =
            Error::new(ErrorKind::UnreadableFile, "x").with_source(io::Error::from(io::ErrorKind::NotFound));
        let cause = error.source().and_then(|cause| cause.downcast_ref::<Cause>());
        assert_eq!(cause.and_then(Cause::io_kind), Some(io::ErrorKind::NotFound));
    }

    #[test]
    fn a_chain_of_causes_without_an_end_is_cut() {
        let mut error = Foreign("0".to_owned(), None);
        for _ in 0..100 {
            error = Foreign("n".to_owned(), Some(Box::new(error)));
        }
        let error = Error::new(ErrorKind::Unavailable, "x").with_source(error);
        assert_eq!(all(&error).len(), MOST + 1);
    }
}
