//! Random edits of a document: what a slip of the hand, or of a disk, makes of it.

use kubex_core::faults::YAML_PIECES;
use proptest::collection::vec;
use proptest::prelude::*;

/// One edit. Places are parts of 65,536, so that they fit a text of any length.
#[derive(Clone, Debug)]
enum Edit {
    Insert(u16, &'static str),
    Delete(u16, u8),
    Duplicate(u16, u8),
    Replace(u16, &'static str),
    Byte(u16, u8),
    SwapLines(u16, u16),
    DropLine(u16),
    Indent(u16, u8),
    Cut(u16),
}

/// Some edits, one after another.
#[derive(Clone, Debug)]
pub(crate) struct Edits(Vec<Edit>);

impl Edits {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        let piece = || proptest::sample::select(YAML_PIECES);
        let edit = prop_oneof![
            4 => (any::<u16>(), piece()).prop_map(|(at, piece)| Edit::Insert(at, piece)),
            3 => (any::<u16>(), 1..12_u8).prop_map(|(at, length)| Edit::Delete(at, length)),
            2 => (any::<u16>(), 1..24_u8).prop_map(|(at, length)| Edit::Duplicate(at, length)),
            3 => (any::<u16>(), piece()).prop_map(|(at, piece)| Edit::Replace(at, piece)),
            1 => (any::<u16>(), any::<u8>()).prop_map(|(at, byte)| Edit::Byte(at, byte)),
            2 => (any::<u16>(), any::<u16>()).prop_map(|(one, other)| Edit::SwapLines(one, other)),
            1 => any::<u16>().prop_map(Edit::DropLine),
            2 => (any::<u16>(), 0..6_u8).prop_map(|(line, indent)| Edit::Indent(line, indent)),
            1 => any::<u16>().prop_map(Edit::Cut),
        ];
        vec(edit, 1..6).prop_map(Self)
    }

    pub(crate) fn apply(&self, content: &[u8]) -> Vec<u8> {
        let mut content = content.to_vec();
        for edit in &self.0 {
            edit.apply(&mut content);
        }
        content
    }

    /// The text that is left of a text: what is not valid UTF-8 any more is replaced.
    #[allow(dead_code, reason = "each suite uses one of the two")]
    pub(crate) fn apply_to_text(&self, text: &str) -> String {
        String::from_utf8_lossy(&self.apply(text.as_bytes())).into_owned()
    }
}

impl Edit {
    fn apply(&self, content: &mut Vec<u8>) {
        let place = |part: u16, of: usize| usize::from(part) * of / 65_536;
        let range = |at: u16, length: u8, of: usize| {
            let start = place(at, of + 1);
            start..(start + usize::from(length)).min(of)
        };
        let length = content.len();
        match self {
            Self::Insert(at, piece) => {
                let at = place(*at, length + 1);
                content.splice(at..at, piece.bytes());
            }
            Self::Delete(at, count) => drop(content.drain(range(*at, *count, length))),
            Self::Duplicate(at, count) => {
                let range = range(*at, *count, length);
                let copy = content[range.clone()].to_vec();
                content.splice(range.start..range.start, copy);
            }
            Self::Replace(at, piece) => drop(content.splice(range(*at, 1, length), piece.bytes())),
            Self::Byte(at, byte) => drop(content.splice(range(*at, 1, length), [*byte])),
            Self::Cut(at) => content.truncate(place(*at, length + 1)),
            Self::SwapLines(..) | Self::DropLine(_) | Self::Indent(..) => self.apply_to_lines(content),
        }
    }

    fn apply_to_lines(&self, content: &mut Vec<u8>) {
        let mut lines: Vec<Vec<u8>> = content
            .split_inclusive(|byte| *byte == b'\n')
            .map(<[u8]>::to_vec)
            .collect();
        if lines.is_empty() {
            return;
        }
        let place = |part: u16| usize::from(part) * lines.len() / 65_536;
        match self {
            Self::SwapLines(one, other) => {
                let (one, other) = (place(*one), place(*other));
                lines.swap(one, other);
            }
            Self::DropLine(line) => {
                let line = place(*line);
                lines.remove(line);
            }
            Self::Indent(line, indent) => {
                let line = place(*line);
                let kept = lines[line].iter().position(|byte| *byte != b' ').unwrap_or(0);
                lines[line].splice(..kept, std::iter::repeat_n(b' ', usize::from(*indent)));
            }
            _ => {}
        }
        *content = lines.concat();
    }
}
