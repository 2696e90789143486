//! Where an independent parser says that the nodes of a document are.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, StrInput};

/// Line and column, counted from 1.
pub(crate) type Mark = (u32, u32);

/// Whether lines end there by anything but a line feed, alone or after a carriage return, or begin with a byte order
/// mark: YAML 1.1 counts lines by them, and editors do not.
pub(crate) fn has_other_line_ends(text: &str) -> bool {
    let text = text
        .strip_prefix('\u{feff}')
        .unwrap_or(text)
        .replace("\r\n", "\n");
    text.contains(['\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{feff}'])
}

/// The values of the first document, each under the keys and `[index]`es that lead to it.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    values: HashMap<Vec<String>, Mark>,
    /// The same with the anchors and tags before them, which may as well belong to the first key in them.
    with_properties: HashMap<Vec<String>, Mark>,
    texts: Vec<(Vec<String>, String)>,
}

impl Marks {
    /// The marks of a text, where the parser takes it.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut walk = Walk {
            parser: Parser::new_from_str(text),
            text: text.chars().collect(),
            passed: 0,
            marks: Self::default(),
        };
        loop {
            match walk.next()? {
                (Event::StreamStart | Event::DocumentStart(_), _) => {}
                (Event::StreamEnd, _) => return Some(walk.marks),
                first => {
                    walk.node(first, &mut Vec::new(), None)?;
                    // What follows must be sound too, or the two parsers did not read the same.
                    while !matches!(walk.next()?.0, Event::StreamEnd | Event::DocumentStart(_)) {}
                    return Some(walk.marks);
                }
            }
        }
    }

    pub(crate) fn get(&self, path: &[String]) -> Option<Mark> {
        self.values.get(path).copied()
    }
}

impl Marks {
    /// Whether something that the path leads through begins there, or what is at its end, with the anchor or the tag
    /// before it.
    pub(crate) fn is_around(&self, path: &[String], position: Mark) -> bool {
        (0..=path.len()).any(|steps| {
            let around = &path[..steps];
            [&self.values, &self.with_properties]
                .iter()
                .any(|marks| marks.get(around) == Some(&position))
        })
    }

    /// The scalars, each under the keys and `[index]`es that lead to it; a key that is written twice is there twice.
    pub(crate) fn texts(&self) -> impl Iterator<Item = (&[String], &str)> {
        self.texts
            .iter()
            .map(|(path, text)| (path.as_slice(), text.as_str()))
    }
}

struct Walk<'t> {
    parser: Parser<'t, StrInput<'t>>,
    text: Vec<char>,
    /// The character after the scalar, or at the start of the collection, that was met last.
    passed: usize,
    marks: Marks,
}

impl<'t> Walk<'t> {
    fn next(&mut self) -> Option<(Event<'t>, Span)> {
        self.parser.next()?.ok()
    }

    /// Goes through a node. Nothing that is not written is marked at its key.
    fn node(
        &mut self,
        (event, span): (Event<'t>, Span),
        path: &mut Vec<String>,
        key: Option<Mark>,
    ) -> Option<()> {
        if path.len() > 200 {
            return None;
        }
        let is_written = !matches!(&event, Event::Scalar(text, ScalarStyle::Plain, ..) if text.is_empty());
        let own = self.start_of(&event, span, key.is_some());
        self.passed = match &event {
            Event::Scalar(..) | Event::Alias(_) => span.end.index(),
            _ => span.start.index(),
        };
        self.marks.with_properties.insert(path.clone(), mark(span));
        if let Some(mark) = if is_written { own } else { key } {
            self.marks.values.insert(path.clone(), mark);
        }
        match event {
            Event::Scalar(text, ..) => {
                self.marks.texts.push((path.clone(), text.into_owned()));
                Some(())
            }
            Event::Alias(_) => Some(()),
            Event::SequenceStart(..) => {
                for index in 0.. {
                    let item = self.next()?;
                    if matches!(item.0, Event::SequenceEnd) {
                        break;
                    }
                    path.push(format!("[{index}]"));
                    self.node(item, path, None)?;
                    path.pop();
                }
                Some(())
            }
            Event::MappingStart(..) => loop {
                let (key, span) = match self.next()? {
                    (Event::MappingEnd, _) => return Some(()),
                    (Event::Scalar(key, ..), span) => (key.into_owned(), span),
                    _ => return None,
                };
                self.passed = span.end.index();
                let value = self.next()?;
                path.push(key);
                // Of a key that is written twice, the last one counts.
                self.marks.values.retain(|known, _| !known.starts_with(path));
                self.node(value, path, Some(mark(span)))?;
                path.pop();
            },
            _ => None,
        }
    }

    /// Where a node begins: behind its anchor and its tag, at the first dash of its list, at the `|` or `>` of its
    /// text. The parser itself tells the end of that dash, and the text behind the `|`.
    fn start_of(&self, event: &Event<'t>, span: Span, is_in_mapping: bool) -> Option<Mark> {
        let start = span.start.index();
        match event {
            Event::SequenceStart(..) if is_in_mapping => self.next_of(&['-', '[']),
            Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => self.next_of(&['|', '>']),
            _ if matches!(self.text.get(start), Some('&' | '!')) => {
                Some(self.mark_of(self.behind_properties(start)))
            }
            _ => Some(mark(span)),
        }
    }

    /// The next word that begins with one of these, outside of comments.
    fn next_of(&self, first: &[char]) -> Option<Mark> {
        let mut is_comment = false;
        let mut previous = ' ';
        for (index, letter) in self.text.iter().enumerate().skip(self.passed) {
            if is_comment {
                is_comment = *letter != '\n';
            } else if matches!(previous, ' ' | '\t' | '\n' | '\r' | ':' | '-') {
                match letter {
                    '#' => is_comment = true,
                    letter if first.contains(letter) => return Some(self.mark_of(index)),
                    _ => {}
                }
            }
            previous = *letter;
        }
        None
    }

    /// The first thing after anchors, tags and comments.
    fn behind_properties(&self, start: usize) -> usize {
        let mut skips_word = false;
        let mut skips_line = false;
        for (index, letter) in self.text.iter().enumerate().skip(start) {
            match letter {
                '\n' => (skips_word, skips_line) = (false, false),
                _ if skips_line => {}
                ' ' | '\t' | '\r' => skips_word = false,
                _ if skips_word => {}
                '&' | '!' => skips_word = true,
                '#' => skips_line = true,
                _ => return index,
            }
        }
        start
    }

    fn mark_of(&self, index: usize) -> Mark {
        let (mut line, mut column) = (1, 1);
        for (at, letter) in self.text.iter().enumerate().take(index) {
            let is_end = *letter == '\n' || *letter == '\r' && self.text.get(at + 1) != Some(&'\n');
            (line, column) = if is_end { (line + 1, 1) } else { (line, column + 1) };
        }
        (line, column)
    }
}

fn mark(span: Span) -> Mark {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    (number(span.start.line()), number(span.start.col() + 1))
}
