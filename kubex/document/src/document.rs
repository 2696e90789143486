//! A document with its text and its nodes.

use std::fmt;
use std::sync::OnceLock;

use kubex_core::{ExposeSecret as _, SecretBytes};

use crate::budget::{Budget, Format};
use crate::builder::Tree;
use crate::error::{Problem, ReadError};
use crate::json::{self, NotRead};
use crate::lines::{Lines, Position};
use crate::simple;
use crate::text::{Decoded, Text};
use crate::yaml;

/// A parsed document. It owns its text, which is wiped on drop. Its nodes refer to parts of the text.
///
/// ```
/// use kubex_document::{Budget, Document, Format};
///
/// let text = "users:\n- name: jane\n  user: {token: 0777}\n";
/// let document = Document::read(text.as_bytes().to_vec().into(), Format::Yaml, &Budget::KUBECONFIG)?;
/// let user = document.root().get("users").and_then(|users| users.items().next()).unwrap();
/// assert_eq!(user.get("name").and_then(|name| name.as_str()), Some("jane"));
/// let token = user.get("user").and_then(|user| user.get("token")).unwrap();
/// assert_eq!((token.position().line, token.position().column), (3, 17));
/// assert_eq!(token.kind().type_name(), "a number");
/// # Ok::<(), kubex_document::ReadError>(())
/// ```
pub struct Document {
    pub(crate) text: Text,
    pub(crate) decoded: Decoded,
    pub(crate) tree: Tree,
    pub(crate) rest: Option<usize>,
    /// The number of lines before this text, if it is a part of a larger text.
    pub(crate) lines_before: u32,
    lines: OnceLock<Lines>,
}

impl Document {
    /// Reads the first document of a text in UTF-8. UTF-16 is also accepted, if the text begins with a byte order
    /// mark.
    ///
    /// # Errors
    /// Returns an error if the text is not valid in this format, or if it exceeds the budget. The error contains the position,
    /// but no part of the text.
    pub fn read(content: SecretBytes, format: Format, budget: &Budget) -> Result<Self, ReadError> {
        let most = budget.most_bytes();
        if content.expose_secret().len() > most {
            return Err(ReadError::new(Problem::TooLarge(most), 0));
        }
        Self::parse(Text::new(content)?, format, budget)
    }

    /// Reads the first document of a decoded text.
    ///
    /// # Errors
    /// Returns the errors of [`read`](Self::read).
    pub fn parse(text: Text, format: Format, budget: &Budget) -> Result<Self, ReadError> {
        Self::parse_at(text, format, budget, 0)
    }

    /// Reads a part of a larger YAML text. The part must be a complete document by itself. `start` is where it begins in the
    /// larger text.
    ///
    /// [Positions](crate::Node::position) of nodes refer to the larger text. [Spans](crate::Node::span) refer to
    /// [`text`](Self::text), which contains only the part.
    ///
    /// # Errors
    /// Returns the errors of [`read`](Self::read).
    ///
    /// ```
    /// use kubex_document::{Budget, Document, Position};
    ///
    /// // The second line of a list, after its dash.
    /// let start = Position { line: 2, column: 3 };
    /// let part = Document::read_part("name: jane\n  user: {token: abc}\n", start, &Budget::KUBECONFIG)?;
    /// let user = part.root().get("user").unwrap();
    /// assert_eq!(user.position(), Position { line: 3, column: 9 });
    /// # Ok::<(), kubex_document::ReadError>(())
    /// ```
    pub fn read_part(part: &str, start: Position, budget: &Budget) -> Result<Self, ReadError> {
        Self::read_pieces(&[part], start, budget)
    }

    /// Like [`read_part`](Self::read_part), for a part that is split into pieces.
    ///
    /// # Errors
    /// Returns the errors of [`read`](Self::read).
    pub fn read_pieces(pieces: &[&str], start: Position, budget: &Budget) -> Result<Self, ReadError> {
        // The columns of the first line matter, because the indentation determines the block collections.
        let before = start.column.saturating_sub(1) as usize;
        let length: usize = pieces.iter().map(|piece| piece.len()).sum();
        let mut text = String::with_capacity(before + length);
        text.extend(std::iter::repeat_n(' ', before));
        text.extend(pieces.iter().copied());
        Self::parse_at(text.into(), Format::Yaml, budget, start.line.saturating_sub(1))
    }

    fn parse_at(text: Text, format: Format, budget: &Budget, lines_before: u32) -> Result<Self, ReadError> {
        let (tree, decoded, rest) = parse(text.as_str(), format, budget)
            .map_err(|error| error.located(text.as_str()).below(lines_before))?;
        Ok(Self {
            text,
            decoded,
            tree,
            rest,
            lines_before,
            lines: OnceLock::new(),
        })
    }

    /// Returns the text without its byte order mark. All spans are ranges of this text.
    pub fn text(&self) -> &str {
        self.text.as_str()
    }

    /// Returns the line and the column of this byte of the text.
    pub fn position(&self, offset: usize) -> Position {
        let text = self.text.as_str();
        let lines = self.lines.get_or_init(|| Lines::new(text));
        lines.position(text, offset).below(self.lines_before)
    }

    /// Returns the offset of the content after the first document, such as a second document. This content is not
    /// parsed. `None` if nothing follows.
    pub fn rest(&self) -> Option<usize> {
        self.rest
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Document")
            .field("text", &self.text)
            .field("nodes", &self.tree.entries.len())
            .finish_non_exhaustive()
    }
}

type Parts = (Tree, Decoded, Option<usize>);

fn parse(text: &str, format: Format, budget: &Budget) -> Result<Parts, ReadError> {
    match format {
        Format::Yaml => {
            if json::begins_like_json(text) {
                match json::parse(text, budget) {
                    Ok((tree, decoded)) => return Ok((tree, decoded, None)),
                    Err(NotRead::Refused(error)) => return Err(error),
                    Err(NotRead::NotJson) => {}
                }
            }
            if let Some(tree) = simple::read(text, budget) {
                return Ok((tree, Decoded::default(), None));
            }
            let parsed = yaml::parse(text, budget)?;
            Ok((parsed.tree, parsed.decoded, parsed.rest))
        }
        #[cfg(feature = "toml")]
        Format::Toml => {
            let (tree, decoded) = crate::toml::parse(text, budget)?;
            Ok((tree, decoded, None))
        }
    }
}
