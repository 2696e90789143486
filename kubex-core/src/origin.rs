//! The origin of a value: the file and the line, the variable or the flag that sets it.
//!
//! Every value of the options has an origin. Errors contain it, so that the user knows which line to change, and `kubex
//! explain` prints the origin of each field.
//!
//! | created by | meaning |
//! |---|---|
//! | [`Origin::file`], then [`position`](Origin::position) and [`key`](Origin::key) | a place in a document |
//! | [`Origin::variable`] | an environment variable |
//! | [`Origin::flag`] | a flag of a command |
//! | [`Origin::bytes`] | a document that the program passed as bytes |
//! | [`Origin::code`] | the code of the program |

mod keys;

use std::fmt;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::text::{clean_line, shown_path, write_sanitized};

use keys::{Keys, Step};

/// The file, variable, flag or program that a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// A file.
    File(Arc<Path>),
    /// A pipe, such as the path `/dev/fd/63` that a shell substitutes for `<(command)`.
    Pipe(Arc<Path>),
    /// An environment variable.
    Variable(Arc<str>),
    /// A document that the program passed as bytes. The text is its name.
    Bytes(Arc<str>),
    /// A flag on the program's command line.
    Flag(Arc<str>),
    /// The code of the program.
    Code,
}

/// The origin of a value: its [`Place`], the line and column if they are known, and the keys that lead to the value.
///
/// ```
/// use kubex_core::origin::Origin;
/// let origin = Origin::file("/home/jane/.kube/config").position(12, 5).key("users[jane]").key("token");
/// assert_eq!(origin.to_string(), "/home/jane/.kube/config:12:5, users[jane].token");
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Origin {
    place: Place,
    /// The line and the column. A line is never 0, which makes the field smaller.
    position: Option<(NonZeroU32, u32)>,
    keys: Keys,
}

impl Origin {
    /// Creates the origin of a value in this file.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(Place::File(path.into().into()))
    }

    /// Creates the origin of a value that was read from this pipe.
    pub fn pipe(path: impl Into<PathBuf>) -> Self {
        Self::new(Place::Pipe(path.into().into()))
    }

    /// Creates the origin of an environment variable.
    pub fn variable(name: &str) -> Self {
        Self::new(Place::Variable(name.into()))
    }

    /// Creates the origin of a document that the program passed as bytes. Users see the name.
    pub fn bytes(name: &str) -> Self {
        Self::new(Place::Bytes(shown_path(Path::new(name)).into()))
    }

    /// Creates the origin of a command-line flag. The name includes the dashes.
    pub fn flag(name: &str) -> Self {
        Self::new(Place::Flag(name.into()))
    }

    /// Creates the origin of a value that the program sets in code.
    pub fn code() -> Self {
        Self::new(Place::Code)
    }

    fn new(place: Place) -> Self {
        Self {
            place,
            position: None,
            keys: Keys::default(),
        }
    }

    /// Sets the line and the column, both counted from 1.
    #[must_use]
    pub fn position(mut self, line: u32, column: u32) -> Self {
        self.position = NonZeroU32::new(line).map(|line| (line, column));
        self
    }

    /// Appends a key. `.key("cluster").key("server")` is printed as `cluster.server`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        if key.is_empty() && self.keys.is_empty() {
            return self;
        }
        self.further(Step::new(&clean_line(key)))
    }

    /// Appends the index of a list item, counted from 0. `.key("args").item(2)` is printed as `args[2]`.
    ///
    /// ```
    /// use kubex_core::Origin;
    ///
    /// let origin = Origin::file("/etc/kubex/config.yaml").position(4, 12).key("chain").item(1);
    /// assert_eq!(origin.to_string(), "/etc/kubex/config.yaml:4:12, chain[1]");
    /// assert_eq!(origin.keys(), "chain[1]");
    /// assert_eq!(origin.line_and_column(), Some((4, 12)));
    /// ```
    #[must_use]
    pub fn item(self, index: usize) -> Self {
        self.further(Step::Item(index))
    }

    fn further(mut self, step: Step) -> Self {
        self.keys.push(step);
        self
    }

    /// Lets the clones share the keys, so that they are in memory once. Call this on the origin of a list or a mapping
    /// before the origins of its values are derived from it.
    ///
    /// ```
    /// use kubex_core::Origin;
    ///
    /// let arguments = Origin::file("/etc/kubex/config.yaml").key("args").shared();
    /// let origins: Vec<Origin> = (0..3).map(|index| arguments.clone().item(index)).collect();
    /// assert_eq!(origins[2].keys(), "args[2]");
    /// ```
    #[must_use]
    pub fn shared(mut self) -> Self {
        self.keys.share();
        self
    }

    /// Returns the file, variable, flag or program that the value comes from.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Returns the path of the file or the pipe; `None` if the value comes from neither.
    pub fn path(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) | Place::Pipe(path) => Some(path),
            _ => None,
        }
    }

    /// Returns the directory of the file, the base of relative paths in the file; `None` if the value does not come
    /// from a file.
    ///
    /// ```
    /// use kubex_core::Origin;
    ///
    /// assert_eq!(Origin::file("/etc/kubex/config.yaml").directory(), Some("/etc/kubex".as_ref()));
    /// assert_eq!(Origin::variable("CA_FILE").directory(), None); // no base: a relative path is not accepted
    /// ```
    pub fn directory(&self) -> Option<&Path> {
        match &self.place {
            Place::File(path) => path.parent(),
            _ => None,
        }
    }

    /// Returns the line and the column, both counted from 1; `None` if they are not known.
    pub fn line_and_column(&self) -> Option<(u32, u32)> {
        self.position.map(|(line, column)| (line.get(), column))
    }

    /// Returns the keys that lead to the value, such as `users[jane].token`. The text is empty if the origin is the
    /// whole document.
    pub fn keys(&self) -> &str {
        self.keys.as_str()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_sanitized(f, Text(self))
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Origin({self})")
    }
}

struct Text<'a>(&'a Origin);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let origin = self.0;
        match &origin.place {
            Place::File(path) | Place::Pipe(path) => f.write_str(&shown_path(path))?,
            Place::Variable(name) => write!(f, "${}", clean_line(name))?,
            Place::Bytes(name) => f.write_str(&clean_line(name))?,
            Place::Flag(name) => write!(f, "the flag {}", clean_line(name))?,
            Place::Code => f.write_str("the program")?,
        }
        if let Some((line, column)) = origin.position {
            write!(f, ":{line}:{column}")?;
        }
        if !origin.keys().is_empty() {
            write!(f, ", {}", origin.keys())?;
        }
        Ok(())
    }
}
