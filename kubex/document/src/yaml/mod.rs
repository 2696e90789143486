//! Reads YAML by libyaml's grammar, as kubectl does.
//!
//! No crate has this grammar in safe code that stays linear and does not panic (the README has the comparison), so
//! this is a port of libyaml's scanner and parser. It differs in two ways: texts are positions in the document and not
//! copies, and the parser is recursive, because the budget limits the depth.
//!
//! | file | what it is |
//! |---|---|
//! | `characters.rs` | the characters that YAML does not allow |
//! | `cursor.rs` | a position in the text that moves forward |
//! | `scanner.rs`, `token.rs` | from text to tokens; keys and indentation |
//! | `scalars.rs`, `block.rs` | the tokens that are texts |
//! | `properties.rs` | directives, anchors, aliases, tags |
//! | `parser.rs`, `collections.rs` | from tokens to nodes |

mod block;
mod characters;
mod collections;
mod cursor;
mod parser;
mod properties;
mod scalars;
mod scanner;
mod token;

pub(crate) use parser::parse;
