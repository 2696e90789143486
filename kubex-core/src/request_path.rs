//! Checks that a request path stays below the server's own path, however a server decodes it.

/// Whether a path that is appended to another path stays below it.
///
/// Servers and proxies decode paths in different ways, so the check assumes the worst of them:
///
/// - `..` leaves a segment, also if it is percent-encoded, once or several times, and with parameters behind it (`..;a`).
/// - An encoded slash separates segments.
/// - Empty segments and `.` have no effect.
/// - A backslash or a control character is refused, because URL parsers rewrite or drop them.
///
/// The query and the fragment are ignored.
#[inline]
pub(crate) fn stays_below(path: &str) -> bool {
    is_plain(path.as_bytes()) || special_path_stays_below(path)
}

/// The same for a path with characters that matter.
fn special_path_stays_below(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    if path.contains(|c: char| c.is_ascii_control() || c == '\\') {
        return false;
    }
    let mut depth = 0_usize;
    let mut segment = Segment::default();
    let mut rest = path.as_bytes();
    while let Some((byte, after)) = next_byte(rest) {
        rest = after;
        match byte {
            b'\\' => return false,
            b'/' => match segment.leave(depth) {
                Some(reached) => {
                    depth = reached;
                    segment = Segment::default();
                }
                None => return false,
            },
            byte if byte.is_ascii_control() => return false,
            _ if segment.has_parameters => {}
            b'.' => segment.dots += 1,
            b';' => segment.has_parameters = true,
            _ => segment.has_others = true,
        }
    }
    segment.leave(depth).is_some()
}

/// Whether nothing in the text can lead elsewhere. Every request is checked, so this looks at each byte once and without a
/// branch; two dots in a row are the only sequence that matters.
#[inline]
fn is_plain(text: &[u8]) -> bool {
    let found = text.iter().fold(0, |found, byte| {
        // A byte is always within the table.
        found | KINDS.get(usize::from(*byte)).copied().unwrap_or(SPECIAL)
    });
    found == 0 || found == DOT && !text.windows(2).any(|pair| pair == b"..")
}

const SPECIAL: u8 = 1;
const DOT: u8 = 2;

/// What each byte is: plain, special, or a dot.
#[expect(
    clippy::indexing_slicing,
    reason = "the index is below the length, and a constant that panics does not compile"
)]
static KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < kinds.len() {
        kinds[byte] = match byte {
            0..=0x1f | 0x25 | 0x3b | 0x5c | 0x7f => SPECIAL,
            0x2e => DOT,
            _ => 0,
        };
        byte += 1;
    }
    kinds
};

/// The characters of one path segment, as far as they matter.
#[derive(Default)]
struct Segment {
    dots: usize,
    has_others: bool,
    has_parameters: bool,
}

impl Segment {
    /// Returns the depth after this segment, or `None` if it is above the start.
    fn leave(&self, depth: usize) -> Option<usize> {
        match (self.has_others, self.dots) {
            (false, 0 | 1) => Some(depth),
            (false, 2) => depth.checked_sub(1),
            _ => Some(depth + 1),
        }
    }
}

/// Returns the next byte, percent-decoded, and the rest of the text. What is encoded several times is decoded as often:
/// each proxy on the way may decode it once.
fn next_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let (mut byte, mut rest) = text.split_first().map(|(byte, rest)| (*byte, rest))?;
    while byte == b'%'
        && let [high, low, after @ ..] = rest
        && let (Some(high), Some(low)) = (digit(high), digit(low))
    {
        byte = u8::try_from(high * 16 + low).ok()?;
        rest = after;
    }
    Some((byte, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_below_stays_below() {
        for path in [
            "",
            "/",
            "version",
            "/version?x=/../..",
            "/api/v1/namespaces/a/services/https:web:/proxy/a%2Fb",
            "/a/../b",
            "/a/b/../../c",
            "/a/%2e%2E/b",
            "/...",
            "/..a/b",
            "/a..",
            "/a/.",
            "/100%",
            "/a%zz",
            "/a%2525/b",
            "/100%25",
            "/a;b/..;c",
            "//elsewhere.example/version",
            "/\u{e4}/%C3%A4",
        ] {
            assert!(stays_below(path), "{path}");
        }
    }

    #[test]
    fn a_path_that_leaves_is_found_in_every_spelling() {
        for path in [
            "..",
            "/..",
            "/../x",
            "/a/../../x",
            "/%2e%2e/x",
            "/.%2E/x",
            "/%252e%252e/x",
            "/%25252e%252e/x",
            "/a/%252e%252e%252f..%252fx",
            "/..;/x",
            "/..;a=b/x",
            "/a/..;/..%3b/x",
            "/a/..%2f..%2fx",
            "/a%2f..%2F..%2Fx",
            "//../x",
            "/./../x",
            "/a//../../x",
            "/..\\x",
            "/a\\..\\..\\x",
            "/%5c../x",
            "/.\t./x",
            "/a\n",
            "/a%0a",
            "/a%00",
        ] {
            assert!(!stays_below(path), "{path}");
        }
    }
}
