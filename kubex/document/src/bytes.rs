//! Finding bytes fast.

/// How many bytes are looked at together.
const STRIDE: usize = 32;

/// The first of the bytes that means something. Whole strides are looked at without a branch for each byte.
pub(crate) fn find(bytes: &[u8], means_something: impl Fn(u8) -> bool) -> Option<usize> {
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
