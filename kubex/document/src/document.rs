//! A document that was read: its text, its nodes, and what its user should know of it.

use std::fmt;
use std::sync::OnceLock;

use kubex_core::error::Problems;
use kubex_core::{Error, ErrorKind, ExposeSecret as _, Origin, Result, SecretBytes, Warning};

use crate::budget::{Budget, Format};
use crate::builder::Tree;
use crate::error::{Problem, ReadError, remove_one_of_the_two};
use crate::json::{self, NotRead};
use crate::lines::{Lines, Position};
use crate::node::{Key, Kind, Node};
use crate::text::{Decoded, Text};
use crate::value::Places;
use crate::yaml;

/// A document: its text, which is kept once and wiped on drop, and its nodes, which are places in the text.
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
    rest: Option<usize>,
    lines: OnceLock<Lines>,
}

/// A key that is written twice in its mapping. The last one counts.
#[derive(Clone, Copy, Debug)]
pub struct DuplicateKey<'d> {
    /// The one that does not count.
    pub first: Key<'d>,
    /// The one that follows.
    pub second: Key<'d>,
    index: u32,
}

impl Document {
    /// Reads the first document of a text, in UTF-8 or, with a byte order mark, UTF-16.
    ///
    /// # Errors
    /// Where it is not of the format, or is more than the budget. The error names the place and quotes nothing.
    pub fn read(content: SecretBytes, format: Format, budget: &Budget) -> Result<Self, ReadError> {
        let most = budget.most_bytes();
        if content.expose_secret().len() > most {
            return Err(ReadError::new(Problem::TooLarge(most), 0));
        }
        let text = Text::new(content)?;
        let (tree, decoded, rest) =
            parse(text.as_str(), format, budget).map_err(|error| error.located(text.as_str()))?;
        Ok(Self {
            text,
            decoded,
            tree,
            rest,
            lines: OnceLock::new(),
        })
    }

    /// The outermost node; null where the document is empty.
    pub fn root(&self) -> Node<'_> {
        Node::new(self, 0)
    }

    /// The outermost node, which must be a mapping or nothing.
    ///
    /// # Errors
    /// [`Problem::NotMapping`].
    pub fn mapping(&self) -> Result<Node<'_>, ReadError> {
        let root = self.root();
        if root.is_blank() || root.kind() == Kind::Mapping {
            return Ok(root);
        }
        let problem = Problem::NotMapping(root.kind().type_name());
        Err(ReadError::new(problem, root.span().start()).located(self.text()))
    }

    /// The text, without its byte order mark. Spans are places in it.
    pub fn text(&self) -> &str {
        self.text.as_str()
    }

    /// Line and column of a byte of the text.
    pub fn position(&self, offset: usize) -> Position {
        let text = self.text.as_str();
        let lines = self.lines.get_or_init(|| Lines::new(text));
        lines.position(text, offset)
    }

    /// Where something stands behind the document, which is not read: further documents.
    pub fn rest(&self) -> Option<usize> {
        self.rest
    }

    /// The keys that are written twice, at most 20.
    pub fn duplicates(&self) -> impl Iterator<Item = DuplicateKey<'_>> {
        self.tree.duplicates.iter().map(|duplicate| {
            let key = |index| Key::new(Node::new(self, index));
            DuplicateKey {
                first: key(duplicate.first),
                second: key(duplicate.second),
                index: duplicate.second,
            }
        })
    }

    /// The first merge key (`<<`).
    pub fn merge_key(&self) -> Option<Key<'_>> {
        self.tree.merge_key.map(|index| Key::new(Node::new(self, index)))
    }

    /// What a user should know of a document that is read leniently, as a kubeconfig is.
    pub fn warnings(&self, origin: &Origin) -> Vec<Warning> {
        let several = self.rest.map(|_| {
            Warning::new("several-documents", "only the first document of the file is read")
                .with_origin(origin)
        });
        let duplicates = self.duplicates().map(|duplicate| {
            let message = "the key is written twice, and the last one counts";
            let origin = self.origin_of_key(duplicate.index, origin.clone(), Places::Values);
            Warning::new("duplicate-key", message).with_origin(&origin)
        });
        several.into_iter().chain(duplicates).collect()
    }

    /// Refuses what a document that is read strictly, as Kubex's own configuration is, may not have: keys that are
    /// written twice, merge keys, further documents. All of them are in the error.
    ///
    /// # Errors
    /// `DuplicateName` or `MalformedDocument`.
    pub fn check_strictly(&self, what: &str, origin: &Origin) -> Result<()> {
        let mut problems = Problems::default();
        for duplicate in self.duplicates() {
            let origin = self.origin_of_key(duplicate.index, origin.clone(), Places::Keys);
            let line = duplicate.first.position().line;
            problems.add(
                Error::new(ErrorKind::DuplicateName, "the key is written twice")
                    .with_origin(&origin)
                    .with_help(remove_one_of_the_two(line)),
            );
        }
        if let Some(index) = self.tree.merge_key {
            let origin = self.origin_of_mapping(index, origin.clone());
            let message = format_args!("{what} has a merge key (<<)");
            problems.add(
                Error::new(ErrorKind::MalformedDocument, message)
                    .with_origin(&origin)
                    .with_help("write the keys out, or give the whole value an alias"),
            );
        }
        if let Some(rest) = self.rest {
            let Position { line, column } = self.position(rest);
            let message = format_args!("{what} has more than one document in it");
            let origin = origin.clone().position(line, column);
            problems.add(Error::new(ErrorKind::MalformedDocument, message).with_origin(&origin));
        }
        problems.into_result()
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
