//! Reads one kubeconfig file: as a whole, or as an outline whose selected entries are read later.

use std::path::Path;
use std::sync::Arc;

use kubex_core::{Origin, Warning};
use kubex_document::{Budget, Document, Format, OutlinedField, OutlinedItem, ReadError, Text};

use crate::section::Section;

/// The smallest text that is outlined. Reading a smaller one as a whole is as fast.
const SMALLEST_OUTLINED: usize = 4 * 1024;

/// A kubeconfig file, or a kubeconfig that the program passes as bytes.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) origin: Origin,
    /// Where relative paths start; `None` if the kubeconfig came as bytes or from a pipe, which are in no directory.
    pub(crate) directory: Option<Arc<Path>>,
}

/// A file that was read, with its warnings.
#[derive(Debug)]
pub(crate) struct ParsedFile {
    pub(crate) file: File,
    pub(crate) text: Text,
    /// The top-level fields, in the order of the document.
    pub(crate) fields: Vec<FieldSource>,
    pub(crate) warnings: Vec<Warning>,
}

/// Where the top-level fields of a document are.
#[derive(Debug)]
pub(crate) enum FieldSource {
    /// The entries of the root of this document.
    Read(Arc<Document>),
    /// The items of a list that are not read yet.
    Outlined(Section, Arc<Text>, Vec<OutlinedItem>),
}

impl FieldSource {
    pub(crate) fn document(&self) -> Option<&Arc<Document>> {
        match self {
            Self::Read(document) => Some(document),
            Self::Outlined(..) => None,
        }
    }
}

/// Reads a file: YAML or JSON, in UTF-8 or, with a byte order mark, UTF-16.
pub(crate) fn parse(text: Result<Text, ReadError>, file: File) -> kubex_core::Result<ParsedFile> {
    let refuse = |error: ReadError| error.into_error("the kubeconfig", &file.origin);
    let text = text.map_err(refuse)?;
    let is_large = text.as_str().len() >= SMALLEST_OUTLINED;
    match is_large.then(|| outline(text.as_str())).flatten() {
        Some(fields) => outlined(text, fields, file),
        None => whole(text, file),
    }
}

/// A file that is read as a whole.
pub(crate) fn whole(text: Text, file: File) -> kubex_core::Result<ParsedFile> {
    let refuse = |error: ReadError| error.into_error("the kubeconfig", &file.origin);
    let document = Document::parse(text.clone(), Format::Yaml, &Budget::KUBECONFIG).map_err(refuse)?;
    document.mapping().map_err(refuse)?;
    Ok(ParsedFile {
        text,
        warnings: document.warnings(&file.origin),
        fields: vec![FieldSource::Read(Arc::new(document))],
        file,
    })
}

/// The outline of a text, if it has one.
pub(crate) fn outline(text: &str) -> Option<Vec<OutlinedField>> {
    kubex_document::outline(text, &Section::ALL.map(Section::list))
}

/// A file whose lists are not read yet.
pub(crate) fn outlined(text: Text, fields: Vec<OutlinedField>, file: File) -> kubex_core::Result<ParsedFile> {
    let shared = Arc::new(text.clone());
    let read = |document: Result<Document, ReadError>| {
        let document = document.map_err(|error| error.into_error("the kubeconfig", &file.origin))?;
        Ok(FieldSource::Read(Arc::new(document)))
    };
    let budget = &Budget::KUBECONFIG;
    let fields = fields.into_iter().filter_map(|field| match field {
        OutlinedField::List(list, items) => {
            let section = *Section::ALL.get(list)?;
            Some(Ok(FieldSource::Outlined(section, Arc::clone(&shared), items)))
        }
        OutlinedField::Values(slice) => Some(read(slice.read(text.as_str(), budget))),
        OutlinedField::Members(slice) => Some(read(slice.read_members(text.as_str(), budget))),
    });
    Ok(ParsedFile {
        fields: fields.collect::<kubex_core::Result<_>>()?,
        text,
        warnings: Vec::new(),
        file,
    })
}
