//! PEM, by the rules of Go's `encoding/pem`: which blocks of a text count.
//!
//! kubectl skips a block that it cannot read and uses the others, so the same blocks must count here. A library that
//! fails at the first bad block, or accepts one that Go skips, would lead to other certificate authorities.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;
use std::path::Path;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{GeneralPurpose, GeneralPurposeConfig};
use zeroize::Zeroizing;

use crate::text::shown_path;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"-----END ";
const DASHES: &[u8] = b"-----";
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Like Go's, it requires padding and ignores the unused bits of the last character.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The name of a PEM text in errors, such as `the client key /etc/kubernetes/jane.key`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) what: &'static str,
    /// The file that contains the text.
    pub(crate) file: Option<&'a Path>,
}

impl Subject<'_> {
    pub(crate) const CLIENT_CERTIFICATE: Self = Self::new("the client certificate");
    pub(crate) const CLIENT_KEY: Self = Self::new("the client key");
    pub(crate) const AUTHORITY: Self = Self::new("the certificate authority");

    const fn new(what: &'static str) -> Self {
        Self { what, file: None }
    }
}

impl<'a> Subject<'a> {
    /// The same text, in this file.
    pub(crate) fn in_file(self, file: Option<&'a Path>) -> Self {
        Self { file, ..self }
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.file {
            Some(file) => write!(f, "{} {}", self.what, shown_path(file)),
            None => f.write_str(self.what),
        }
    }
}

/// One block, between a `BEGIN` and an `END` line.
#[derive(Debug)]
pub(crate) struct PemBlock<'a> {
    /// The text between `BEGIN` and the dashes: `CERTIFICATE`.
    pub(crate) label: Cow<'a, str>,
    /// The line of `BEGIN`, from 1.
    pub(crate) line: usize,
    /// Whether lines such as `Proc-Type: 4,ENCRYPTED` precede the base64.
    pub(crate) has_headers: bool,
    /// Whether a header marks the content as encrypted.
    pub(crate) is_encrypted: bool,
    /// The decoded content, or why the block does not count.
    pub(crate) content: Result<Zeroizing<Vec<u8>>, &'static str>,
}

/// A block whose `END` line has not been found yet.
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is one property of a block, and they do not exclude each other"
)]
struct Open<'a> {
    label: Cow<'a, str>,
    line: usize,
    body: Range<usize>,
    is_in_headers: bool,
    has_headers: bool,
    is_encrypted: bool,
    /// Why it does not count.
    problem: Option<&'static str>,
    /// Whether it is text rather than a broken block, unless an `END` line follows.
    is_perhaps_text: bool,
}

/// Finds the blocks of a text. Text around them is ignored.
pub(crate) fn blocks(text: &[u8]) -> Vec<PemBlock<'_>> {
    let mut found = Vec::new();
    let mut open: Option<Open<'_>> = None;
    let mut start = 0;
    for (index, raw) in lines(text).enumerate() {
        let end = start + raw.len();
        let line = without_line_end(raw);
        if let Some(begun) = begin(line, index + 1, end) {
            found.extend(open.replace(begun).and_then(Open::cut_off));
        } else if line.starts_with(END) {
            found.extend(open.take().map(|open| open.finish(line, text)));
        } else if let Some(open) = &mut open {
            open.add(line, end);
        }
        start = end + 1;
    }
    found.extend(open.and_then(Open::cut_off));
    found
}

/// Reads a `BEGIN` line. `end` is where the line ends in the text.
fn begin(line: &[u8], number: usize, end: usize) -> Option<Open<'_>> {
    // A line of base64 has no dash.
    memchr::memchr(b'-', line)?;
    let at = line.windows(BEGIN.len()).position(|window| window == BEGIN)?;
    let (before, rest) = line.split_at(at);
    let rest = rest.strip_prefix(BEGIN)?;
    let label = rest.strip_suffix(DASHES);
    let problem = if before == BYTE_ORDER_MARK {
        Some("a byte order mark precedes its BEGIN line")
    } else if !before.is_empty() {
        Some("its BEGIN line does not start at the beginning of a line")
    } else if label.is_none() {
        Some("its BEGIN line does not end in five dashes")
    } else {
        None
    };
    Some(Open {
        label: String::from_utf8_lossy(label.unwrap_or(rest)),
        line: number,
        body: end..end,
        is_in_headers: true,
        has_headers: false,
        is_encrypted: false,
        problem,
        is_perhaps_text: !before.trim_ascii().is_empty() && before != BYTE_ORDER_MARK,
    })
}

impl<'a> Open<'a> {
    fn add(&mut self, line: &[u8], end: usize) {
        if self.is_in_headers && line.contains(&b':') {
            self.has_headers = true;
            self.is_encrypted |= line.starts_with(b"Proc-Type:") && line.ends_with(b"ENCRYPTED");
            self.body = end..end;
            return;
        }
        self.is_in_headers = false;
        self.body.end = end;
    }

    /// The block ends at this line.
    fn finish(self, line: &[u8], text: &[u8]) -> PemBlock<'a> {
        let is_its_end = line
            .strip_prefix(END)
            .and_then(|rest| rest.strip_suffix(DASHES))
            .is_some_and(|label| label == self.label.as_bytes());
        let content = match self.problem {
            Some(problem) => Err(problem),
            None if !is_its_end => Err("its END line does not match its BEGIN line"),
            None => decode(text.get(self.body.clone()).unwrap_or_default()).ok_or("its base64 is not valid"),
        };
        self.into_block(content)
    }

    /// Another block begins, or the text ends.
    fn cut_off(self) -> Option<PemBlock<'a>> {
        (!self.is_perhaps_text).then(|| self.into_block(Err("it has no END line")))
    }

    fn into_block(self, content: Result<Zeroizing<Vec<u8>>, &'static str>) -> PemBlock<'a> {
        PemBlock {
            label: self.label,
            line: self.line,
            has_headers: self.has_headers,
            is_encrypted: self.is_encrypted,
            content,
        }
    }
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let (line, further) = match memchr::memchr(b'\n', text) {
            Some(end) => (text.get(..end), text.get(end + 1..)),
            None => (Some(text), None),
        };
        rest = further;
        line
    })
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r')
}

fn without_line_end(line: &[u8]) -> &[u8] {
    let mut line = line.strip_suffix(b"\r").unwrap_or(line);
    while let [rest @ .., b' ' | b'\t'] = line {
        line = rest;
    }
    line
}

/// Decodes into buffers of their final size, so that no copy of a key is left behind.
fn decode(body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut joined = Zeroizing::new(Vec::with_capacity(body.len()));
    for line in lines(body) {
        let line = without_line_end(line);
        // A line with white space in it is rare.
        match memchr::memchr3(b' ', b'\t', b'\r', line) {
            Some(_) => joined.extend(line.iter().filter(|byte| !is_space(**byte))),
            None => joined.extend_from_slice(line),
        }
    }
    let mut decoded = Zeroizing::new(vec![0; joined.len().div_ceil(4) * 3]);
    let length = BASE64.decode_slice(&*joined, &mut decoded).ok()?;
    decoded.truncate(length);
    Some(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content of each block, or why it does not count.
    fn read(text: &str) -> Vec<Result<Vec<u8>, &'static str>> {
        blocks(text.as_bytes())
            .into_iter()
            .map(|block| block.content.map(|content| content.to_vec()))
            .collect()
    }

    const ABC: &str = "-----BEGIN X-----\nYWJj\n-----END X-----\n";

    #[expect(clippy::unnecessary_wraps, reason = "it is compared with what is read")]
    fn abc() -> Result<Vec<u8>, &'static str> {
        Ok(b"abc".to_vec())
    }

    #[test]
    fn a_block_counts_with_any_line_end_and_with_text_around_it() {
        for text in [
            ABC.to_owned(),
            ABC.replace('\n', "\r\n"),
            ABC.replace('\n', " \t\r\n"),
            ABC.trim_end().to_owned(),
            format!("subject: a\n\n{ABC}\nissuer: b"),
            ABC.replace("YWJj", "YW\n  Jj"),
            ABC.replace("YWJj", "\nYWJj\n"),
            format!("# -----BEGIN X-----\n{ABC}"),
            "-----BEGIN X-----\nKey: value\n\nYWJj\n-----END X-----".to_owned(),
        ] {
            assert_eq!(read(&text), [abc()], "{text:?}");
        }
    }

    #[test]
    fn a_broken_block_is_reported_and_the_others_count() {
        for (broken, problem) in [
            (
                "-----BEGIN X-----\nY!Jj\n-----END X-----\n",
                "its base64 is not valid",
            ),
            (
                "-----BEGIN X-----\nYWJ\n-----END X-----\n",
                "its base64 is not valid",
            ),
            (
                "-----BEGIN X-----\nYWJj\n-----END Y-----\n",
                "its END line does not match its BEGIN line",
            ),
            (
                "-----BEGIN X-----\nYWJj\n-----END X----\n",
                "its END line does not match its BEGIN line",
            ),
            ("-----BEGIN X-----\nYWJj\n", "it has no END line"),
            (
                "-----BEGIN X---\nYWJj\n-----END X-----\n",
                "its BEGIN line does not end in five dashes",
            ),
            (
                "  -----BEGIN X-----\nYWJj\n-----END X-----\n",
                "its BEGIN line does not start at the beginning of a line",
            ),
        ] {
            assert_eq!(
                read(&format!("{ABC}{broken}{ABC}")),
                [abc(), Err(problem), abc()],
                "{broken}"
            );
        }
        assert_eq!(
            read(&format!("\u{feff}{ABC}")),
            [Err("a byte order mark precedes its BEGIN line")]
        );
        assert_eq!(
            read(&format!("{ABC}-----BEGIN X-----\nYW")),
            [abc(), Err("it has no END line")]
        );
    }

    #[test]
    fn the_line_of_a_block_and_its_encryption_are_known() {
        let text = format!(
            "{ABC}\n-----BEGIN Y-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: A\n\nYWJj\n-----END Y-----\n"
        );
        let found = blocks(text.as_bytes());
        assert_eq!(found.iter().map(|block| block.line).collect::<Vec<_>>(), [1, 5]);
        assert_eq!(
            found.iter().map(|block| block.is_encrypted).collect::<Vec<_>>(),
            [false, true]
        );
        assert_eq!(found[1].label, "Y");
    }

    #[test]
    fn no_text_causes_a_panic() {
        let whole = format!("{ABC}x-----BEGIN Y-----\nA: b\n-----END Y-----\n{ABC}");
        for from in 0..whole.len() {
            for to in from..whole.len() {
                blocks(&whole.as_bytes()[from..to]);
            }
        }
    }
}
