//! The plugin's stderr, redacted so that it can be shown.
//!
//! When a plugin fails, its stderr usually contains the reason. It may also contain a secret: a variable or an argument of the
//! plugin, or the credential that it was about to print. So the values that the plugin received or printed are masked, even
//! parts of them, and everything that looks like a secret.

use std::collections::HashMap;

use kubex_core::text::{MASKED, Mask, clean, names_a_secret, secret_arguments, without_secrets};
use kubex_core::time::parse_rfc3339;
use kubex_core::{ExposeSecret, SecretBytes, SecretString};
use zeroize::Zeroizing;

use crate::protocol::{GROUP, KIND};

/// The number of bytes of stderr that are kept: the last ones.
pub(crate) const MAX_LENGTH: usize = 8 * 1024;

/// A sequence of this many bytes that also occurs in a secret is masked.
const FRAGMENT_LENGTH: usize = 8;

/// Shorter secrets are not masked: masking every `a` would mask the text itself.
const MIN_SECRET_LENGTH: usize = 4;

/// The number of words of the output that are hidden in other spellings too. A credential has fewer.
const MAX_LISTED: usize = 256;

/// The ends of names of variables whose values are not secrets: hiding a region would hide what the message is about.
const HARMLESS_VARIABLES: &[&str] = &[
    "REGION",
    "REGIONS",
    "ENDPOINTS",
    "PROFILE",
    "CLUSTER",
    "CLUSTER_NAME",
    "LANG",
    "LOG_LEVEL",
    "NAMESPACE",
    "NO_PROXY",
    "PROJECT",
    "TZ",
];

/// Words that occur in every answer and are not secrets.
const PROTOCOL_WORDS: &[&str] = &[
    "apiVersion",
    KIND,
    "clientCertificateData",
    "clientKeyData",
    "expirationTimestamp",
    "interactive",
];

/// Everything the plugin knew that may be a secret.
#[derive(Clone, Copy)]
pub(crate) struct Redactor<'a> {
    /// What it printed so far.
    pub(crate) output: &'a [u8],
    pub(crate) variables: &'a [(String, SecretString)],
    pub(crate) arguments: &'a [String],
}

impl Redactor<'_> {
    /// The text of stderr without secrets and control characters. Empty if nothing was printed.
    pub(crate) fn redact(self, error: &SecretBytes) -> String {
        let error = error.expose_secret();
        let text = Zeroizing::new(String::from_utf8_lossy(error).into_owned());
        let text = if error.len() < MAX_LENGTH {
            text.as_str()
        } else {
            from_the_next_whole_word(&text)
        };
        let output = unescaped(self.output);
        let words = || output.split(is_separator).filter(|word| !is_harmless(word));
        let variables = || {
            self.variables
                .iter()
                .filter(|(name, _)| !is_harmless_variable(name))
        };
        // While these exist, they are masked in every encoding. Whole secrets are masked first, because the rest of an escaped
        // one would not be recognized.
        let _printed = printed_secrets(self.output);
        let _listed: Vec<SecretString> = secret_arguments(self.arguments)
            .chain(variables().map(|(_, value)| value.expose_secret()))
            .map(SecretString::from)
            .collect();
        let text = without_secrets(text);
        let mut text = MarkedText::new(&text);
        for (name, value) in variables() {
            text.mark(value.expose_secret());
            if names_a_secret(name) {
                text.mark_fragments(value.expose_secret());
            }
        }
        for value in secret_arguments(self.arguments) {
            text.mark(value);
            text.mark_fragments(value);
        }
        for word in words() {
            text.mark_fragments(word);
        }
        let masked = Mask::new().apply(&text.masked());
        clean(&masked).trim().to_owned()
    }
}

/// The words of the output that may be secrets. While these values exist, they are masked in every encoding.
pub(crate) fn printed_secrets(output: &[u8]) -> Vec<SecretString> {
    let output = unescaped(output);
    let words = output.split(is_separator).filter(|word| !is_harmless(word));
    let words = words.filter(|word| word.len() >= FRAGMENT_LENGTH);
    words.take(MAX_LISTED).map(SecretString::from).collect()
}

/// The output as text. Within a JSON string, the line breaks of a PEM block are escaped.
fn unescaped(output: &[u8]) -> Zeroizing<String> {
    let output = Zeroizing::new(String::from_utf8_lossy(output).into_owned());
    Zeroizing::new(output.replace("\\n", "\n"))
}

/// A text, with a mark for each byte that belongs to a secret.
struct MarkedText<'a> {
    text: &'a str,
    marks: Vec<bool>,
    /// The positions of each fragment. A fragment is removed once it is marked, which keeps a megabyte of output cheap.
    fragments: HashMap<&'a [u8], Vec<usize>>,
}

impl<'a> MarkedText<'a> {
    fn new(text: &'a str) -> Self {
        let mut fragments: HashMap<&[u8], Vec<usize>> = HashMap::new();
        for (at, fragment) in text.as_bytes().windows(FRAGMENT_LENGTH).enumerate() {
            fragments.entry(fragment).or_default().push(at);
        }
        Self {
            text,
            marks: vec![false; text.len()],
            fragments,
        }
    }

    fn mark(&mut self, secret: &str) {
        if secret.len() < MIN_SECRET_LENGTH {
            return;
        }
        for (at, found) in self.text.match_indices(secret) {
            mark(&mut self.marks, at, found.len());
        }
    }

    fn mark_fragments(&mut self, secret: &str) {
        for fragment in secret.as_bytes().windows(FRAGMENT_LENGTH) {
            for at in self.fragments.remove(fragment).unwrap_or_default() {
                mark(&mut self.marks, at, FRAGMENT_LENGTH);
            }
        }
    }

    fn masked(&self) -> String {
        let mut masked = String::with_capacity(self.text.len());
        let mut was_marked = false;
        for (at, c) in self.text.char_indices() {
            let bytes = self.marks.get(at..at + c.len_utf8()).unwrap_or_default();
            let is_marked = bytes.contains(&true);
            if !is_marked {
                masked.push(c);
            } else if !was_marked {
                masked.push_str(MASKED);
            }
            was_marked = is_marked;
        }
        masked
    }
}

fn mark(marks: &mut [bool], at: usize, length: usize) {
    if let Some(bytes) = marks.get_mut(at..at + length) {
        bytes.fill(true);
    }
}

/// The kept part may begin within a secret, where it cannot be recognized: within a word, or within a PEM block.
fn from_the_next_whole_word(text: &str) -> &str {
    let text = text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
    match text.split_once("-----END ") {
        Some((before, after)) if !before.contains("-----BEGIN ") => {
            after.split_once("-----").map_or("", |(_, rest)| rest)
        }
        _ => text,
    }
}

fn is_separator(c: char) -> bool {
    c.is_whitespace() || c.is_control() || "\"'`,{}[]\\".contains(c)
}

fn is_harmless_variable(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    !names_a_secret(&name) && HARMLESS_VARIABLES.iter().any(|end| name.ends_with(end))
}

/// Whether the word is not a secret: a word of the protocol, or a time.
fn is_harmless(word: &str) -> bool {
    let word = word.trim_end_matches(':');
    PROTOCOL_WORDS.contains(&word)
        || word.strip_prefix(GROUP).is_some_and(|rest| rest.len() < 12)
        || parse_rfc3339(word).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown_with(error: &str, output: &str, variables: &[(&str, &str)], arguments: &[&str]) -> String {
        let variables: Vec<_> = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), SecretString::unlisted(*value)))
            .collect();
        let arguments: Vec<_> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Redactor {
            output: output.as_bytes(),
            variables: &variables,
            arguments: &arguments,
        }
        .redact(&error.as_bytes().to_vec().into())
    }

    fn shown(error: &str, output: &str, told: &[&str]) -> String {
        let variables: Vec<_> = told.iter().map(|value| ("NAME", *value)).collect();
        shown_with(error, output, &variables, &[])
    }

    #[test]
    fn a_part_of_what_it_printed_is_hidden() {
        let output =
            r#"{"status":{"token":"opaque-0123456789","expirationTimestamp":"2030-01-01T00:00:00Z"}}"#;
        for (error, hidden) in [
            ("got opaque-0 and so on", "got [masked] and so on"),
            ("got ...23456789", "got ...[masked]"),
            ("got xque-012345y", "got x[masked]y"),
            ("got opaque-", "got opaque-"),
            ("2030-01-01T00:00:00Z: no login", "2030-01-01T00:00:00Z: no login"),
            ("für opaque-0123456789ä", "für [masked]ä"),
        ] {
            assert_eq!(shown(error, output, &[]), hidden);
        }
    }

    #[test]
    fn secrets_of_its_command_line_and_variables_are_hidden() {
        let arguments = [
            "get-token",
            "--client-secret",
            "shh-shh-shh",
            "--password=pass-word-1",
            "-token",
            "abcd",
            "--no-token",
            "--verbose",
            "cluster-name",
        ];
        let error = "shh-shh-shh shh-shh- pass-word-1 s-word-1 abcd --verbose cluster-name get-token";
        assert_eq!(
            shown_with(error, "", &[], &arguments),
            "[masked] [masked] [masked] [masked] [masked] --verbose cluster-name get-token"
        );
        let variables = [
            ("LOGIN_PASSWORD", "hunter-two-22"),
            ("PLACE", "/opt/cloud/config"),
        ];
        assert_eq!(
            shown_with("hunter-t, /opt/cloud/log /opt/cloud/config", "", &variables, &[]),
            "[masked], /opt/cloud/log [masked]"
        );
    }

    #[test]
    fn what_the_plugin_received_and_what_it_printed_is_hidden() {
        let error = "login as jane with hunter22 gave <opaque-token-1> for ExecCredential\n";
        let output = r#"{"kind":"ExecCredential","status":{"token":"opaque-token-1","x":"jane"}}"#;
        assert_eq!(
            shown(error, output, &["hunter22"]),
            "login as jane with [masked] gave <[masked]> for ExecCredential"
        );
        assert_eq!(
            shown(
                "MIIBabcd1234=",
                r#"{"k":"-----BEGIN X-----\nMIIBabcd1234=\n"}"#,
                &[]
            ),
            "[masked]"
        );
        assert_eq!(
            shown(
                "wrong version client.authentication.k8s.io/v1beta1",
                "client.authentication.k8s.io/v1beta1",
                &[]
            ),
            "wrong version client.authentication.k8s.io/v1beta1"
        );
    }

    #[test]
    fn what_it_printed_is_hidden_in_every_spelling() {
        use base64::Engine as _;
        use base64::prelude::BASE64_STANDARD;
        let output = r#"{"status":{"token":"opaque-0123456789"}}"#;
        let base64 = BASE64_STANDARD.encode("jane:opaque-0123456789");
        for error in [
            r"sent \u006fpaque\u002d0123456789",
            "GET https://h/cb?x=opaque%2D0123456789&y=1",
            &format!("Authorization: Basic {base64}"),
            &format!("sent {base64}"),
        ] {
            let shown = shown(error, output, &[]);
            assert!(shown.contains(MASKED) && !shown.contains("0123456789"), "{shown}");
            assert!(!shown.contains(&base64[8..20]), "{shown}");
        }
    }

    #[test]
    fn a_region_is_not_hidden() {
        let variables = [("AWS_REGION", "eu-west-1"), ("AWS_PROFILE", "team-prod")];
        let error = "cannot reach sts.eu-west-1.amazonaws.com as team-prod";
        assert_eq!(shown_with(error, "", &variables, &[]), error);
    }

    #[test]
    fn control_characters_have_no_effect() {
        let shown = shown(
            "\u{1b}[31mdenied\u{1b}]8;;http://x\u{7}\r\nsee \u{202e}log\n",
            "",
            &[],
        );
        assert_eq!(shown, "U+001B[31mdeniedU+001B]8;;http://xU+0007\nsee U+202Elog");
    }

    #[test]
    fn a_secret_that_is_cut_off_is_not_shown() {
        let cut = format!("ond-half-of-it said {}", "x ".repeat(MAX_LENGTH / 2));
        assert!(shown(&cut, "", &[]).starts_with("said x"));
        let key = format!(
            "MIIB\nMIIC {}\n-----END PRIVATE KEY-----\nlast words",
            "A".repeat(MAX_LENGTH)
        );
        assert_eq!(shown(&key, "", &[]), "last words");
        assert_eq!(shown(&"s".repeat(MAX_LENGTH), "", &[]), "");
    }

    #[test]
    fn a_megabyte_of_words_is_cheap() {
        let words = |count: u32| {
            let words: Vec<_> = (0..count).map(|n| format!("word{n:06}")).collect();
            words.join(" ")
        };
        let (error, output) = (words(500), words(100_000));
        assert!(!shown(&error, &output, &[]).contains("word"));
        let same = "0".repeat(MAX_LENGTH - 1);
        assert_eq!(shown(&same, &"0".repeat(1024 * 1024), &[]), MASKED);
    }
}
