//! Flow mappings and sequences, JSON among them: brackets and commas.

use super::{BLANK, LineCounter, Node, Shape, after_quoted, unquoted};

/// How deep brackets are followed. The parsers refuse a document long before.
const DEEPEST: usize = 128;

/// The entries of a flow mapping.
pub(super) fn entries(text: &str, node: Node) -> Option<Vec<(String, Node)>> {
    let mut lines = LineCounter::from(text, node);
    let mut scanner = Scanner {
        text,
        at: node.start + 1,
        end: node.end,
    };
    let mut entries = Vec::new();
    loop {
        scanner.skip_blank();
        if scanner.take(b'}') {
            return Some(entries);
        }
        let key_start = scanner.at;
        let key = scanner.key()?;
        let has_tag = scanner.skip_properties();
        let start = scanner.at;
        scanner.skip_value(0)?;
        let value = if scanner.at == start {
            Node::scalar(key_start, lines.line_of(key_start))
        } else {
            scanner.node(start, has_tag, &mut lines)
        };
        entries.push((key.to_owned(), value));
        scanner.skip_blank();
        if !scanner.take(b',') && scanner.peek() != Some(b'}') {
            return None;
        }
    }
}

/// The items of a flow sequence.
pub(super) fn items(text: &str, node: Node) -> Option<Vec<Node>> {
    let mut lines = LineCounter::from(text, node);
    let mut scanner = Scanner {
        text,
        at: node.start + 1,
        end: node.end,
    };
    let mut items = Vec::new();
    loop {
        scanner.skip_blank();
        if scanner.take(b']') {
            return Some(items);
        }
        let has_tag = scanner.skip_properties();
        let start = scanner.at;
        scanner.skip_value(0)?;
        items.push(scanner.node(start, has_tag, &mut lines));
        scanner.skip_blank();
        if !scanner.take(b',') && scanner.peek() != Some(b']') {
            return None;
        }
    }
}

/// Where the collection that begins there has ended.
pub(super) fn after_value(text: &str, start: usize, end: usize) -> Option<usize> {
    let mut scanner = Scanner { text, at: start, end };
    scanner.skip_value(0)?;
    Some(scanner.at)
}

struct Scanner<'t> {
    text: &'t str,
    at: usize,
    end: usize,
}

impl<'t> Scanner<'t> {
    fn peek(&self) -> Option<u8> {
        (self.at < self.end)
            .then(|| self.text.as_bytes().get(self.at).copied())
            .flatten()
    }

    fn take(&mut self, byte: u8) -> bool {
        let is_there = self.peek() == Some(byte);
        self.at += usize::from(is_there);
        is_there
    }

    /// White space, line ends and comments.
    fn skip_blank(&mut self) {
        let mut may_begin_comment = true;
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => may_begin_comment = true,
                b'#' if may_begin_comment => {
                    while self.peek().is_some_and(|byte| byte != b'\n') {
                        self.at += 1;
                    }
                    continue;
                }
                _ => return,
            }
            self.at += 1;
        }
    }

    /// Anchors and tags, and the blank behind them; whether there is a tag.
    fn skip_properties(&mut self) -> bool {
        let mut has_tag = false;
        while let Some(mark @ (b'&' | b'!')) = self.peek() {
            has_tag |= mark == b'!';
            let is_in_word = |byte: u8| {
                !matches!(
                    byte,
                    b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' | b'{' | b'}'
                )
            };
            while self.peek().is_some_and(is_in_word) {
                self.at += 1;
            }
            self.skip_blank();
        }
        has_tag
    }

    /// A key and its colon; the scanner stands before the value then.
    fn key(&mut self) -> Option<&'t str> {
        let start = self.at;
        let is_quoted = matches!(self.peek()?, b'"' | b'\'');
        let key = if is_quoted {
            self.at = after_quoted(self.text, start, &(start..self.end))?;
            unquoted(self.text.get(start..self.at)?)?
        } else {
            self.skip_plain();
            self.text.get(start..self.at)?.trim_end_matches(BLANK)
        };
        self.skip_blank();
        let has_value = self.take(b':');
        self.skip_blank();
        let is_understood = is_quoted || !key.is_empty() && !key.starts_with(['&', '*', '!', '?']);
        (has_value && is_understood).then_some(key)
    }

    /// Goes behind a plain scalar: up to a comma, a bracket, a comment, or a colon that ends a key.
    fn skip_plain(&mut self) {
        let is_break = |byte: Option<u8>| {
            byte.is_none_or(|byte| {
                matches!(
                    byte,
                    b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' | b'{' | b'}'
                )
            })
        };
        while let Some(byte) = self.peek() {
            let next = self.text.as_bytes().get(self.at + 1).copied();
            match byte {
                b',' | b']' | b'}' | b'[' | b'{' => return,
                b' ' | b'\t' | b'\r' | b'\n' if next == Some(b'#') => return,
                b':' if is_break(next) => return,
                _ => self.at += 1,
            }
        }
    }

    fn skip_value(&mut self, depth: usize) -> Option<()> {
        if depth > DEEPEST {
            return None;
        }
        self.skip_blank();
        self.skip_properties();
        match self.peek()? {
            b'"' | b'\'' => self.at = after_quoted(self.text, self.at, &(self.at..self.end))?,
            b'{' | b'[' => {
                self.at += 1;
                loop {
                    self.skip_blank();
                    match self.peek()? {
                        b'}' | b']' => {
                            self.at += 1;
                            return Some(());
                        }
                        b',' | b':' => self.at += 1,
                        _ => self.skip_value(depth + 1)?,
                    }
                }
            }
            b'}' | b']' | b',' => {}
            _ => self.skip_plain(),
        }
        Some(())
    }

    /// The node that begins there and that was just gone through.
    fn node(&self, start: usize, has_tag: bool, lines: &mut LineCounter<'t>) -> Node {
        Node {
            start,
            end: self.at,
            line: lines.line_of(start),
            shape: match self.text.as_bytes().get(start) {
                Some(b'{') => Shape::FlowMapping,
                Some(b'[') => Shape::FlowSequence,
                _ if has_tag => Shape::TaggedScalar,
                _ => Shape::Scalar,
            },
        }
    }
}
