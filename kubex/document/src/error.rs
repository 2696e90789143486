//! The error of a document that cannot be read: the problem and its position, never its content.

use std::fmt;

use kubex_core::{Error, ErrorKind, Origin};

use crate::lines::{Lines, Position};

/// The reason why a document cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The bytes are neither UTF-8 nor UTF-16 with a byte order mark.
    Encoding,
    /// The document has more bytes than this limit ([`Budget::bytes`](crate::Budget::bytes)).
    TooLarge(usize),
    /// Lists and mappings are nested deeper than this limit ([`Budget::depth`](crate::Budget::depth)).
    TooDeep(usize),
    /// The document has more values than this limit ([`Budget::nodes`](crate::Budget::nodes)). An alias counts as all values of
    /// its anchor.
    TooManyNodes(usize),
    /// A key has more bytes than this limit ([`Budget::key`](crate::Budget::key)).
    KeyTooLong(usize),
    /// The document has more `%TAG` directives than this limit.
    TooManyDirectives(usize),
    /// The document is not valid YAML. The text is what the parser found or expected.
    Yaml(&'static str),
    /// The document is not valid TOML. The text is what the parser found or expected.
    Toml(String),
    /// A key of a TOML document occurs twice.
    TomlDuplicateKey {
        /// The names of the keys that lead to the second occurrence, ending with the key itself.
        keys: Vec<String>,
        /// The line of the first occurrence.
        first_line: u32,
    },
    /// An alias refers to an anchor that is not defined before it.
    UnknownAnchor,
    /// An alias is inside the node that it refers to.
    RecursiveAlias,
    /// A tab is used where YAML allows only spaces.
    Tab(&'static str),
    /// A key is a list or a mapping.
    KeyNotText,
    /// The value of a merge key (`<<`) is neither a mapping nor a list of mappings.
    MergeKey,
    /// A value does not fit its tag.
    TagMismatch,
    /// A value has an unknown tag that would change it.
    UnknownTag,
    /// The document is not a mapping. The text is the kind of value that was found.
    NotMapping(&'static str),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encoding => f.write_str("is not text in UTF-8 or UTF-16"),
            Self::TooLarge(bytes) => write!(f, "is larger than {bytes} bytes"),
            Self::TooDeep(depth) => write!(f, "is nested deeper than {depth} levels"),
            Self::TooManyNodes(nodes) => {
                write!(
                    f,
                    "has more than {nodes} values, counting those that aliases repeat"
                )
            }
            Self::KeyTooLong(bytes) => write!(f, "has a key longer than {bytes} bytes"),
            Self::TooManyDirectives(count) => write!(f, "has more than {count} %TAG directives"),
            Self::Yaml(why) | Self::Tab(why) => write!(f, "is not valid YAML: {why}"),
            Self::Toml(why) => write!(f, "is not valid TOML: {why}"),
            Self::TomlDuplicateKey { .. } => f.write_str("has a key that is written twice"),
            Self::UnknownAnchor => f.write_str("has an alias whose anchor is not defined"),
            Self::RecursiveAlias => f.write_str("has an alias inside its own anchor"),
            Self::KeyNotText => f.write_str("has a key that is not a string"),
            Self::MergeKey => f.write_str("has a merge key (<<) that does not name a mapping"),
            Self::TagMismatch => f.write_str("has a value that does not fit its tag"),
            Self::UnknownTag => f.write_str("has a value with an unknown tag"),
            Self::NotMapping(found) => write!(f, "must be a mapping, but is {found}"),
        }
    }
}

/// The error of a document that cannot be read. Its message never quotes the document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadError {
    problem: Problem,
    offset: usize,
    position: Option<Position>,
    /// Whether the line contains `{{` or `{%`, as those of templates do.
    is_template: bool,
}

impl ReadError {
    pub(crate) fn new(problem: Problem, offset: usize) -> Self {
        Self {
            problem,
            offset,
            position: None,
            is_template: false,
        }
    }

    /// The same, with its line and column.
    pub(crate) fn located(mut self, text: &str) -> Self {
        self.is_template =
            matches!(self.problem, Problem::KeyNotText | Problem::Yaml(_)) && has_template(text, self.offset);
        if !matches!(self.problem, Problem::TooLarge(_)) {
            self.position = Some(Lines::new(text).position(text, self.offset));
        }
        self
    }

    /// The same error, in a text with this many more lines before it.
    pub(crate) fn below(mut self, lines: u32) -> Self {
        self.position = self.position.map(|position| position.below(lines));
        self
    }

    /// Returns the reason why the document cannot be read.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Returns the byte offset where the problem was found.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Returns the line and the column where the problem was found. `None` if the bytes are not text, or if the
    /// document is too large to be read.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// Converts the error to an [`Error`] for users, such as `the kubeconfig is not valid YAML: ...`. `what` names the
    /// document, and `origin` is where it comes from.
    pub fn into_error(self, what: &str, origin: &Origin) -> Error {
        let origin = match self.position {
            Some(position) => origin.clone().position(position.line, position.column),
            None => origin.clone(),
        };
        if let Problem::TomlDuplicateKey { keys, first_line } = &self.problem {
            let origin = keys.iter().fold(origin, |origin, key| origin.key(key));
            return Error::new(ErrorKind::DuplicateName, "the key is written twice")
                .with_origin(&origin)
                .with_help(remove_one_of_the_two(*first_line));
        }
        let malformed = |why: &dyn fmt::Display| {
            Error::new(ErrorKind::MalformedDocument, format_args!("{what} {why}")).with_origin(&origin)
        };
        if self.is_template {
            return malformed(&"contains a template that was not filled in")
                .with_help("render the template first");
        }
        let error = malformed(&self.problem);
        match self.problem {
            Problem::Tab(_) => error.with_help("replace the tab with spaces"),
            _ => error,
        }
    }
}

/// How much of a line is looked at for a template.
const LONGEST_LOOKED_AT: usize = 1024;

/// Whether the line around this byte contains the beginning of a template.
fn has_template(text: &str, offset: usize) -> bool {
    let bytes = text.as_bytes();
    let offset = offset.min(bytes.len());
    let before = bytes
        .get(offset.saturating_sub(LONGEST_LOOKED_AT)..offset)
        .unwrap_or_default();
    let after = bytes.get(offset..).unwrap_or_default();
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    let start = before.iter().rposition(is_break).map_or(0, |at| at + 1);
    let end = after.iter().take(LONGEST_LOOKED_AT).position(is_break);
    let line_before = before.get(start..).unwrap_or_default();
    let line_after = after
        .get(..end.unwrap_or(after.len().min(LONGEST_LOOKED_AT)))
        .unwrap_or_default();
    let line = [line_before, line_after].concat();
    line.windows(2).any(|pair| matches!(pair, b"{{" | b"{%"))
}

/// What to do about a key that is written twice.
pub(crate) fn remove_one_of_the_two(first_line: u32) -> String {
    format!("remove this key or the one on line {first_line}")
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the document {}", self.problem)?;
        match self.position {
            Some(Position { line, column }) => write!(f, " at {line}:{column}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ReadError {}
