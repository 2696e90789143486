//! The spellings in which a secret may occur in a text: as it is, escaped, in base64, in hexadecimal, and combinations.
//!
//! Instead of encoding each secret in each way, the text is decoded in each way, and then searched for the plain secrets. Each
//! decoded byte keeps its place in the text.

use std::ops::Range;

use zeroize::Zeroizing;

/// The number of rounds in which escapes are decoded: JSON within JSON, percent-encoded.
const ROUNDS: usize = 3;

/// An encoding of bytes as digits.
struct Encoding {
    /// The value of a digit.
    value: fn(u8) -> Option<u8>,
    /// How many bits a digit has.
    bits: u32,
    /// How many digits eight bytes have at least.
    least: usize,
    /// After so many digits, bytes begin with a digit again.
    alignments: usize,
}

const BASE64: Encoding = Encoding {
    value: base64_value,
    bits: 6,
    least: 11,
    alignments: 4,
};

const HEXADECIMAL: Encoding = Encoding {
    value: hexadecimal_value,
    bits: 4,
    least: 16,
    alignments: 2,
};

/// A line of at least this many characters may be continued on the next line, as `base64` and PEM do.
const MIN_WRAPPED_LINE: usize = 40;

/// Returns where decoded bytes are in the text. The second argument is whether they are a whole secret; if they are a part of a
/// secret, the rest of the word belongs to it.
pub(crate) type Locate<'a> = &'a dyn Fn(Range<usize>, bool) -> Option<Range<usize>>;

/// Passes the bytes of the text in each spelling.
pub(crate) fn each(text: &str, search: &mut dyn FnMut(&[u8], Locate<'_>)) {
    let bytes = text.as_bytes();
    level(text, bytes, None, search);
    let mut last: Option<Decoded> = None;
    for _ in 0..ROUNDS {
        let next = match &last {
            None => decode_escapes(bytes, |at| at..at + 1),
            Some(decoded) => decode_escapes(&decoded.bytes, |at| decoded.place(at)),
        };
        let Some(next) = next else { break };
        level(text, &next.bytes, Some(&next), search);
        last = Some(next);
    }
}

/// The bytes without escapes; `None` if there are none.
pub(super) fn without_escapes(bytes: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    decode_escapes(bytes, |at| at..at + 1).map(|decoded| decoded.bytes)
}

/// Decoded bytes, and the place in the text that each of them is decoded from.
#[derive(Default)]
struct Decoded {
    bytes: Zeroizing<Vec<u8>>,
    places: Vec<Range<usize>>,
}

impl Decoded {
    fn push(&mut self, byte: u8, place: Range<usize>) {
        self.bytes.push(byte);
        self.places.push(place);
    }

    fn place(&self, at: usize) -> Range<usize> {
        self.places.get(at).cloned().unwrap_or_default()
    }

    fn range(&self, range: &Range<usize>) -> Option<Range<usize>> {
        let first = self.places.get(range.start)?;
        let last = self.places.get(range.end.checked_sub(1)?)?;
        Some(first.start..last.end)
    }
}

/// Searches the bytes themselves, and the base64 and the hexadecimal in them.
fn level(text: &str, bytes: &[u8], decoded: Option<&Decoded>, search: &mut dyn FnMut(&[u8], Locate<'_>)) {
    let place = |at: usize| decoded.map_or(at..at + 1, |decoded| decoded.place(at));
    search(bytes, &|range, is_whole| {
        let range = match decoded {
            None => range,
            Some(decoded) => decoded.range(&range)?,
        };
        Some(if is_whole { range } else { whole_word(text, range) })
    });
    for encoding in [&BASE64, &HEXADECIMAL] {
        for run in encoding.runs(bytes) {
            // The secret may be anywhere in what was encoded, and something else may stand in front of it.
            for alignment in 0..encoding.alignments {
                let digits = run.get(alignment..).unwrap_or_default();
                let decoded = encoding.decode(bytes, digits, place);
                search(&decoded.bytes, &|range, is_whole| {
                    if is_whole {
                        decoded.range(&range)
                    } else {
                        Some(place(*run.first()?).start..place(*run.last()?).end)
                    }
                });
            }
        }
    }
}

/// The whole word around a part of a secret.
fn whole_word(text: &str, range: Range<usize>) -> Range<usize> {
    let belongs = |c: char| c.is_ascii_alphanumeric() || "+/=_-.~".contains(c);
    let before = text.get(..range.start).unwrap_or_default();
    let after = text.get(range.end..).unwrap_or_default();
    let start = before.trim_end_matches(belongs).len();
    let end = range.end + (after.len() - after.trim_start_matches(belongs).len());
    start..end
}

impl Encoding {
    /// The places of the characters of each sequence of digits. A line break within it is left out.
    fn runs(&self, bytes: &[u8]) -> Vec<Vec<usize>> {
        let Self { value, least, .. } = *self;
        let mut runs = Vec::new();
        let mut run: Vec<usize> = Vec::new();
        let mut line = 0;
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            if value(*byte).is_some() {
                run.push(at);
                line += 1;
                at += 1;
                continue;
            }
            let line_break = match (byte, bytes.get(at + 1)) {
                (b'\n', _) => 1,
                (b'\r', Some(b'\n')) => 2,
                _ => 0,
            };
            let goes_on = line_break > 0
                && line >= MIN_WRAPPED_LINE
                && bytes
                    .get(at + line_break)
                    .is_some_and(|next| value(*next).is_some());
            if goes_on {
                line = 0;
                at += line_break;
                continue;
            }
            if run.len() >= least {
                runs.push(std::mem::take(&mut run));
            }
            run.clear();
            line = 0;
            at += 1;
        }
        if run.len() >= least {
            runs.push(run);
        }
        runs
    }

    /// Decodes the characters at these places. The place of a decoded byte is that of the characters that contain its bits.
    fn decode(&self, bytes: &[u8], digits: &[usize], place: impl Fn(usize) -> Range<usize>) -> Decoded {
        let mut decoded = Decoded::default();
        let (mut bits, mut count) = (0_u32, 0);
        let mut first = None;
        for at in digits {
            let digit = bytes.get(*at).copied().and_then(self.value).unwrap_or_default();
            bits = bits << self.bits | u32::from(digit);
            count += self.bits;
            if count >= 8 {
                count -= 8;
                let [.., byte] = (bits >> count).to_be_bytes();
                decoded.push(byte, place(first.unwrap_or(*at)).start..place(*at).end);
            }
            first = Some(*at);
        }
        decoded
    }
}

/// Both alphabets of base64.
fn base64_value(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

fn hexadecimal_value(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

/// Decodes `%41`, and the escapes of JSON, YAML and Rust: `\n`, `\u0041`, `\u{41}`, `\x41`, `\"`. `None` if there are
/// none.
fn decode_escapes(bytes: &[u8], place: impl Fn(usize) -> Range<usize>) -> Option<Decoded> {
    if !bytes.iter().any(|byte| matches!(byte, b'%' | b'\\')) {
        return None;
    }
    let mut decoded = Decoded::default();
    let mut has_escapes = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at + 1..).unwrap_or_default();
        let escape = match byte {
            b'%' => hexadecimal(rest.get(..2)).map(|value| (value, 3)),
            b'\\' => backslash(rest).map(|(value, length)| (value, length + 1)),
            _ => None,
        };
        let Some((value, length)) = escape else {
            decoded.push(*byte, place(at));
            at += 1;
            continue;
        };
        has_escapes = true;
        let range = place(at).start..place(at + length - 1).end;
        if *byte == b'%' {
            // A byte, and not a character.
            decoded.push(u8::try_from(value).unwrap_or_default(), range);
        } else {
            let c = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                decoded.push(byte, range.clone());
            }
        }
        at += length;
    }
    has_escapes.then_some(decoded)
}

/// The character of an escape, and the length of what follows the backslash.
fn backslash(rest: &[u8]) -> Option<(u32, usize)> {
    match rest.first()? {
        b'u' if rest.get(1) == Some(&b'{') => {
            let length = rest.iter().take(10).position(|byte| *byte == b'}')?;
            Some((hexadecimal(rest.get(2..length))?, length + 1))
        }
        b'u' => {
            let unit = hexadecimal(rest.get(1..5))?;
            if (0xd800..0xdc00).contains(&unit)
                && rest.get(5..7) == Some(b"\\u")
                && let Some(low @ 0xdc00..0xe000) = hexadecimal(rest.get(7..11))
            {
                return Some((0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00), 11));
            }
            Some((unit, 5))
        }
        b'x' => Some((hexadecimal(rest.get(1..3))?, 3)),
        b'n' => Some((u32::from(b'\n'), 1)),
        b'r' => Some((u32::from(b'\r'), 1)),
        b't' => Some((u32::from(b'\t'), 1)),
        b'b' => Some((8, 1)),
        b'f' => Some((12, 1)),
        byte @ (b'"' | b'\'' | b'\\' | b'/') => Some((u32::from(*byte), 1)),
        _ => None,
    }
}

fn hexadecimal(digits: Option<&[u8]>) -> Option<u32> {
    let digits = std::str::from_utf8(digits?).ok()?;
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_number.then(|| u32::from_str_radix(digits, 16).ok()).flatten()
}
