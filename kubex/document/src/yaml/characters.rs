//! The characters that YAML does not allow.

use crate::error::{Problem, ReadError};

/// How many bytes are checked together.
const STRIDE: usize = 64;

/// Refuses a text with a character that YAML does not allow.
pub(super) fn check(text: &str) -> Result<(), ReadError> {
    let is_control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r') || byte == 0x7f;
    let bytes = text.as_bytes();
    let is_refused = |at: usize, byte: u8| match byte {
        0xc2 => bytes
            .get(at + 1)
            .is_some_and(|next| *next < 0xa0 && *next != 0x85),
        0xef => matches!(bytes.get(at + 1..at + 3), Some([0xbf, 0xbe | 0xbf])),
        byte => is_control(byte),
    };
    for (index, chunk) in bytes.chunks(STRIDE).enumerate() {
        let is_suspicious = |byte: u8| is_control(byte) || byte == 0xc2 || byte == 0xef;
        if !chunk
            .iter()
            .fold(false, |found, byte| found | is_suspicious(*byte))
        {
            continue;
        }
        let mut places = chunk
            .iter()
            .enumerate()
            .map(|(within, byte)| (index * STRIDE + within, *byte));
        if let Some((at, _)) = places.find(|(at, byte)| is_refused(*at, *byte)) {
            let problem = Problem::Yaml("control characters are not allowed");
            return Err(ReadError::new(problem, at));
        }
    }
    Ok(())
}
