//! Finds bytes quickly.

/// How many bytes are checked together.
const STRIDE: usize = 32;

/// How many bytes are first checked one by one. Most names and values of a kubeconfig are shorter.
const SHORT: usize = 16;

/// Finds the first byte that matters. After the first few bytes, whole strides are checked without a branch for each byte.
#[inline]
pub(crate) fn find(bytes: &[u8], means_something: impl Fn(u8) -> bool) -> Option<usize> {
    let (first, further) = bytes.split_at_checked(SHORT).unwrap_or((bytes, &[]));
    let found = first.iter().position(|byte| means_something(*byte));
    found.or_else(|| find_further(further, means_something).map(|within| SHORT + within))
}

fn find_further(bytes: &[u8], means_something: impl Fn(u8) -> bool) -> Option<usize> {
    let position = |bytes: &[u8]| bytes.iter().position(|byte| means_something(*byte));
    let (strides, rest) = bytes.as_chunks::<STRIDE>();
    for (index, stride) in strides.iter().enumerate() {
        let is_found = stride
            .iter()
            .fold(false, |found, byte| found | means_something(*byte));
        if is_found {
            return position(stride).map(|within| index * STRIDE + within);
        }
    }
    position(rest).map(|within| strides.len() * STRIDE + within)
}

/// The same byte, eight times.
pub(crate) const fn eight(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// How many bytes precede the first one that ends the run. Eight bytes are compared at once: `marks` sets a bit in the first
/// byte of a word that ends the run and in no byte before it. `ends` judges the last few bytes one by one.
#[inline]
pub(crate) fn run_length(bytes: &[u8], marks: impl Fn(u64) -> u64, ends: impl Fn(u8) -> bool) -> usize {
    let mut rest = bytes;
    while let Some((chunk, further)) = rest.split_first_chunk() {
        let marks = marks(u64::from_le_bytes(*chunk));
        if marks != 0 {
            return bytes.len() - rest.len() + (marks.trailing_zeros() / 8) as usize;
        }
        rest = further;
    }
    let found = rest.iter().position(|byte| ends(*byte));
    bytes.len() - rest.len() + found.unwrap_or(rest.len())
}

/// How many spaces these bytes begin with.
#[inline]
pub(crate) fn spaces(bytes: &[u8]) -> usize {
    run_length(bytes, |word| word ^ eight(b' '), |byte| byte != b' ')
}

/// The printable characters of ASCII.
pub(crate) const fn is_printable(byte: u8) -> bool {
    matches!(byte, b' '..=b'~')
}

/// A long line: most of them are base64.
const LONG: usize = 64;

/// How many printable characters of ASCII these bytes begin with. More than eight bytes of a long line are compared at once.
#[inline]
pub(crate) fn printable(bytes: &[u8]) -> usize {
    let (begin, further) = bytes.split_at_checked(LONG).unwrap_or((bytes, &[]));
    let length = printable_run(begin);
    if length < begin.len() {
        return length;
    }
    let rest = skip_long(further);
    bytes.len() - rest.len() + printable_run(rest)
}

#[inline]
fn printable_run(bytes: &[u8]) -> usize {
    // Sets the highest bit of each byte that is below a space, above the tilde, or the tilde's successor. A borrow may set it
    // in further bytes too, but never in an earlier one.
    let marks =
        |word: u64| (word.wrapping_sub(eight(b' ')) | word | word.wrapping_add(eight(1))) & eight(0x80);
    run_length(bytes, marks, |byte| !is_printable(byte))
}

/// Skips the chunks that are printable as a whole.
fn skip_long(mut rest: &[u8]) -> &[u8] {
    while let Some((chunk, further)) = rest.split_first_chunk::<LONG>() {
        if !chunk.iter().fold(true, |all, byte| all & is_printable(*byte)) {
            break;
        }
        rest = further;
    }
    rest
}

/// Whether a text consists of printable characters of ASCII.
pub(crate) fn is_all_printable(text: &[u8]) -> bool {
    printable(text) == text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_other_byte_ends_a_run_wherever_it_is() {
        for length in [0, 1, 7, 8, 9, 63, 64, 65, 200] {
            let text = vec![b'a'; length];
            assert_eq!(printable(&text), length);
            for at in 0..length {
                for byte in 0..=u8::MAX {
                    let mut text = text.clone();
                    text[at] = byte;
                    let expected = if is_printable(byte) { length } else { at };
                    assert_eq!(printable(&text), expected, "{byte} at {at} of {length}");
                }
            }
            for at in 0..=length {
                let mut text = vec![b' '; length];
                text[at..].fill(b'-');
                assert_eq!(spaces(&text), at);
            }
        }
    }
}
