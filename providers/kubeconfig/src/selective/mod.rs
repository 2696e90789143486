//! Reading a kubeconfig without decoding it: which entries there are, what they are called, and where each stands.
//!
//! A kubeconfig of many contexts is mostly certificates that nobody asks for. So files in the forms that tools write
//! are gone through once, and only what is chosen afterwards is decoded. An entry that is not chosen costs some 200
//! bytes and owns nothing; its name is found by a hash of the text where it stands ([`names`](crate::names)).
//!
//! | file | what it is |
//! |---|---|
//! | `line.rs`, `outline.rs`, `read.rs` | YAML in block form: a line, the collections around it, the document |
//! | `json.rs` | JSON, in one pass |
//! | `decode.rs` | the value of a part, once somebody wants it |
//! | `told.rs`, `tests.rs` | what both ways tell, and that it is the same |
//!
//! # Why it is right
//!
//! Nothing that anybody sees may change by it: results, errors, warnings, places.
//!
//! 1. **What is understood is a language of its own, smaller than YAML and than JSON.** What is not in it is not
//!    guessed at: [`read`] gives up, and the parser reads the whole document, as if there were no other way.
//!
//!    | form | not in the language |
//!    |---|---|
//!    | YAML | anchors, aliases, tags, merge keys, flow collections that are not empty, quotes with escapes or over several lines, plain texts over several lines, comments behind a value, directives, further documents, tabs |
//!    | JSON | fractions, exponents and numbers of more than 15 digits; halves of surrogate pairs; keys with escapes; tabs |
//!    | both | characters beyond ASCII, keys that are more than letters, digits and `-_./`, a key that is written twice, mappings of more than 256 keys, collections nested deeper than 24, an entry that is no mapping |
//!
//! 2. **A document of that language is valid.** In YAML no line of it can be an error of the scanner, and its indentation
//!    is followed by the one rule that block collections have ([`outline`]). In JSON every byte is checked against the
//!    grammar, also of what is passed over. So no error is missed.
//! 3. **Nothing in it earns a warning that is not given.** Only a key that is written twice would, and further
//!    documents; both make [`read`] give up.
//! 4. **An entry stands for itself.** Without anchors its text means the same alone as within the document. What is a text
//!    for sure, by its first letter or its quotes, is taken as it is; numbers, words and block scalars are told by the very
//!    parser that would have read them there.
//! 5. **A place is looked up, not computed twice.** The reader says where a part begins and on which line; everything
//!    below it is found by [`layout`](crate::layout), which both ways share.
//!
//! One thing is not the same on purpose: the bounds that keep the YAML parser from taking too much time (so many
//! separators, so many brackets at once) are for documents that it reads. This way takes time and memory in
//! proportion to the text, which is bounded itself.
//!
//! Property tests hold both ways equal, on generated documents and on mutations of them, and so does the fuzz target
//! `both_ways`.

mod decode;
mod json;
mod line;
mod outline;
mod read;
#[cfg(test)]
mod tests;
#[cfg(any(test, fuzzing))]
pub(crate) mod told;

pub(crate) use decode::{value, written};
pub(crate) use read::{Item, Part, Spot, read};

/// Whether a document that was read is JSON: one in block form does not begin so.
fn is_json(text: &str) -> bool {
    text.trim_start().starts_with('{')
}
