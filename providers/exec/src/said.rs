//! What a plugin said on standard error, made fit to be shown.
//!
//! It is most of what a user learns when a plugin fails, and the plugin may have quoted a secret in it: one of
//! its variables, or the credential it was about to print. So everything it was told and everything it printed
//! is hidden in it, beside what looks like a secret.

use std::collections::BTreeSet;

use kubex_core::text::{Mask, clean};
use kubex_core::{ExposeSecret, SecretBytes, SecretString};
use zeroize::Zeroizing;

use crate::protocol::{GROUP, KIND};

/// How many bytes of standard error are kept.
pub(crate) const KEPT: usize = 8 * 1024;

/// A word of the output that has at least this many bytes may be a secret.
const SHORTEST_WORD: usize = 8;

/// The words of every answer, which are no secrets.
const WORDS_OF_THE_PROTOCOL: &[&str] = &[
    "apiVersion",
    KIND,
    "clientCertificateData",
    "clientKeyData",
    "expirationTimestamp",
    "interactive",
];

/// The text of standard error without secrets and control characters; empty where nothing was said.
/// `output` is what the plugin printed, as far as it is known.
pub(crate) fn said<'a>(
    error: &SecretBytes,
    output: &[u8],
    told: impl IntoIterator<Item = &'a SecretString>,
) -> String {
    let error = error.expose_secret();
    let text = Zeroizing::new(String::from_utf8_lossy(error).into_owned());
    let text = if error.len() < KEPT {
        text.as_str()
    } else {
        from_the_next_whole_word(&text)
    };
    let mut mask = Mask::new();
    for secret in told {
        mask = mask.hiding(secret.clone());
    }
    for word in words_in_both(text, output) {
        mask = mask.hiding(word);
    }
    clean(&mask.apply(text)).trim().to_owned()
}

/// What is kept may begin in the midst of a secret, where nothing recognizes it: in a word, or in a key.
fn from_the_next_whole_word(text: &str) -> &str {
    let text = text.split_once(char::is_whitespace).map_or("", |(_, rest)| rest);
    match text.split_once("-----END ") {
        Some((before, after)) if !before.contains("-----BEGIN ") => {
            after.split_once("-----").map_or("", |(_, rest)| rest)
        }
        _ => text,
    }
}

/// The words of the output that the text has in it, too. Looking for the beginning of each first keeps a
/// megabyte of output cheap.
fn words_in_both(text: &str, output: &[u8]) -> Vec<SecretString> {
    let beginnings: BTreeSet<&[u8]> = text.as_bytes().windows(SHORTEST_WORD).collect();
    if beginnings.is_empty() {
        return Vec::new();
    }
    // A PEM within a JSON string has its line breaks written as two characters.
    let output = Zeroizing::new(String::from_utf8_lossy(output).into_owned());
    let output = Zeroizing::new(output.replace("\\n", "\n"));
    let words: BTreeSet<&str> = output
        .split(|c: char| c.is_whitespace() || c.is_control() || "\"'`,{}[]\\".contains(c))
        .filter(|word| {
            word.as_bytes()
                .get(..SHORTEST_WORD)
                .is_some_and(|beginning| beginnings.contains(beginning))
        })
        .filter(|word| !is_of_the_protocol(word) && text.contains(word))
        .collect();
    words.into_iter().map(SecretString::from).collect()
}

fn is_of_the_protocol(word: &str) -> bool {
    let word = word.trim_end_matches(':');
    WORDS_OF_THE_PROTOCOL.contains(&word) || word.strip_prefix(GROUP).is_some_and(|rest| rest.len() < 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(error: &str, output: &str, told: &[&str]) -> String {
        let told: Vec<SecretString> = told.iter().map(|secret| (*secret).into()).collect();
        said(&error.as_bytes().to_vec().into(), output.as_bytes(), &told)
    }

    #[test]
    fn what_it_was_told_and_what_it_printed_is_hidden() {
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
        let cut = format!("ond-half-of-it said {}", "x ".repeat(KEPT / 2));
        assert!(shown(&cut, "", &[]).starts_with("said x"));
        let key = format!(
            "MIIB\nMIIC {}\n-----END PRIVATE KEY-----\nlast words",
            "A".repeat(KEPT)
        );
        assert_eq!(shown(&key, "", &[]), "last words");
        assert_eq!(shown(&"s".repeat(KEPT), "", &[]), "");
    }

    #[test]
    fn a_megabyte_of_words_is_cheap() {
        let words = |count: u32| {
            let words: Vec<_> = (0..count).map(|n| format!("word{n:06}")).collect();
            words.join(" ")
        };
        let (error, output) = (words(500), words(100_000));
        assert!(!shown(&error, &output, &[]).contains("word"));
    }
}
