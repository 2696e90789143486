//! Several problems that are reported at once.

use super::{Error, Result};

/// Collects all problems of a value, so that the user can fix them at once.
///
/// ```
/// use kubex_core::error::Problems;
/// use kubex_core::{Error, ErrorKind};
///
/// let mut problems = Problems::new();
/// let seven = problems.take(Ok(7));
/// let none: Option<u8> = problems.take(Err(Error::new(ErrorKind::MissingField, "no server")));
/// problems.take::<u8>(Err(Error::new(ErrorKind::InvalidPem, "no certificate")));
/// assert_eq!((seven, none), (Some(7), None));
/// assert_eq!(problems.into_result().unwrap_err().to_string(), "no server\nalso: no certificate");
/// ```
#[derive(Debug, Default)]
#[must_use = "the problems are lost unless they are returned"]
pub struct Problems(Option<Error>);

impl Problems {
    /// Returns a collection without problems.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the value of `Ok`. For `Err`, it collects the error and returns `None`.
    pub fn take<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(error)).ok()
    }

    /// Collects a problem.
    pub fn add(&mut self, error: Error) {
        self.0 = Some(match self.0.take() {
            None => error,
            Some(first) => first.with_related(error),
        });
    }

    /// Adds problems that were collected elsewhere.
    pub(crate) fn absorb(&mut self, others: Self) {
        if let Some(error) = others.0 {
            self.add(error);
        }
    }

    /// Returns whether no problem has been collected.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// Returns all problems as one error, or `Ok` if there are none.
    ///
    /// # Errors
    /// Returns the first problem, with the others as [related](Error::with_related) problems.
    pub fn into_result(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}
