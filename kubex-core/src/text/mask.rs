//! Masks secrets in text from other programs.

use std::ops::Range;

use super::looks::words;
use super::names_a_secret;
use super::sanitize::{replaced, without_secrets};
use crate::secret::{ExposeSecret, SecretString, spelling};

/// Secrets of fewer bytes are not masked, because masking every `a` would make the text unreadable.
const MIN_LENGTH: usize = 4;

/// The separators of words. `?`, `&` and `;` separate the parameters of a URL.
const SEPARATORS: &str = "\"'`,;?&<>(){}\\";

/// The parameters of a URL that hold a secret, beside those that are named like one.
const SECRET_PARAMETERS: &[&str] = &["code", "key", "auth", "sid", "session", "ticket"];

/// Words that follow `token:` or `password:` in messages and are not a secret.
const HARMLESS_WORDS: &[&str] = &[
    "bad",
    "denied",
    "empty",
    "error",
    "expired",
    "failed",
    "false",
    "for",
    "found",
    "from",
    "has",
    "incorrect",
    "invalid",
    "is",
    "malformed",
    "missing",
    "must",
    "no",
    "none",
    "not",
    "null",
    "ok",
    "on",
    "refused",
    "rejected",
    "and",
    "or",
    "required",
    "revoked",
    "the",
    "true",
    "unauthorized",
    "undefined",
    "unexpected",
    "unknown",
    "unset",
    "wrong",
];

/// A word of letters that is longer than this is not a word of a sentence.
const LONGEST_WORD: usize = 15;

/// Masks secrets in a text from another program, such as a plugin's stderr or a server's message.
///
/// It masks everything that [`sanitize`](super::sanitize) masks, and also:
///
/// - the texts of [`hiding`](Self::hiding),
/// - the word after `Bearer` or `Basic`,
/// - the value after a key such as `token=`, `password:` or `--client-secret`.
///
/// It does not replace control characters; [`sanitize`](super::sanitize) and [`clean`](super::clean) do.
///
/// ```
/// use kubex_core::text::Mask;
/// let mask = Mask::new().hiding("hunter22".into());
/// assert_eq!(mask.apply("login failed: hunter22"), "login failed: [masked]");
/// assert_eq!(mask.apply("token=abc123 rejected"), "token=[masked] rejected");
/// assert_eq!(mask.apply("SSO Token: Token for jane does not exist"), "SSO Token: Token for jane does not exist");
/// ```
#[derive(Debug, Default)]
pub struct Mask {
    secrets: Vec<SecretString>,
}

impl Mask {
    /// Creates a mask that hides no additional texts.
    pub fn new() -> Self {
        Self::default()
    }

    /// Also masks this text, in every usual encoding. A text of fewer than four bytes is not masked.
    #[must_use]
    pub fn hiding(mut self, secret: SecretString) -> Self {
        if secret.expose_secret().len() >= MIN_LENGTH {
            self.secrets.push(secret);
        }
        self
    }

    /// Returns the text with all secrets masked.
    pub fn apply(&self, text: &str) -> String {
        let mut told = Vec::new();
        for secret in &self.secrets {
            let secret = secret.expose_secret().as_bytes();
            spelling::each(text, &mut |bytes, locate| {
                for (at, window) in bytes.windows(secret.len()).enumerate() {
                    if window == secret {
                        told.extend(locate(at..at + secret.len(), true));
                    }
                }
            });
        }
        let text = replaced(text, told);
        let text = without_secrets(&text);
        replaced(&text, values(&text)).into_owned()
    }
}

/// The values after keys that name a secret.
fn values(text: &str) -> Vec<Range<usize>> {
    let mut values = Vec::new();
    let mut next = Next::Word;
    let mut named_a_secret = false;
    let mut end = 0;
    for word in words(text, is_separator) {
        if word.start < end {
            continue;
        }
        let written = text.get(word.clone()).unwrap_or_default();
        let before = text.get(..word.start).unwrap_or_default();
        if next != Next::Word && is_scheme(written) {
            next = Next::Secret;
            continue;
        }
        let is_value = match next {
            Next::Word => false,
            Next::Secret => !written.starts_with("--"),
            Next::SecretOrSentence => !is_sentence(text, &word),
        };
        if is_value {
            let value = whole_value(text, word.clone());
            end = value.end;
            values.push(value);
            (next, named_a_secret) = (Next::Word, false);
            continue;
        }
        if let Some(value) = assigned(written, before.ends_with(['?', '&'])) {
            values.push(word.start + value.start..word.start + value.end);
        }
        next = match written {
            // `"id_token": "..."` consists of three words.
            ":" | "=" | ":=" | "=>" if named_a_secret => Next::Secret,
            _ => Next::after(written, text.get(word.end..).unwrap_or_default()),
        };
        named_a_secret = names_a_secret(written) && !written.contains([':', '=']);
    }
    values
}

/// What the next word is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    Word,
    Secret,
    /// A secret, unless a sentence begins there: `SSO Token: Token for jane does not exist`.
    SecretOrSentence,
}

impl Next {
    fn after(word: &str, rest: &str) -> Self {
        if is_scheme(word) {
            return Self::SecretOrSentence;
        }
        if let Some(key) = word.strip_suffix('=')
            && names_a_secret(key)
        {
            return Self::Secret;
        }
        if let Some(key) = word.strip_suffix(':')
            && !key.ends_with(':')
            && names_a_secret(key)
        {
            // A value in quotes is not a sentence.
            let is_quoted = rest.trim_start().starts_with(['"', '\'']);
            return if is_quoted {
                Self::Secret
            } else {
                Self::SecretOrSentence
            };
        }
        if word.starts_with('-') && !word.contains(['=', ':']) && names_a_secret(word) {
            return Self::SecretOrSentence;
        }
        Self::Word
    }
}

fn is_scheme(word: &str) -> bool {
    ["bearer", "basic", "digest", "negotiate"]
        .iter()
        .any(|scheme| word.eq_ignore_ascii_case(scheme))
}

/// Whether a word is one of a sentence and not a secret: known from messages, or letters only and followed by another
/// word of letters.
fn is_sentence(text: &str, word: &Range<usize>) -> bool {
    let is_word = |word: &str| {
        let word = word.trim_end_matches(['.', ':', '!']);
        let mut characters = word.chars();
        characters.next().is_some_and(char::is_alphabetic)
            && characters.all(|c| c.is_lowercase() || c == '-')
            && word.len() <= LONGEST_WORD
    };
    let written = text.get(word.clone()).unwrap_or_default();
    let bare = written.trim_end_matches(['.', ':', '!']).to_ascii_lowercase();
    if HARMLESS_WORDS.contains(&bare.as_str()) || written.starts_with("--") {
        return true;
    }
    let line = text
        .get(word.end..)
        .unwrap_or_default()
        .lines()
        .next()
        .unwrap_or_default();
    let following = line.trim_start_matches(' ');
    let next = following.split(is_separator).next();
    is_word(written)
        && following.len() < line.len()
        && next.is_some_and(|next| !next.is_empty() && is_word(next))
}

/// The rest of a value: up to the closing quote if it is quoted, else up to the next space.
fn whole_value(text: &str, word: Range<usize>) -> Range<usize> {
    let before = text.get(..word.start).unwrap_or_default();
    let rest = text.get(word.start..).unwrap_or_default();
    let quote = before
        .chars()
        .next_back()
        .filter(|c| matches!(c, '"' | '\'' | '`'));
    let length = if let Some(quote) = quote {
        let is_escaped = before.ends_with("\\\"");
        let mut previous = ' ';
        let closing = rest.char_indices().find(|(_, c)| {
            let is_closing = *c == quote && (is_escaped || previous != '\\');
            previous = *c;
            is_closing
        });
        let value = closing.and_then(|(at, _)| rest.get(..at));
        match value {
            Some(value) if is_escaped => value.trim_end_matches('\\').len(),
            Some(value) => value.len(),
            None => word.len(),
        }
    } else {
        let end = rest.find(|c: char| c.is_whitespace() || "\"'`".contains(c));
        let value = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        value.trim_end_matches([',', ';', ')']).len()
    };
    word.start..word.start + length.max(word.len())
}

/// The value in `token=abc` or `password:abc`.
fn assigned(word: &str, is_parameter: bool) -> Option<Range<usize>> {
    let at = word.find(['=', ':'])?;
    let (key, value) = (word.get(..at)?, word.get(at + 1..)?);
    // In `/run/secrets/token:3:5`, the colon is followed by a line and a column.
    let is_path = key.contains(['/', '\\']) && word.get(at..=at) == Some(":");
    let is_value = value.contains(char::is_alphanumeric) && !is_path;
    let is_secret_parameter = is_parameter
        && SECRET_PARAMETERS
            .iter()
            .any(|name| key.eq_ignore_ascii_case(name));
    (is_value && (names_a_secret(key) || is_secret_parameter)).then_some(at + 1..word.len())
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || c.is_control() || SEPARATORS.contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_after_keys_that_name_a_secret_are_masked() {
        let mask = Mask::new();
        for (said, shown) in [
            ("Authorization: Bearer abc.def", "Authorization: Bearer [masked]"),
            ("authorization: abcdef1", "authorization: [masked]"),
            (r#"{"id_token": "abcdef"}"#, r#"{"id_token": "[masked]"}"#),
            (
                r#"{"password":"two words, and \" more"}"#,
                r#"{"password":"[masked]"}"#,
            ),
            (
                r#"{\"token\":\"abc\",\"x\":1}"#,
                r#"{\"token\":\"[masked]\",\"x\":1}"#,
            ),
            ("refresh_token=abc&x=y", "refresh_token=[masked]&x=y"),
            (
                "GET https://h/cb?code=abc;state=1&access_token=def#x",
                "GET https://h/cb?code=[masked];state=1&access_token=[masked]",
            ),
            ("exit code=1", "exit code=1"),
            ("aws --session-token abc", "aws --session-token [masked]"),
            (
                "tool -token abc --pass def",
                "tool -token [masked] --pass [masked]",
            ),
            ("password: hunter", "password: [masked]"),
            ("token: abc; log in first", "token: [masked]; log in first"),
            ("password: hunter2 is wrong", "password: [masked] is wrong"),
            ("DB_PASS=a;b", "DB_PASS=[masked];b"),
            ("Basic YWxhZGRpbjpvcGVu", "Basic [masked]"),
        ] {
            assert_eq!(mask.apply(said), shown);
        }
    }

    #[test]
    fn sentences_about_secrets_are_not_masked() {
        let mask = Mask::new();
        for text in [
            "the token is missing",
            "no access token:: not logged in",
            "Error loading SSO Token: Token for jane does not exist",
            "Token: expired",
            "password: incorrect, try again",
            "Bearer token is required",
            "basic authentication failed",
            "use --token or --client-key",
            "bypass: 5, compass=north",
            "the cluster \"prod\" has no server, see /home/jane/.kube/config",
        ] {
            assert_eq!(mask.apply(text), text);
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
