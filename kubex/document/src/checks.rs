//! Problems of a document that was parsed: duplicate keys, merge keys, further documents.

use kubex_core::error::Problems;
use kubex_core::{Error, ErrorKind, Origin, Result, Warning};

use crate::collection::Key;
use crate::document::Document;
use crate::error::remove_one_of_the_two;
use crate::lines::Position;
use crate::node::Node;
use crate::value::Places;

/// A duplicate key of a mapping. The value of its last occurrence is used.
#[derive(Clone, Copy, Debug)]
pub struct DuplicateKey<'d> {
    /// An occurrence of the key whose value is ignored.
    pub first: Key<'d>,
    /// The next occurrence of the same key.
    pub second: Key<'d>,
    index: u32,
}

impl Document {
    /// Returns the duplicate keys, at most 20.
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

    /// Returns the first merge key (`<<`), or `None` if the document has none.
    pub fn merge_key(&self) -> Option<Key<'_>> {
        self.tree.merge_key.map(|index| Key::new(Node::new(self, index)))
    }

    /// Returns warnings about duplicate keys, and about further documents, which are not read. Use it for a document
    /// that is read leniently, such as a kubeconfig.
    pub fn warnings(&self, origin: &Origin) -> Vec<Warning> {
        let several = self.rest.map(|_| {
            Warning::new("several-documents", "only the first document of the file is read")
                .with_origin(origin)
        });
        let duplicates = self.duplicates().map(|duplicate| {
            let message = "the key is written twice; the last value is used";
            let origin = self.origin_of_key(duplicate.index, origin.clone(), Places::Values);
            Warning::new("duplicate-key", message).with_origin(&origin)
        });
        several.into_iter().chain(duplicates).collect()
    }

    /// Checks that the document contains no duplicate keys, no merge keys and no further documents. Use it for a document that
    /// is read strictly, such as Kubex's own configuration. `what` names the document in errors, such as `the configuration`.
    ///
    /// # Errors
    /// Returns all problems in one error:
    ///
    /// - [`ErrorKind::DuplicateName`]: a key occurs twice.
    /// - [`ErrorKind::MalformedDocument`]: there is a merge key or a further document.
    pub fn check_strictly(&self, what: &str, origin: &Origin) -> Result<()> {
        let mut problems = Problems::new();
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
            let message = format_args!("{what} has a merge key (<<), which is not supported");
            problems.add(
                Error::new(ErrorKind::MalformedDocument, message)
                    .with_origin(&origin)
                    .with_help("write the keys themselves, or use an alias for the whole value"),
            );
        }
        if let Some(rest) = self.rest {
            let Position { line, column } = self.position(rest);
            let message = format_args!("{what} contains more than one document");
            let origin = origin.clone().position(line, column);
            problems.add(
                Error::new(ErrorKind::MalformedDocument, message)
                    .with_origin(&origin)
                    .with_help("remove this document, or move it to its own file"),
            );
        }
        problems.into_result()
    }
}
