//! Reading a kubeconfig without decoding it: which entries there are, what they are called, and where each stands.
//!
//! A kubeconfig of many contexts is mostly certificates that nobody asks for. So files in the block form that
//! tools write are gone through once, line by line, and only what is chosen afterwards is given to the YAML parser.
//! That must not change anything that anybody sees. It does not, for these reasons:
//!
//! 1. **What is understood is a language of its own, smaller than YAML**: the lines of [`line`]: one key, one item or
//!    one comment on each, with values whose form alone says that they are complete and valid. What is not in it is
//!    not guessed at: [`read`] gives up, and the YAML parser reads the whole document. That is so for anchors, aliases,
//!    tags, merge keys, flow collections that are not empty, quotes with escapes or over several lines, plain texts
//!    over several lines, comments behind a value, tabs, characters beyond ASCII, directives and further documents.
//! 2. **A document of that language is valid YAML.** Its indentation is followed by the one rule that block
//!    collections have ([`Outline`]), and no line in it can be an error of the scanner. So no error is missed in what
//!    is passed over.
//! 3. **Nothing in it earns a warning that is not given.** A key that is written twice makes [`read`] give up.
//! 4. **An entry stands for itself.** Without anchors its lines mean the same alone as within the document, so it is
//!    decoded by the very parser that would have read it there ([`document::value`](crate::document::value)).
//!
//! Property tests hold this way and the parser's equal, on generated documents and on mutations of them.

mod line;
mod outline;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use line::text;
pub(crate) use read::{Item, Part, Spot, read};
