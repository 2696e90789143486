//! Finding bytes fast.

/// How many bytes are looked at together.
const STRIDE: usize = 32;

/// The first of the bytes that means something. Whole strides are looked at without a branch for each byte.
pub(crate) fn find(bytes: &[u8], means_something: impl Fn(u8) -> bool) -> Option<usize> {
    let mut at = 0;
    for chunk in bytes.chunks(STRIDE) {
        if chunk
            .iter()
            .fold(false, |found, byte| found | means_something(*byte))
        {
            let within = chunk.iter().position(|byte| means_something(*byte));
            return within.map(|within| at + within);
        }
        at += chunk.len();
    }
    None
}
