//! Makes text from other programs and from files safe to print.
//!
//! Names, paths, output of plugins and messages of servers appear in errors, in reports and on terminals. They are not
//! trusted: an escape sequence can change the screen, a right-to-left override can make `evil.example` look like
//! another name, and a plugin may print its own token.
//!
//! | function | use it for | it hides |
//! |---|---|---|
//! | [`sanitize`], [`sanitize_line`] | every text that is printed | secrets that this process knows, texts that are clearly secrets, control characters |
//! | [`without_secrets`] | data for a program, in a format that escapes control characters | secrets that this process knows, texts that are clearly secrets |
//! | [`Mask`] | output of plugins, messages of servers | the same as `without_secrets`, and the value after a key such as `token=` |
//! | [`mask_address`] | the address of a server or a proxy | the user name and the password, even if the address is malformed |
//! | [`mask_arguments`] | the arguments of a plugin | the values of flags such as `--token` |
//! | [`clean`], [`clean_line`] | text that is meant to contain secrets | control characters only |
//!
//! ```
//! use kubex_core::text::sanitize_line;
//! assert_eq!(sanitize_line("prod\u{1b}[31m"), "prodU+001B[31m");
//! ```

mod address;
mod arguments;
mod key;
mod looks;
mod mask;
mod path;
mod sanitize;
mod shell;

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write as _;

pub use address::mask_address;
pub use arguments::{mask_arguments, secret_arguments};
pub use key::{looks_like_a_key, names_a_secret, shown_key};
pub use mask::Mask;
pub(crate) use path::has_blank_at_an_end;
pub use path::{NotAPath, check_path, not_a_path, shown_path};
pub use sanitize::{Sanitized, sanitize, sanitize_line, without_secrets, write_sanitized};
pub use shell::shell_word;

/// The text that replaces a secret.
pub const MASKED: &str = "[masked]";

/// Cleans a text for one line. Control characters (including line breaks and tabs), bidirectional controls and
/// invisible characters are replaced by their `U+XXXX` names.
///
/// ```
/// use kubex_core::text::clean_line;
/// assert_eq!(clean_line("two\nlines"), "twoU+000Alines");
/// ```
pub fn clean_line(text: &str) -> Cow<'_, str> {
    if is_printable_ascii(text) {
        return Cow::Borrowed(text);
    }
    replace(text, |c| c.is_control() || is_deceptive(c))
}

/// Whether a text is clean at first sight, as most are.
fn is_printable_ascii(text: &str) -> bool {
    let is_printable = |byte: u8| matches!(byte, b' '..=b'~');
    text.bytes().fold(true, |all, byte| all & is_printable(byte))
}

/// Cleans a text of several lines. It replaces the same characters as [`clean_line`], but keeps line feeds and tabs,
/// and changes `\r\n` to `\n`.
///
/// ```
/// use kubex_core::text::clean;
/// assert_eq!(clean("two\r\nlines\u{7}"), "two\nlinesU+0007");
/// ```
pub fn clean(text: &str) -> Cow<'_, str> {
    let unix = if text.contains("\r\n") {
        Cow::Owned(text.replace("\r\n", "\n"))
    } else {
        Cow::Borrowed(text)
    };
    match unix {
        Cow::Borrowed(text) => replace(text, is_unfit_for_paragraph),
        Cow::Owned(text) => Cow::Owned(replace(&text, is_unfit_for_paragraph).into_owned()),
    }
}

fn is_unfit_for_paragraph(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t') || is_deceptive(c)
}

/// Characters that change how the text around them is displayed, or that are invisible.
fn is_deceptive(c: char) -> bool {
    matches!(c,
        // Noncharacters; the command marks its colours with some of them.
        '\u{fdd0}'..='\u{fdef}'
        | '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

fn replace(text: &str, unfit: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.contains(&unfit) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if unfit(c) {
            // Writing to a String cannot fail.
            let _ = write!(cleaned, "U+{:04X}", u32::from(c));
        } else {
            cleaned.push(c);
        }
    }
    Cow::Owned(cleaned)
}

/// Returns the known name that is most similar to `written`, to be suggested to the user. `None` if no name is similar
/// enough.
///
/// ```
/// use kubex_core::text::nearest;
/// assert_eq!(nearest("prodd", &["prod", "staging"]), Some("prod"));
/// assert_eq!(nearest("elsewhere", &["prod", "staging"]), None);
/// ```
pub fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    nearest_within(written, known, |longer| (longer / 3).max(1))
}

/// Returns the known name that is most similar to `written`. `None` if it differs by more than `most(length)` typing
/// errors, where `length` is the number of characters of the longer name. Case is ignored.
///
/// ```
/// use kubex_core::text::nearest_within;
///
/// let one_error = |_length| 1;
/// assert_eq!(nearest_within("Prodd", &["prod", "staging"], one_error), Some("prod"));
/// assert_eq!(nearest_within("production", &["prod", "staging"], one_error), None);
/// ```
pub fn nearest_within<'a>(
    written: &str,
    known: &[&'a str],
    most: impl Fn(usize) -> usize,
) -> Option<&'a str> {
    known
        .iter()
        .map(|name| {
            (
                strsim::damerau_levenshtein(&written.to_lowercase(), &name.to_lowercase()),
                *name,
            )
        })
        .min()
        .filter(|(distance, name)| *distance <= most(name.chars().count().max(written.chars().count())))
        .map(|(_, name)| name)
}

/// Iterates over an error and its causes. The error itself is the first.
///
/// ```
/// use kubex_core::text::causes;
/// use kubex_core::{Error, ErrorKind};
///
/// let cause = std::io::Error::other("closed by the server");
/// let error = Error::new(ErrorKind::Unavailable, "the vault does not respond").with_source(cause);
/// let texts: Vec<String> = causes(&error).map(ToString::to_string).collect();
/// assert_eq!(texts, ["the vault does not respond", "closed by the server"]);
/// ```
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| (*cause).source())
}

/// Returns the messages of an error from another crate and of its causes, on one line. Everything that looks like a
/// secret is masked.
///
/// ```
/// use kubex_core::text::messages;
/// let error = std::io::Error::other("closed\nby the server");
/// assert_eq!(messages(&error), "closedU+000Aby the server");
/// ```
pub fn messages(error: &(dyn Error + 'static)) -> String {
    let mut messages = String::new();
    for cause in causes(error) {
        let message = cause.to_string();
        if messages.is_empty() {
            messages = message;
        } else if !messages.ends_with(&message) {
            // Errors often repeat the message of their cause, which is then not added again.
            messages.push_str(": ");
            messages.push_str(&message);
        }
    }
    Mask::new().apply(&clean_line(&messages))
}

/// Returns whether brackets and braces are nested deeper than `deepest`. Brackets within quotes count too. Call it before a
/// YAML parser, because parsers need quadratic time for deep nesting.
///
/// ```
/// use kubex_core::text::is_nested_deeper_than;
/// assert!(is_nested_deeper_than(3, "[[[["));
/// assert!(!is_nested_deeper_than(3, "[[[]]] [[[]]]"));
/// ```
pub fn is_nested_deeper_than(deepest: usize, text: &str) -> bool {
    let mut depth: usize = 0;
    text.bytes().any(|byte| {
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > deepest
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_and_bidi_characters_are_replaced() {
        assert_eq!(
            clean_line("a\u{1b}]8;;x\u{7}b\r\n\u{202e}c"),
            "aU+001B]8;;xU+0007bU+000DU+000AU+202Ec"
        );
        assert_eq!(clean("one\r\ntwo\tthree\rfour"), "one\ntwo\tthreeU+000Dfour");
        assert!(matches!(clean_line("plain ünïcode"), Cow::Borrowed(_)));
    }
}
