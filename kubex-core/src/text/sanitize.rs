//! The function that makes a text safe to print.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::ops::Range;

use super::{MASKED, clean, clean_line, looks};
use crate::secret::known;

/// Makes a text safe to print: masks secrets, and replaces control characters like [`clean`](super::clean).
///
/// Two kinds of secrets are masked:
///
/// - Secrets that this process knows: the text of each existing [`SecretString`](crate::SecretString), and the key of each
///   existing client certificate. They are also recognized if they are escaped (as in JSON or a URL), in base64 or in
///   hexadecimal, or in several of these ways.
/// - Texts that are clearly secrets: JSON web tokens, private keys in PEM or in base64, and the user information of a
///   URL.
///
/// ```
/// use kubex_core::SecretString;
/// use kubex_core::text::sanitize;
/// let token = SecretString::from("q7vZ-0815-xyz");
/// assert_eq!(sanitize("rejected: q7vZ%2D0815%2Dxyz"), "rejected: [masked]");
/// assert_eq!(sanitize("https://jane:pw@proxy is down"), "https://[masked]@proxy is down");
/// assert_eq!(sanitize("cluster \"prod\" has no server"), "cluster \"prod\" has no server");
/// ```
pub fn sanitize(text: &str) -> Cow<'_, str> {
    then(without_secrets(text), clean)
}

/// Makes a text safe to print on one line: like [`sanitize`], but line breaks and tabs are replaced too.
///
/// ```
/// use kubex_core::text::sanitize_line;
/// assert_eq!(sanitize_line("see https://jane:abc@proxy.example\n"), "see https://[masked]@proxy.exampleU+000A");
/// ```
pub fn sanitize_line(text: &str) -> Cow<'_, str> {
    then(without_secrets(text), clean_line)
}

/// Writes a value with [`sanitize`], for an implementation of `Display`.
///
/// ```
/// use std::fmt;
/// use kubex_core::text::write_sanitized;
///
/// struct Response(String);
///
/// impl fmt::Display for Response {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         write_sanitized(f, &self.0)
///     }
/// }
/// assert_eq!(Response("a\u{1b}b".to_owned()).to_string(), "aU+001Bb");
/// ```
pub fn write_sanitized(f: &mut fmt::Formatter<'_>, shown: impl Display) -> fmt::Result {
    f.write_str(&sanitize(&shown.to_string()))
}

/// A text that has passed [`sanitize`]. Errors and warnings have messages of this type, so that none of them can be
/// printed unsanitized.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sanitized(Cow<'static, str>);

impl Sanitized {
    /// Sanitizes a text.
    pub fn new(text: impl Display) -> Self {
        Self::from_owned(text.to_string(), sanitize)
    }

    /// Creates the text from a constant in the code, without sanitizing it.
    pub const fn fixed(text: &'static str) -> Self {
        Self(Cow::Borrowed(text))
    }

    /// Sanitizes a text for one line.
    pub fn line(text: impl Display) -> Self {
        Self::from_owned(text.to_string(), sanitize_line)
    }

    fn from_owned(text: String, sanitize: impl Fn(&str) -> Cow<'_, str>) -> Self {
        let changed = match sanitize(&text) {
            Cow::Borrowed(_) => None,
            Cow::Owned(changed) => Some(changed),
        };
        Self(changed.unwrap_or(text).into())
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Appends to the text.
    pub(crate) fn push(&mut self, more: &Self) {
        self.0.to_mut().push_str(&more.0);
    }
}

impl Display for Sanitized {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn then(text: Cow<'_, str>, next: impl Fn(&str) -> Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => next(text),
        Cow::Owned(text) => Cow::Owned(next(&text).into_owned()),
    }
}

/// Masks the same secrets as [`sanitize`], but keeps control characters. Use it for data in a format that escapes
/// control characters, such as JSON.
///
/// ```
/// use kubex_core::text::without_secrets;
/// assert_eq!(without_secrets("https://jane:abc@proxy.example\n"), "https://[masked]@proxy.example\n");
/// ```
pub fn without_secrets(text: &str) -> Cow<'_, str> {
    let mut ranges = known::find(text);
    looks::find(text, &mut ranges);
    replaced(text, ranges)
}

/// The text with these ranges masked.
pub(super) fn replaced(text: &str, mut ranges: Vec<Range<usize>>) -> Cow<'_, str> {
    ranges.retain(|range| text.get(range.clone()) != Some(MASKED));
    if ranges.is_empty() {
        return Cow::Borrowed(text);
    }
    ranges.sort_unstable_by_key(|range| range.start);
    let mut shown = String::with_capacity(text.len());
    let mut end = 0;
    let mut ranges = ranges.into_iter().peekable();
    while let Some(mut range) = ranges.next() {
        while let Some(next) = ranges.next_if(|next| next.start <= range.end) {
            range.end = range.end.max(next.end);
        }
        // A secret in base64 may begin within a character that is encoded with it.
        let start = boundary(text, range.start, |at| at - 1);
        shown.push_str(text.get(end..start).unwrap_or_default());
        shown.push_str(MASKED);
        end = boundary(text, range.end, |at| at + 1);
    }
    shown.push_str(text.get(end..).unwrap_or_default());
    Cow::Owned(shown)
}

/// The next place in this direction that is between two characters; 0 and the end of the text are.
fn boundary(text: &str, mut at: usize, step: impl Fn(usize) -> usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at = step(at);
    }
    at
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD, BASE64_URL_SAFE};

    use super::*;
    use crate::SecretString;

    fn percent(text: &str) -> String {
        spelled(text, |byte| format!("%{byte:02X}"))
    }

    fn spelled(text: &str, spell: impl Fn(u8) -> String) -> String {
        text.bytes().map(spell).collect()
    }

    fn json(text: &str) -> String {
        let escape = |c: char| format!("\\u{:04x}", u32::from(c));
        text.chars().map(escape).collect()
    }

    #[test]
    fn a_held_secret_is_hidden_in_every_spelling() {
        let plain = "Vq/7+\"ö canary\\8";
        let secret = SecretString::from(plain);
        let mut spellings = vec![
            plain.to_owned(),
            serde_json::to_string(plain).unwrap(),
            serde_json::to_string(&serde_json::to_string(plain).unwrap()).unwrap(),
            format!("{plain:?}"),
            json(plain),
            percent(plain),
            percent(&json(plain)),
            spelled(plain, |byte| format!("{byte:02x}")),
            spelled(plain, |byte| format!("{byte:02X}")),
        ];
        for before in ["", "a", "ab", "abc"] {
            for after in ["", "x", "xy"] {
                let around = format!("{before}{plain}{after}");
                spellings.push(BASE64_STANDARD.encode(&around));
                spellings.push(BASE64_STANDARD_NO_PAD.encode(&around));
                spellings.push(BASE64_URL_SAFE.encode(&around));
                spellings.push(percent(&BASE64_STANDARD.encode(&around)));
                spellings.push(format!("x/y{}", BASE64_STANDARD.encode(&around)));
            }
        }
        for spelling in &spellings {
            let text = format!("login of jane failed: {spelling} (status 1)");
            let shown = sanitize(&text);
            assert!(shown.contains(MASKED), "{text}: {shown}");
            assert!(shown.starts_with("login of jane failed: "), "{text}: {shown}");
            assert!(shown.ends_with(" (status 1)"), "{text}: {shown}");
        }
        drop(secret);
        assert_eq!(sanitize(plain), plain);
    }

    #[test]
    fn a_secret_is_hidden_for_as_long_as_any_owner_has_it() {
        let first = SecretString::from("Lx4-owner-canary");
        let second = SecretString::from("Lx4-owner-canary");
        let clone = first.clone();
        drop(first);
        drop(second);
        assert_eq!(sanitize("Lx4-owner-canary"), MASKED);
        drop(clone);
        assert_eq!(sanitize("Lx4-owner-canary"), "Lx4-owner-canary");
    }

    #[test]
    fn most_of_a_long_secret_is_found_and_hidden_as_a_word() {
        let numbers: Vec<_> = (0..60).map(|n| format!("{:x}", n * 7919 % 4096)).collect();
        let token = numbers.concat();
        let _secret = SecretString::from(token.as_str());
        let shown = sanitize(token.get(3..80).unwrap()).into_owned();
        assert_eq!(shown, MASKED);
        assert_eq!(sanitize(token.get(..12).unwrap()), token.get(..12).unwrap());
    }

    #[test]
    fn names_and_words_stay_readable() {
        let _secrets = [
            "password",
            "kubernetes-admin",
            "prod-cluster",
            "http://proxy.example:3128",
        ]
        .map(SecretString::from);
        for text in [
            "\"password\" and \"token\" are both set",
            "the user kubernetes-admin has no token",
            "context my-prod-cluster-2",
            "proxy http://proxy.example:3128/ is down",
        ] {
            assert_eq!(sanitize(text), text);
        }
        assert_eq!(sanitize("got prod-cluster."), "got [masked].");
    }

    #[test]
    fn ten_thousand_secrets_do_not_slow_down_a_text() {
        let secrets: Vec<SecretString> = (0..10_000)
            .map(|n| format!("eyJhbGciOiJSUzI1NiIsImtpZCI6Ik.same-for-all.{n:06}-end").into())
            .collect();
        let text = "a word of a message, /home/jane/.kube/config:12:5; ".repeat(160);
        assert_eq!(sanitize(&text), text);
        let shown = sanitize("got eyJhbGciOiJSUzI1NiIsImtpZCI6Ik.same-for-all.000077-end").into_owned();
        assert_eq!(shown, "got [masked]");
        drop(secrets);
    }

    #[test]
    fn a_single_line_of_a_held_key_is_hidden() {
        let line = |seed: u32| -> String {
            (0..64)
                .map(|n| {
                    char::from(b"ABCDEFGHijklmnop0123+/qrSTUVwxyz"[(seed * 31 + n * n * 7 + n) as usize % 32])
                })
                .collect()
        };
        let body = [line(1), line(2), line(3)];
        let pem = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            body.join("\n")
        );
        for held in [pem.clone(), BASE64_STANDARD.encode(&pem)] {
            let _secret = SecretString::from(held);
            for line in &body {
                assert_eq!(sanitize(&format!("x {line} y")), "x [masked] y");
            }
        }
    }

    #[test]
    fn what_was_sanitized_stays_as_it_is() {
        let once =
            sanitize("https://jane:pw@proxy eyJhbGciOiJIUzI1NiJ9.eyJ4IjoxfQ.abcdef \u{1b}[0m").into_owned();
        assert_eq!(once, "https://[masked]@proxy [masked] U+001B[0m");
        assert_eq!(sanitize(&once), once);
    }
}
