//! Reads YAML, JSON and TOML documents into a tree that records the position and the style of each node.
//!
//! Kubex reads kubeconfigs and its own configuration with it. For typed data without positions, use serde.
//!
//! ```
//! use kubex_core::Origin;
//! use kubex_document::{Budget, Conversion, Document, Format};
//!
//! let bytes = b"current-context: prod\ncurrent-context: dev\n".to_vec();
//! let document = Document::read(bytes.into(), Format::Yaml, &Budget::KUBECONFIG)?;
//! let origin = Origin::file("/home/jane/.kube/config");
//!
//! let value = document.root().to_value(origin.clone(), Conversion::KUBECONFIG);
//! let context = value.get("current-context").unwrap();
//! assert_eq!(context.as_str(), Some("dev"));
//! assert_eq!(context.origin().to_string(), "/home/jane/.kube/config:2:18, current-context");
//! assert_eq!(document.warnings(&origin).len(), 1);
//!
//! let error = Document::read(b"users: [".to_vec().into(), Format::Yaml, &Budget::KUBECONFIG).unwrap_err();
//! assert_eq!(
//!     error.into_error("the kubeconfig", &origin).to_string(),
//!     "the kubeconfig is not valid YAML: expected a value (/home/jane/.kube/config:1:9)"
//! );
//! # Ok::<(), kubex_document::ReadError>(())
//! ```
//!
//! | subject | rule |
//! |---|---|
//! | encoding | UTF-8 or, with a byte order mark, UTF-16; the text is kept once and wiped on drop |
//! | YAML | libyaml's grammar, which kubectl reads; scalars follow go-yaml's rules: `0777`, `1_000` and `1e3` are numbers, dates are text, `yes` is a text that [`Node::as_yaml_1_1_boolean`] reads |
//! | JSON | a text that begins with `{` is read as JSON if it is valid JSON, otherwise as YAML |
//! | TOML | the same tree, with the feature `toml` |
//! | tags | those of YAML's core are applied, and `!!binary` is decoded; an unknown tag that would change the value is an error |
//! | aliases, merge keys | followed without a copy; the [`Budget`] limits their expansion |
//! | a duplicate key | the last one is used; [`Document::duplicates`] contains both positions |
//! | further documents | not read; [`Document::rest`] is the start of the next one |
//! | positions | [`Node::span`] in bytes; [`Node::position`] in lines and characters, in constant time |
//! | errors | [`ReadError`]: the problem and its position, never a part of the document |

#![forbid(unsafe_code)]

mod budget;
mod builder;
mod bytes;
mod checks;
mod collection;
mod cursor;
mod document;
#[cfg(feature = "edit")]
pub mod edit;
mod error;
mod json;
mod keys;
mod lines;
mod node;
mod outline;
mod resolve;
mod simple;
mod span;
mod style;
mod tag;
mod text;
#[cfg(feature = "toml")]
mod toml;
mod tree;
mod value;
mod yaml;

pub use budget::{Budget, Format};
pub use checks::DuplicateKey;
pub use collection::{Entries, Items, Key};
pub use document::Document;
pub use error::{Problem, ReadError};
pub use lines::Position;
pub use node::{Kind, Node, NodeId};
pub use outline::{OutlinedField, OutlinedItem, Slice, outline};
/// Compares the reader of simple documents with that of all YAML. It exists only in builds of cargo-fuzz.
#[cfg(fuzzing)]
#[doc(hidden)]
pub use simple::compare::both_ways;
pub use span::Span;
pub use style::Style;
pub use text::Text;
pub use value::{Conversion, Places};
