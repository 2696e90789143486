//! Checks that a request path stays below the server's own path, however a server decodes it.

/// Whether a path that is appended to another path stays below it.
///
/// Servers and proxies decode paths in different ways, so the check assumes the worst of them:
///
/// - `..` leaves a segment, also if it is percent-encoded, once or several times, and with parameters after it (`..;a`).
/// - An encoded slash separates segments.
/// - Empty segments and `.` have no effect.
/// - A backslash or a control character is refused, because URL parsers rewrite or drop them.
/// - A percent sign without two hexadecimal digits is refused, because a server cannot decode it.
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
    while !rest.is_empty() {
        let Some((byte, after)) = next_byte(rest) else {
            return false;
        };
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

/// How many bytes are looked at together.
const STRIDE: usize = 16;

/// Whether nothing in the text can lead elsewhere: no special byte, and no two dots in a row. Every request is checked, so
/// this looks at whole strides, without a branch for each byte.
fn is_plain(text: &[u8]) -> bool {
    let Some((last, before)) = text.split_last() else {
        return true;
    };
    // As long as `before`: the byte behind each of its bytes.
    let behind = text.get(1..).unwrap_or_default();
    if special(*last) != 0 {
        return false;
    }
    let (Some(end), Some(behind_end)) = (before.last_chunk(), behind.last_chunk()) else {
        let mut pairs = before.iter().zip(behind);
        return pairs.all(|(byte, next)| special(*byte) | dots(*byte, *next) == 0);
    };
    let mut found = [0; STRIDE];
    for (stride, behind) in before.as_chunks().0.iter().zip(behind.as_chunks().0) {
        look_at(stride, behind, &mut found);
    }
    look_at(end, behind_end, &mut found);
    found == [0; STRIDE]
}

/// Records which bytes of a stride are not plain, alone or together with the next byte.
#[inline]
fn look_at(stride: &[u8; STRIDE], behind: &[u8; STRIDE], found: &mut [u8; STRIDE]) {
    for ((found, byte), next) in found.iter_mut().zip(stride).zip(behind) {
        *found |= special(*byte) | dots(*byte, *next);
    }
}

/// Not zero for a byte that servers and proxies decode or drop. Numbers, because these need no branch.
#[inline]
fn special(byte: u8) -> u8 {
    u8::from(byte < 0x20)
        | u8::from(byte == b'%')
        | u8::from(byte == b'\\')
        | u8::from(byte == 0x7f)
        | u8::from(byte == b';')
}

/// Not zero for two dots in a row.
#[inline]
fn dots(byte: u8, next: u8) -> u8 {
    u8::from(byte == b'.') & u8::from(next == b'.')
}

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

/// Returns the next byte, percent-decoded, and the rest of the text; `None` at the end and for an invalid escape. An escape
/// that is encoded several times is decoded completely, because each proxy on the way may decode it once.
fn next_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    let (byte, rest) = text.split_first()?;
    if *byte != b'%' {
        return Some((*byte, rest));
    }
    let (mut byte, mut rest) = decoded(rest)?;
    while byte == b'%'
        && let Some((again, after)) = decoded(rest)
    {
        byte = again;
        rest = after;
    }
    Some((byte, rest))
}

/// Returns the byte that two hexadecimal digits mean, and the rest of the text.
fn decoded(text: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let [high, low, rest @ ..] = text else {
        return None;
    };
    let byte = digit(high)? * 16 + digit(low)?;
    Some((u8::try_from(byte).ok()?, rest))
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
    fn a_special_byte_is_found_at_every_place_of_a_path_of_every_length() {
        for length in 1..100 {
            for at in 0..length {
                for special in [b"\\".as_slice(), b"%", b"\n", b"\x7f", b".."] {
                    let mut path = vec![b'a'; length];
                    path.splice(at..=at, special.iter().copied());
                    assert!(!is_plain(&path), "{special:?} at {at} of {length}");
                }
                let mut path = vec![b'a'; length];
                path[at] = b'.';
                assert!(is_plain(&path), "one dot at {at} of {length}");
            }
        }
        assert!(is_plain(b""));
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
            "/100%",
            "/a%2",
            "/a%zz",
        ] {
            assert!(!stays_below(path), "{path}");
        }
    }
}
