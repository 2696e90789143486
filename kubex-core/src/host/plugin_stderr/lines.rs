//! Divides a plugin's stderr into texts that can be masked and shown.
//!
//! A secret must not be divided, because a part of it is not recognized. A text is therefore a whole line, or a whole PEM
//! block. A prompt has no line break, so the beginning of a line is shown after a silence. When the line is complete, it is
//! masked as a whole, and its rest is shown.

use crate::secret::{ExposeSecret as _, SecretString};
use crate::text::{MASKED, Mask, clean, without_secrets};
use zeroize::Zeroizing;

/// The longest line or PEM block that is kept to be masked as a whole.
const MAX_TEXT: usize = 64 * 1024;

/// The total number of bytes that are shown.
const MAX_SHOWN: usize = 1024 * 1024;

/// The beginning of a secret, from this length on, is not shown before its end.
const MIN_BEGINNING: usize = 3;

const TOO_MUCH: &str = "[the rest of the plugin's stderr is not shown]\n";

pub(super) struct Lines {
    mask: Mask,
    secrets: Vec<SecretString>,
    /// The words of stdout. They are masked as long as they are kept here.
    printed: Vec<SecretString>,
    /// The previous lines, if each consists only of a secret, like the lines of a key without its first line.
    before: Zeroizing<Vec<u8>>,
    /// The text that is not complete yet.
    pending: Zeroizing<Vec<u8>>,
    /// The part of the pending text that was shown after a silence, masked.
    shown: String,
    /// Where the search for the end of a line continues.
    searched: usize,
    /// Whether the last line ended with a carriage return, whose line feed belongs to it.
    after_carriage_return: bool,
    /// The part to drop after a text that was too long to be kept.
    dropping: Option<Until>,
    /// How many bytes may still be shown.
    left: usize,
}

#[derive(Clone, Copy, PartialEq)]
enum Until {
    EndOfLine,
    EndOfBlock,
}

impl Lines {
    pub(super) fn new(secrets: impl IntoIterator<Item = SecretString>) -> Self {
        let secrets: Vec<_> = secrets.into_iter().collect();
        let mask = secrets.iter().cloned().fold(Mask::new(), Mask::hiding);
        Self {
            mask,
            secrets,
            printed: Vec::new(),
            before: Zeroizing::default(),
            pending: Zeroizing::default(),
            shown: String::new(),
            searched: 0,
            after_carriage_return: false,
            dropping: None,
            left: MAX_SHOWN,
        }
    }

    pub(super) fn hide(&mut self, printed: Vec<SecretString>) {
        self.printed = printed;
    }

    /// Adds bytes, and returns the complete texts.
    pub(super) fn take(&mut self, bytes: &[u8]) -> String {
        let mut text = String::new();
        if self.left == 0 {
            return text;
        }
        for piece in bytes.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')) {
            if std::mem::take(&mut self.after_carriage_return) && piece == b"\n" {
                continue;
            }
            self.pending.extend_from_slice(piece);
            self.after_carriage_return = piece.ends_with(b"\r");
            let is_line = piece.ends_with(b"\n") || piece.ends_with(b"\r");
            if is_line || self.pending.len() > MAX_TEXT {
                self.line(is_line, &mut text);
            }
        }
        self.limited(text)
    }

    /// The beginning of a line; empty if it may be the beginning of a secret.
    pub(super) fn pause(&mut self) -> String {
        if self.left == 0 || self.dropping.is_some() || self.open_block().is_some() {
            return String::new();
        }
        let whole = match std::str::from_utf8(&self.pending) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.pending.len(),
        };
        let beginning = self.after_the_lines_before(self.pending.get(..whole).unwrap_or_default());
        let shown = beginning.len() - self.beginning_of_a_secret(&beginning);
        let masked = self.masked(beginning.get(..shown).unwrap_or_default());
        let text = self.not_shown_yet(&masked).to_owned();
        self.shown = masked;
        self.limited(text)
    }

    /// What is left at the end.
    pub(super) fn finish(&mut self) -> String {
        let mut text = String::new();
        if self.left > 0 && self.dropping.is_none() {
            self.show_pending(&mut text);
        }
        self.limited(text)
    }

    /// The pending text ends with the end of a line, or is too long.
    fn line(&mut self, is_line: bool, text: &mut String) {
        if let Some(until) = self.dropping {
            let is_end = match until {
                Until::EndOfLine => is_line,
                Until::EndOfBlock => find(&self.pending, b"-----END ").is_some(),
            };
            self.pending.clear();
            if is_end {
                self.dropping = None;
            }
            return;
        }
        let is_block = self.open_block().is_some();
        if self.pending.len() > MAX_TEXT {
            self.dropping = if is_block {
                Some(Until::EndOfBlock)
            } else {
                (!is_line).then_some(Until::EndOfLine)
            };
            self.show_pending(text);
            if !text.ends_with('\n') {
                text.push('\n');
            }
        } else if !is_block {
            self.show_pending(text);
        }
    }

    /// The position of a PEM block that has not ended.
    fn open_block(&mut self) -> Option<usize> {
        let from = self.searched.min(self.pending.len());
        let rest = self.pending.get(from..).unwrap_or_default();
        let Some(begin) = find(rest, b"-----BEGIN ") else {
            self.searched = self.pending.len().saturating_sub(11);
            return None;
        };
        self.searched = from + begin;
        let block = rest.get(begin..).unwrap_or_default();
        find(block, b"-----END ").is_none().then_some(self.searched)
    }

    fn show_pending(&mut self, text: &mut String) {
        let pending = std::mem::take(&mut self.pending);
        let whole = self.after_the_lines_before(&pending);
        let masked = self.masked(&whole);
        text.push_str(self.not_shown_yet(&masked));
        self.searched = 0;
        let own = self.masked(&String::from_utf8_lossy(&pending));
        if own.trim_end() == MASKED && whole.len() < MAX_TEXT {
            self.before.extend_from_slice(&pending);
            self.shown = masked;
        } else {
            self.before = Zeroizing::default();
            self.shown.clear();
        }
    }

    /// The text with the lines before. A progress bar ends its lines with a carriage return.
    fn after_the_lines_before(&self, text: &[u8]) -> Zeroizing<String> {
        let whole = Zeroizing::new([self.before.as_slice(), text].concat());
        Zeroizing::new(String::from_utf8_lossy(&whole).replace('\r', "\n"))
    }

    fn masked(&self, text: &str) -> String {
        clean(&self.mask.apply(&without_secrets(text))).into_owned()
    }

    /// The part of the text after what it has in common with the text that was shown.
    fn not_shown_yet<'a>(&self, text: &'a str) -> &'a str {
        let same = text
            .chars()
            .zip(self.shown.chars())
            .take_while(|(new, old)| new == old);
        let length = same.map(|(c, _)| c.len_utf8()).sum();
        text.get(length..).unwrap_or_default()
    }

    /// The length of the end of the text that is the beginning of a known secret.
    fn beginning_of_a_secret(&self, text: &str) -> usize {
        let secrets = self.secrets.iter().map(SecretString::expose_secret);
        let longest = secrets.filter_map(|secret| {
            let most = secret.len().saturating_sub(1).min(text.len());
            (MIN_BEGINNING..=most).rev().find(|&length| {
                secret
                    .get(..length)
                    .is_some_and(|beginning| text.ends_with(beginning))
            })
        });
        longest.max().unwrap_or(0)
    }

    fn limited(&mut self, mut text: String) -> String {
        if text.len() > self.left {
            let end = (0..=self.left).rev().find(|&end| text.is_char_boundary(end));
            text.truncate(end.unwrap_or_default());
            text.push_str(TOO_MUCH);
            self.left = 0;
        } else {
            self.left -= text.len();
        }
        text
    }
}

fn find(text: &[u8], word: &[u8]) -> Option<usize> {
    text.windows(word.len()).position(|window| window == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines() -> Lines {
        Lines::new(["hunter-two-22".into()])
    }

    #[test]
    fn a_line_is_shown_when_it_is_complete_however_its_bytes_arrive() {
        let text = "Grüße \u{1b}[1m\r\nuse token=abc123\rdone 42 %\rhunter-two-22!\n";
        for size in 1..text.len() {
            let mut lines = lines();
            let shown: String = text
                .as_bytes()
                .chunks(size)
                .map(|chunk| lines.take(chunk))
                .collect();
            let expected = "Grüße U+001B[1m\nuse token=[masked]\ndone 42 %\n[masked]!\n";
            assert_eq!(shown, expected, "{size}");
            assert_eq!(lines.finish(), "");
        }
    }

    #[test]
    fn a_question_is_shown_after_a_silence_and_not_repeated() {
        let mut lines = lines();
        assert_eq!(lines.take(b"Password for jane: "), "");
        assert_eq!(lines.pause(), "Password for jane: ");
        assert_eq!(lines.pause(), "");
        assert_eq!(lines.take(b"\nthank you"), "\n");
        assert_eq!(lines.finish(), "thank you");
    }

    #[test]
    fn a_secret_with_a_silence_in_it_is_masked() {
        let mut lines = lines();
        lines.take(b"use hunter-");
        assert_eq!(lines.pause(), "use ");
        lines.take(b"two");
        assert_eq!(lines.pause(), "");
        assert_eq!(lines.take(b"-22 now\n"), "[masked] now\n");

        lines.take(b"token=");
        assert_eq!(lines.pause(), "token=");
        lines.take(b"abc");
        assert_eq!(lines.pause(), "[masked]");
        assert_eq!(lines.take(b"def\n"), "\n");
    }

    #[test]
    fn a_private_key_is_masked_as_a_whole() {
        let mut lines = lines();
        let key = "key:\n-----BEGIN PRIVATE KEY-----\nMIIBabcd\nefgh\n-----END PRIVATE KEY-----\nafter\n";
        let mut shown = String::new();
        for line in key.split_inclusive('\n') {
            shown += &lines.take(line.as_bytes());
            shown += &lines.pause();
        }
        assert!(!shown.contains("MIIB") && !shown.contains("efgh"), "{shown}");
        assert!(
            shown.starts_with("key:\n") && shown.ends_with("after\n"),
            "{shown}"
        );

        lines.take(b"-----BEGIN PRIVATE KEY-----\n");
        let body = "MIIBabcd".repeat(16) + "\n";
        let mut shown = String::new();
        for _ in 0..2 * MAX_TEXT / body.len() {
            shown += &lines.take(body.as_bytes());
        }
        shown += &lines.take(b"-----END PRIVATE KEY-----\nafter\n");
        assert!(!shown.contains("MIIB") && shown.ends_with("after\n"), "{shown}");
    }

    #[test]
    fn a_line_without_an_end_and_a_flood_are_bounded() {
        let mut lines = lines();
        let mut shown = String::new();
        for _ in 0..100 {
            shown += &lines.take(&[b'x'; 4096]);
        }
        assert!(
            shown.len() <= MAX_TEXT + 4097 && lines.pending.len() <= MAX_TEXT,
            "{}",
            shown.len()
        );
        let mut shown = lines.take(b"\n");
        for _ in 0..600 {
            shown += &lines.take("a line of words\n".repeat(128).as_bytes());
        }
        assert!(shown.len() < MAX_SHOWN + 100 && shown.ends_with(TOO_MUCH));
        assert_eq!(lines.take(b"more\n"), "");
    }
}
