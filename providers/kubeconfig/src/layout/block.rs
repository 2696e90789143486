//! Block mappings and sequences: lines whose indentation says what belongs to what.

use super::{BLANK, LineCounter, Node, Shape, after_quoted, flow, unquoted, without_comment};
use crate::selective::Spot;

/// The root of the first document.
pub(super) fn document(text: &str) -> Option<Node> {
    let mut start = 0;
    let mut end = text.len();
    let mut has_begun = false;
    let mut at = 0;
    for content in text.split_inclusive('\n') {
        if content.starts_with('%') && !has_begun {
            return None;
        }
        let behind = |marker: &str| {
            let rest = content.strip_prefix(marker)?;
            (rest.is_empty() || rest.starts_with(BLANK)).then_some(rest)
        };
        if has_begun && (behind("---").is_some() || behind("...").is_some()) {
            end = at;
            break;
        }
        let is_start = match behind("---") {
            Some(rest) if without_comment(rest).trim_matches(BLANK).is_empty() => true,
            // What stands on the marker's own line is in no column that tells its level.
            Some(_) => return None,
            None => false,
        };
        has_begun |= is_start || !without_comment(content).trim_matches(BLANK).is_empty();
        at += content.len();
        if is_start {
            start = at;
        }
    }
    lines_below(text, start, end, LineCounter::at_start(text).line_of(start)).ok()?
}

/// A line with something on it.
struct Line {
    /// Where its first character that is no space is.
    start: usize,
    /// Where the next line begins.
    next: usize,
    column: usize,
}

/// The text is in no form that is understood here.
pub(super) struct Unusual;

/// The next line with content, from a place where a line begins.
fn next_line(text: &str, mut at: usize, end: usize) -> Result<Option<Line>, Unusual> {
    while at < end {
        let rest = text.get(at..end).ok_or(Unusual)?;
        let length = rest.find('\n').map_or(rest.len(), |newline| newline + 1);
        let content = rest.get(..length).ok_or(Unusual)?;
        let column = content.bytes().take_while(|byte| *byte == b' ').count();
        let first = content
            .get(column..)
            .ok_or(Unusual)?
            .trim_end_matches(['\n', '\r']);
        if first.starts_with('\t') && !first.trim_matches(BLANK).is_empty() {
            return Err(Unusual);
        }
        if !first.trim_matches(BLANK).is_empty() && !first.starts_with('#') {
            return Ok(Some(Line {
                start: at + column,
                next: at + length,
                column,
            }));
        }
        at += length;
    }
    Ok(None)
}

/// What stands on the lines from here on, as the value of what came before; `None` where nothing does.
fn lines_below(text: &str, from: usize, end: usize, line: u32) -> Result<Option<Node>, Unusual> {
    let Some(first) = next_line(text, from, end)? else {
        return Ok(None);
    };
    let line = LineCounter::from(text, Node::scalar(from, line)).line_of(first.start);
    let node = node_at(text, first.start, end, line, first.column);
    node.map(Some).ok_or(Unusual)
}

/// The node that begins there, in this column of its line. The entries of a mapping that begins in the middle of a
/// line, after the dash of a list, stand in that column too.
fn node_at(text: &str, start: usize, end: usize, line: u32, column: usize) -> Option<Node> {
    let rest = line_at(text, start, end)?;
    let shape = match rest.as_bytes().first()? {
        b'{' => Shape::FlowMapping,
        b'[' => Shape::FlowSequence,
        // An anchor or a tag there is of the whole value, or of its first key.
        b'&' | b'!' => return None,
        _ if is_dash(rest) => Shape::BlockSequence(column),
        _ if key(rest).is_some() => Shape::BlockMapping(column),
        _ => Shape::Scalar,
    };
    Some(Node {
        start,
        end,
        line,
        shape,
    })
}

/// What is left of the line.
fn line_at(text: &str, start: usize, end: usize) -> Option<&str> {
    let rest = text.get(start..end)?;
    rest.split('\n').next().map(|rest| rest.trim_end_matches('\r'))
}

fn is_dash(line: &str) -> bool {
    line.strip_prefix('-')
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// The key that a line begins with, and where what follows its colon begins.
fn key(line: &str) -> Option<(&str, usize)> {
    let ends_key = |after: &str| after.is_empty() || after.starts_with([' ', '\t']);
    if line.starts_with(['"', '\'']) {
        let end = after_quoted(line, 0, &(0..line.len()))?;
        let rest = line.get(end..)?;
        let colon = rest.trim_start_matches(BLANK).strip_prefix(':')?;
        return ends_key(colon).then_some((unquoted(line.get(..end)?)?, line.len() - colon.len()));
    }
    if line.starts_with(['{', '[', '|', '>', '&', '*', '!', '%', '@', '`', '#', ','])
        || line.starts_with("? ")
    {
        return None;
    }
    let content = without_comment(line);
    let colons = content.match_indices(':').map(|(at, _)| at);
    let at = colons
        .into_iter()
        .find(|at| content.get(at + 1..).is_some_and(ends_key))?;
    Some((content.get(..at)?.trim_end_matches(BLANK), at + 1))
}

/// The entries of a block mapping whose keys stand in this column.
pub(super) fn entries(text: &str, node: Node, column: usize) -> Option<Vec<(String, Node)>> {
    let mut lines = LineCounter::from(text, node);
    let mut entries = Vec::new();
    let mut start = node.start;
    loop {
        let line = line_at(text, start, node.end)?;
        let (name, after) = key(line)?;
        let value = start + after;
        let (end, next) = region(text, value, node.end, column, true)?;
        let number = lines.line_of(start);
        if let Ok(node) = value_at(text, value, end, number) {
            entries.push((name.to_owned(), node.unwrap_or(Node::scalar(start, number))));
        }
        match next {
            None => return Some(entries),
            Some(next) if next.column == column => start = next.start,
            Some(_) => return None,
        }
    }
}

/// The items of a block sequence whose dashes stand in this column.
pub(super) fn items(text: &str, node: Node, column: usize) -> Option<Vec<Node>> {
    let mut lines = LineCounter::from(text, node);
    let mut items = Vec::new();
    let mut start = node.start;
    loop {
        let line = line_at(text, start, node.end)?;
        if !is_dash(line) {
            return None;
        }
        let spaces = line.get(1..)?.bytes().take_while(|byte| *byte == b' ').count();
        let value = start + 1 + spaces;
        let (end, next) = region(text, value, node.end, column, false)?;
        let number = lines.line_of(start);
        let content = without_comment(line.get(1 + spaces..)?);
        let item = if content.is_empty() {
            lines_below(text, next_line_start(text, start, end), end, number + 1).ok()?
        } else if content.starts_with(['&', '!']) {
            value_at(text, value, end, number).ok()?
        } else {
            node_at(text, value, end, number, column + 1 + spaces)
        };
        items.push(item.unwrap_or(Node::scalar(start, number)));
        match next {
            None => return Some(items),
            Some(next) if next.column == column => start = next.start,
            Some(_) => return None,
        }
    }
}

/// The item of a list that begins there: behind its dash, or at a dash that has nothing behind it.
pub(super) fn item_at(text: &str, spot: Spot) -> Option<Node> {
    let line_start = text.get(..spot.start)?.rfind('\n').map_or(0, |at| at + 1);
    let rest = line_at(text, spot.start, spot.end)?;
    if is_dash(rest) {
        let below = next_line_start(text, spot.start, spot.end);
        let node = lines_below(text, below, spot.end, spot.line + 1).ok()?;
        return Some(node.unwrap_or(Node::scalar(spot.start, spot.line)));
    }
    node_at(text, spot.start, spot.end, spot.line, spot.start - line_start)
}

/// The value that follows a key's colon on its line, or on the lines below; `None` where none does.
pub(super) fn value_at(text: &str, from: usize, end: usize, line: u32) -> Result<Option<Node>, Unusual> {
    let (start, has_tag) = behind_properties(text, from, end).ok_or(Unusual)?;
    let rest = line_at(text, start, end).ok_or(Unusual)?;
    if without_comment(rest).is_empty() {
        return lines_below(text, next_line_start(text, from, end), end, line + 1);
    }
    let shape = match rest.as_bytes().first() {
        Some(b'{') => Shape::FlowMapping,
        Some(b'[') => Shape::FlowSequence,
        _ if has_tag => Shape::TaggedScalar,
        _ => Shape::Scalar,
    };
    Ok(Some(Node {
        start,
        end,
        line,
        shape,
    }))
}

/// Behind the white space, the anchor and the tag that stand on this line before a value; and whether there is a tag.
fn behind_properties(text: &str, from: usize, end: usize) -> Option<(usize, bool)> {
    let mut start = from;
    let mut rest = line_at(text, from, end)?;
    let mut has_tag = false;
    loop {
        let blank = rest.len() - rest.trim_start_matches(BLANK).len();
        start += blank;
        rest = rest.get(blank..)?;
        if !rest.starts_with(['&', '!']) {
            return Some((start, has_tag));
        }
        has_tag |= rest.starts_with('!');
        let length = rest.find([' ', '\t']).unwrap_or(rest.len());
        start += length;
        rest = rest.get(length..)?;
    }
}

fn next_line_start(text: &str, from: usize, end: usize) -> usize {
    let rest = text.get(from..end).unwrap_or_default();
    rest.find('\n').map_or(end, |newline| from + newline + 1)
}

/// How far a value that begins there goes, and the line that follows it: the first one that is not indented
/// further than this column. The dashes of a mapping's value may stand in the column of its keys.
fn region(
    text: &str,
    value: usize,
    end: usize,
    column: usize,
    takes_dashes: bool,
) -> Option<(usize, Option<Line>)> {
    let (value, _) = behind_properties(text, value, end)?;
    let line = line_at(text, value, end)?;
    let has_value = !without_comment(line).is_empty();
    let after = match line.as_bytes().first() {
        Some(b'"' | b'\'') => after_quoted(text, value, &(value..end))?,
        Some(b'{' | b'[') => flow::after_value(text, value, end)?,
        _ => value,
    };
    let mut at = next_line_start(text, after, end);
    loop {
        let Some(next) = next_line(text, at, end).ok()? else {
            return Some((end, None));
        };
        let is_flush_item =
            takes_dashes && !has_value && next.column == column && is_dash(line_at(text, next.start, end)?);
        if next.column <= column && !is_flush_item {
            return Some((next.start - next.column, Some(next)));
        }
        at = next.next;
    }
}
