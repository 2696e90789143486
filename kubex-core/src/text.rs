//! Makes text from outside safe to show.
//!
//! Names, paths, plugin output and server messages appear in errors, reports and terminals. None of them is trusted: an
//! escape sequence can repaint a screen, a right-to-left override can make `evil.example` read as another name, and a
//! plugin may print its own token. [`clean`] and [`clean_line`] prevent the first two, a [`Mask`] the third.
//!
//! ```
//! use kubex_core::text::clean_line;
//! assert_eq!(clean_line("prod\u{1b}[31m"), "prodU+001B[31m");
//! ```

use std::borrow::Cow;
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;

use crate::secret::{ExposeSecret, SecretString};

/// The replacement for a secret in a text.
pub const MASKED: &str = "[masked]";

/// Shorter secrets, in bytes, are not masked: masking every `a` would mask the text itself.
const MIN_MASKED_LENGTH: usize = 4;

/// Cleans a text for one line: control characters (including line breaks and tabs), bidirectional controls and invisible
/// characters are replaced by their `U+XXXX` name.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    replace(text, |c| c.is_control() || is_deceptive(c))
}

/// A path for a message: cleaned, and in quotes if it begins or ends with a blank, which would not be seen.
pub(crate) fn shown_path(path: &Path) -> String {
    let text = path.to_string_lossy();
    let shown = clean_line(&text);
    if has_blank_at_an_end(&shown) {
        format!("\"{shown}\"")
    } else {
        shown.into_owned()
    }
}

/// Whether a text begins or ends with white space.
pub(crate) fn has_blank_at_an_end(text: &str) -> bool {
    text.trim() != text
}

/// Cleans a text of several lines: as [`clean_line`], but keeps line feeds and tabs, and turns `\r\n` into `\n`.
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
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
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

/// The known name that is most similar to the given one, if it is similar enough to suggest.
///
/// ```
/// use kubex_core::text::nearest;
/// assert_eq!(nearest("prodd", &["prod", "staging"]), Some("prod"));
/// assert_eq!(nearest("elsewhere", &["prod", "staging"]), None);
/// ```
pub fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    nearest_within(written, known, |longer| (longer / 3).max(1))
}

/// The most similar known name, if its distance in typing errors is at most `most` of the longer name's length in
/// characters. Case is ignored.
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

/// The causes of an error, the error itself first.
pub fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |cause| (*cause).source())
}

/// The messages of an error from outside and of its causes, on one line and with everything masked that looks like a
/// secret.
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

/// Whether brackets and braces are nested deeper than this. Those within quotes count too. YAML scanners need time
/// quadratic in the depth before they check a limit of their own, so this is checked first.
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

/// Masks secrets in a text for people: known ones, and everything that looks like a secret.
///
/// The latter are JSON web tokens, the word after `Bearer` or `Basic`, the value after a key such as `token=` or
/// `password:`, the user information of a URL, and PEM private keys.
///
/// ```
/// use kubex_core::text::Mask;
/// let mask = Mask::new().hiding("hunter22".into());
/// assert_eq!(mask.apply("login failed: hunter22"), "login failed: [masked]");
/// assert_eq!(mask.apply("token=abc123 rejected"), "token=[masked] rejected");
/// ```
#[derive(Debug, Default)]
pub struct Mask {
    secrets: Vec<SecretString>,
}

impl Mask {
    /// A mask without known secrets. It masks everything that looks like a secret.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also masks this text. Secrets of fewer than four bytes are not masked.
    #[must_use]
    pub fn hiding(mut self, secret: SecretString) -> Self {
        if secret.expose_secret().len() >= MIN_MASKED_LENGTH {
            self.secrets.push(secret);
            // The longest first, so that a secret that contains another is masked as a whole.
            self.secrets
                .sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        }
        self
    }

    /// Returns the text with all secrets masked.
    pub fn apply(&self, text: &str) -> String {
        let mut masked = text.to_owned();
        for secret in &self.secrets {
            masked = masked.replace(secret.expose_secret(), MASKED);
        }
        mask_words(&mask_private_keys(&masked))
    }
}

/// Masks each PEM block whose label contains `PRIVATE KEY`. A block without an end is masked to the end of the text.
fn mask_private_keys(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, block)) = rest.split_once("-----BEGIN ") {
        masked.push_str(before);
        if block
            .split("-----")
            .next()
            .is_some_and(|label| label.contains("PRIVATE KEY"))
        {
            masked.push_str(MASKED);
            rest = match block.split_once("-----END ") {
                Some((_, end)) => end.split_once("-----").map_or("", |(_, after)| after),
                None => "",
            };
        } else {
            masked.push_str("-----BEGIN ");
            rest = block;
        }
    }
    masked.push_str(rest);
    masked
}

/// Masks words that are or contain secrets; separators are kept.
fn mask_words(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut is_secret_next = false;
    let mut named_a_secret = false;
    for piece in text.split_inclusive(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';')) {
        let word = piece.trim_end_matches(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | ';'));
        let separator = piece.get(word.len()..).unwrap_or_default();
        if word.is_empty() {
            masked.push_str(separator);
            continue;
        }
        if is_secret_next || looks_like_jwt(word) {
            masked.push_str(MASKED);
        } else if let Some(shown) = mask_assignment(word) {
            masked.push_str(&shown);
        } else if let Some(shown) = mask_user_information(word) {
            masked.push_str(&shown);
        } else {
            masked.push_str(word);
        }
        // `"id_token": "..."` consists of three words.
        is_secret_next = announces_a_secret(word) || (named_a_secret && matches!(word, ":" | "="));
        named_a_secret = names_a_secret(&word.to_ascii_lowercase());
        masked.push_str(separator);
    }
    masked
}

fn announces_a_secret(word: &str) -> bool {
    let lower = word.to_ascii_lowercase();
    lower == "bearer"
        || lower == "basic"
        || lower.strip_suffix([':', '=']).is_some_and(names_a_secret)
        || lower.strip_prefix("--").is_some_and(names_a_secret)
}

/// Whether a key, flag or variable of this name probably has a secret value: `token`, `--client-secret`, `DB_PASSWORD`.
///
/// ```
/// use kubex_core::text::names_a_secret;
/// assert!(names_a_secret("--access-token") && names_a_secret("AWS_SECRET_ACCESS_KEY"));
/// assert!(!names_a_secret("--cluster-name"));
/// ```
pub fn names_a_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let key = key.trim_start_matches('-');
    [
        "token",
        "password",
        "passwd",
        "secret",
        "api_key",
        "apikey",
        "api-key",
        "access_key",
        "access-key",
        "credential",
    ]
    .iter()
    .any(|name| key.ends_with(name))
}

fn looks_like_jwt(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    word.starts_with("eyJ") && word.len() > 20 && word.contains('.')
}

fn mask_assignment(word: &str) -> Option<String> {
    let at = word.find(['=', ':'])?;
    let (key, value) = word.split_at_checked(at + 1)?;
    let name = key.get(..at)?.to_ascii_lowercase();
    let is_value = value.contains(char::is_alphanumeric);
    (is_value && names_a_secret(&name)).then(|| format!("{key}{MASKED}"))
}

fn mask_user_information(word: &str) -> Option<String> {
    let (scheme, rest) = word.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let (_, host) = authority.rsplit_once('@')?;
    let path = rest.get(authority.len()..)?;
    Some(format!("{scheme}://{MASKED}@{host}{path}"))
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

    #[test]
    fn everything_that_looks_like_a_secret_is_masked() {
        let mask = Mask::new();
        for (said, shown) in [
            ("Authorization: Bearer abc.def", "Authorization: Bearer [masked]"),
            ("got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.sig!", "got [masked]"),
            (r#"{"id_token": "abcdef"}"#, r#"{"id_token": "[masked]"}"#),
            ("refresh_token=abc&x", "refresh_token=[masked]"),
            ("aws --session-token abc", "aws --session-token [masked]"),
            (
                "see https://jane:pw@example.com/x",
                "see https://[masked]@example.com/x",
            ),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nend",
                "[masked]\nend",
            ),
            ("-----BEGIN PRIVATE KEY-----\nMII", "[masked]"),
            ("the token is missing", "the token is missing"),
            (
                "no access token:: not logged in",
                "no access token:: not logged in",
            ),
        ] {
            assert_eq!(mask.apply(said), shown);
        }
    }

    #[test]
    fn a_secret_that_contains_another_is_masked_as_a_whole() {
        let mask = Mask::new()
            .hiding("inner".into())
            .hiding("has-inner-in-it".into());
        assert_eq!(mask.apply("x has-inner-in-it inner"), "x [masked] [masked]");
    }
}
