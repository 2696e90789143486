//! Edits kubeconfig files. Only single values change; every other byte stays the same.
//!
//! ```
//! use kubex_document::{Budget, Document, Format};
//! use kubex_document::edit::{apply, replace_scalar};
//!
//! let text = "users:\n- name: jane  # on call\n  user: {token: 'old'}\n";
//! let document = Document::read(text.as_bytes().to_vec().into(), Format::Yaml, &Budget::KUBECONFIG)?;
//! let user = document.root().get("users").unwrap().items().next().unwrap().get("user").unwrap();
//! let edit = replace_scalar(text, user.get("token").unwrap(), "new");
//! assert_eq!(apply(text, vec![edit]), "users:\n- name: jane  # on call\n  user: {token: 'new'}\n");
//! # Ok::<(), kubex_document::ReadError>(())
//! ```
//!
//! [`KubeconfigFile`] locks and replaces the file.

mod file;
mod text;

pub use file::KubeconfigFile;
pub use text::{
    Edit, apply, entry_before, insertion, quoted, replace_scalar, replace_value, scalar_like, scalar_value,
};
