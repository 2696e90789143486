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
