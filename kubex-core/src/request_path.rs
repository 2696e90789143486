//! Request paths: whether one stays below the server's own path, however the server reads it.

/// Whether a path that is appended to another one stays below it.
///
/// Servers and the proxies before them differ in how they read a path, so each reading counts: `..` ends a step up
/// whether it is written out or percent-encoded, an encoded slash separates segments, empty segments and `.` count
/// for nothing. A backslash and control characters, which URL parsers rewrite or drop, are refused. The query is not
/// looked at.
pub(crate) fn stays_below(path: &str) -> bool {
    let path = path.split(['?', '#']).next().unwrap_or(path);
    if path.contains(|c: char| c.is_ascii_control() || c == '\\') {
        return false;
    }
    if !path.contains("..") && !path.contains('%') {
        return true;
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
            b'.' => segment.dots += 1,
            byte if byte.is_ascii_control() => return false,
            _ => segment.has_others = true,
        }
    }
    segment.leave(depth).is_some()
}

/// What one segment is made of, as far as it matters.
#[derive(Default)]
struct Segment {
    dots: usize,
    has_others: bool,
}

impl Segment {
    /// The depth after this segment; none above the beginning.
    fn leave(&self, depth: usize) -> Option<usize> {
        match (self.has_others, self.dots) {
            (false, 0 | 1) => Some(depth),
            (false, 2) => depth.checked_sub(1),
            _ => Some(depth + 1),
        }
    }
}

/// The next byte, percent-decoded, and what follows it.
fn next_byte(text: &[u8]) -> Option<(u8, &[u8])> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    match text {
        [b'%', high, low, rest @ ..] => match (digit(high), digit(low)) {
            (Some(high), Some(low)) => Some((u8::try_from(high * 16 + low).ok()?, rest)),
            _ => Some((b'%', text.get(1..)?)),
        },
        [byte, rest @ ..] => Some((*byte, rest)),
        [] => None,
    }
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
