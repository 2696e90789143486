//! Keys: which of them name a secret, and which texts are keys at all.

use std::borrow::Cow;

use super::{MASKED, clean_line, sanitize};

/// The ends of keys that name a secret.
const SECRET_ENDINGS: &[&str] = &[
    "token",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secret",
    "apikey",
    "accesskey",
    "secretkey",
    "privatekey",
    "keydata",
    "credential",
    "credentials",
    "authorization",
    "signature",
    "assertion",
    "jwt",
];

/// Words that name a secret if they are the last word of a key: `DB_PASS`, but not `bypass`.
const SECRET_WORDS: &[&str] = &["pass", "pw", "pin", "otp", "cookie", "sig"];

/// The longest key that is shown.
const MAX_KEY: usize = 64;

/// A longer key with letters of both cases and digits is a token.
const MAX_MIXED_KEY: usize = 20;

/// Returns whether a key, a flag or a variable with this name probably has a secret value, such as `token`,
/// `--client-secret` or `DB_PASSWORD`.
///
/// ```
/// use kubex_core::text::names_a_secret;
/// assert!(names_a_secret("--access-token") && names_a_secret("AWS_SECRET_ACCESS_KEY"));
/// assert!(names_a_secret("--pass") && names_a_secret("clientKeyData"));
/// assert!(!names_a_secret("--cluster-name") && !names_a_secret("--bypass"));
/// ```
pub fn names_a_secret(key: &str) -> bool {
    let key = key.trim_matches(|c: char| !c.is_ascii_alphanumeric());
    let bare: String = key
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let last_word = key.rsplit(['-', '_', '.']).next().unwrap_or_default();
    SECRET_ENDINGS.iter().any(|ending| bare.ends_with(ending))
        || SECRET_WORDS
            .iter()
            .any(|word| word.eq_ignore_ascii_case(last_word))
}

/// Returns whether a text looks like a key of a document, and not like a secret. For example, YAML reads `A_TOKEN:s3cret` as
/// one key, because the space after the colon is missing. For this text, the result is `false`.
///
/// ```
/// use kubex_core::text::looks_like_a_key;
/// assert!(looks_like_a_key("client-certifcate") && looks_like_a_key("example.com/team"));
/// assert!(!looks_like_a_key("A_TOKEN:s3cret") && !looks_like_a_key("two words"));
/// ```
pub fn looks_like_a_key(text: &str) -> bool {
    let is_key_character = |c: char| c.is_alphanumeric() || "-_./".contains(c);
    let has = |kind: fn(&char) -> bool| text.chars().any(|c| kind(&c));
    let is_mixed =
        has(char::is_ascii_uppercase) && has(char::is_ascii_lowercase) && has(char::is_ascii_digit);
    text.starts_with(|c: char| c.is_alphabetic() || "_.-".contains(c))
        && text.chars().all(is_key_character)
        && text.chars().count() <= MAX_KEY
        && !(is_mixed && text.len() > MAX_MIXED_KEY)
        && matches!(sanitize(text), Cow::Borrowed(_))
}

/// Returns a key for printing. A text that does not [look like a key](looks_like_a_key) may contain a secret, so only a key at
/// its beginning is shown.
///
/// ```
/// use kubex_core::text::shown_key;
/// assert_eq!(shown_key("tokn"), "tokn");
/// assert_eq!(shown_key("A_TOKEN:s3cret"), "A_TOKEN:[masked]");
/// assert_eq!(shown_key("two words"), "[masked]");
/// ```
pub fn shown_key(text: &str) -> Cow<'_, str> {
    if text.is_empty() || looks_like_a_key(text) {
        return clean_line(text);
    }
    let beginning = text.find([':', '=']).and_then(|end| text.get(..=end));
    match beginning {
        Some(key) if key.len() > 1 && looks_like_a_key(key.get(..key.len() - 1).unwrap_or_default()) => {
            Cow::Owned(format!("{}{MASKED}", clean_line(key)))
        }
        _ => Cow::Borrowed(MASKED),
    }
}
