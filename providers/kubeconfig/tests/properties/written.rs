//! Documents as people and tools write them: one tree of values, written down in any of the usual styles.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::Value;

/// A document's meaning, whatever its style.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Tree {
    Null,
    Flag(bool),
    /// A boolean as YAML 1.1 also has it: `yes`, `off`. Elsewhere it is a text.
    Word(bool),
    Number(i64),
    Text(String),
    List(Vec<Tree>),
    Map(Vec<(String, Tree)>),
}

impl Tree {
    pub(crate) fn text(text: &str) -> Self {
        Self::Text(text.to_owned())
    }

    /// The JSON that it means.
    pub(crate) fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Flag(flag) | Self::Word(flag) => (*flag).into(),
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.as_str().into(),
            Self::List(items) => items.iter().map(Self::json).collect(),
            Self::Map(entries) => entries
                .iter()
                .map(|(key, value)| (key.clone(), value.json()))
                .collect(),
        }
    }

    /// The YAML that it means, in the style of the choices.
    pub(crate) fn yaml(&self, choices: &Choices) -> String {
        let mut writer = Writer {
            out: String::new(),
            choices: choices.clone(),
            anchors: 0,
            is_behind_block_text: false,
        };
        writer.document(self);
        writer.out
    }
}

/// Which way of many to write each thing. Where they end, the first way is taken, so that fewer choices make a
/// plainer document.
#[derive(Clone, Debug)]
pub(crate) struct Choices {
    bytes: Vec<u8>,
    at: usize,
}

impl Choices {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        vec(any::<u8>(), 0..200).prop_map(|bytes| Self { bytes, at: 0 })
    }

    /// One of so many, counted from 0.
    fn of(&mut self, ways: usize) -> usize {
        let byte = self.bytes.get(self.at).copied().unwrap_or(0);
        self.at += 1;
        usize::from(byte) % ways
    }
}

struct Writer {
    out: String,
    choices: Choices,
    anchors: usize,
    /// Whether what is indented would belong to the text before it.
    is_behind_block_text: bool,
}

impl Writer {
    fn document(&mut self, tree: &Tree) {
        let byte_order_mark = ["", "\u{feff}"][self.choices.of(8) / 7];
        let is_crlf = self.choices.of(4) == 3;
        self.out
            .push_str(["", "# mine\n", "---\n", "# mine\n\n---\n"][self.choices.of(4)]);
        match tree {
            Tree::Map(entries) if !entries.is_empty() && self.choices.of(6) != 5 => {
                let indent = [0, 0, 0, 2][self.choices.of(4)];
                self.entries(entries, indent, false);
            }
            _ => {
                self.flow(tree, 0);
                self.out.push('\n');
            }
        }
        self.out.push_str(["", "...\n"][self.choices.of(8) / 7]);
        if is_crlf {
            self.out = self.out.replace('\n', "\r\n");
        }
        self.out.insert_str(0, byte_order_mark);
    }

    fn spaces(&mut self, count: usize) {
        self.out.extend(std::iter::repeat_n(' ', count));
    }

    /// What may stand between two lines.
    fn gap(&mut self) {
        match self.choices.of(12) {
            10 => self.out.push('\n'),
            11 => {
                let indent = self.choices.of(9);
                if !self.is_behind_block_text {
                    self.spaces(indent);
                }
                self.out.push_str("# a: [note\n");
            }
            _ => {}
        }
    }

    fn line_end(&mut self) {
        self.out
            .push_str(["\n", "\n", "\n", "  \n", " # it's: {so}\n"][self.choices.of(5)]);
    }

    /// The entries of a block mapping. Those of a list's item begin behind its dash.
    fn entries(&mut self, entries: &[(String, Tree)], indent: usize, is_behind_dash: bool) {
        for (index, (key, value)) in entries.iter().enumerate() {
            if index > 0 || !is_behind_dash {
                self.gap();
                self.spaces(indent);
            }
            self.key(key);
            self.out.push_str([":", ":", ":", " :"][self.choices.of(4)]);
            self.value(value, indent);
        }
    }

    /// What follows the colon of a key in this column.
    fn value(&mut self, value: &Tree, indent: usize) {
        match value {
            Tree::Null => {
                self.out.push_str(["", " ~", " null"][self.choices.of(3)]);
                self.line_end();
            }
            Tree::Map(entries) if !entries.is_empty() && self.choices.of(4) != 3 => {
                self.anchor();
                self.line_end();
                let deeper = [2, 4, 1, 3][self.choices.of(4)];
                self.entries(entries, indent + deeper, false);
            }
            Tree::List(items) if !items.is_empty() && self.choices.of(4) != 3 => {
                self.anchor();
                self.line_end();
                let deeper = [0, 2, 4, 1][self.choices.of(4)];
                self.items(items, indent + deeper, false);
            }
            Tree::Text(text) if is_block_text(text) && self.choices.of(6) == 5 => {
                self.block_text(text, indent);
            }
            scalar_or_flow => {
                match self.choices.of(8) {
                    6 => self.out.push_str("   "),
                    7 => {
                        self.line_end();
                        self.spaces(indent + 2);
                    }
                    _ => self.out.push(' '),
                }
                self.flow(scalar_or_flow, indent);
                self.line_end();
            }
        }
    }

    /// The items of a block sequence.
    fn items(&mut self, items: &[Tree], indent: usize, is_behind_dash: bool) {
        for (index, item) in items.iter().enumerate() {
            if index > 0 || !is_behind_dash {
                self.gap();
                self.spaces(indent);
            }
            self.out.push('-');
            self.is_behind_block_text = false;
            let deeper = [1, 1, 2, 3][self.choices.of(4)];
            match item {
                Tree::Null => {
                    self.out.push_str(["", " ~"][self.choices.of(2)]);
                    self.line_end();
                }
                Tree::Map(entries) if !entries.is_empty() => match self.choices.of(5) {
                    3 => {
                        self.line_end();
                        self.entries(entries, indent + deeper, false);
                    }
                    4 => {
                        self.out.push(' ');
                        self.flow(item, indent);
                        self.line_end();
                    }
                    _ => {
                        self.spaces(deeper);
                        self.entries(entries, indent + 1 + deeper, true);
                    }
                },
                Tree::List(inner) if !inner.is_empty() && self.choices.of(2) == 0 => {
                    self.spaces(deeper);
                    self.items(inner, indent + 1 + deeper, true);
                }
                _ => {
                    self.spaces(deeper);
                    self.flow(item, indent);
                    self.line_end();
                }
            }
        }
    }

    fn anchor(&mut self) {
        if self.choices.of(10) == 9 {
            self.anchors += 1;
            self.out.extend([" &a", &self.anchors.to_string()]);
        }
    }

    fn block_text(&mut self, text: &str, indent: usize) {
        let is_one_line = !text.contains('\n');
        self.out
            .push_str([" |-", " >-"][self.choices.of(2) * usize::from(is_one_line)]);
        self.line_end();
        self.is_behind_block_text = true;
        for line in text.split('\n') {
            self.spaces(indent + 3);
            self.out.push_str(line);
            self.out.push('\n');
        }
    }

    /// A value in brackets, or a scalar.
    fn flow(&mut self, tree: &Tree, indent: usize) {
        match tree {
            Tree::Null => self.out.push_str(["null", "~"][self.choices.of(2)]),
            Tree::Flag(flag) => self.out.push_str(if *flag { "true" } else { "false" }),
            Tree::Word(flag) => self.out.push_str(if *flag { "yes" } else { "off" }),
            Tree::Number(number) => self.out.push_str(&number.to_string()),
            Tree::Text(text) => self.scalar(text, indent),
            Tree::List(items) => {
                self.out.push('[');
                for (index, item) in items.iter().enumerate() {
                    self.flow_gap(indent);
                    self.flow(item, indent);
                    self.flow_end(index + 1 == items.len(), indent);
                }
                self.out.push(']');
            }
            Tree::Map(entries) => {
                self.out.push('{');
                for (index, (key, value)) in entries.iter().enumerate() {
                    self.flow_gap(indent);
                    self.key(key);
                    self.out.push_str(": ");
                    self.flow_gap(indent);
                    self.flow(value, indent);
                    self.flow_end(index + 1 == entries.len(), indent);
                }
                self.out.push('}');
            }
        }
    }

    fn flow_end(&mut self, is_last: bool, indent: usize) {
        self.flow_gap(indent);
        if !is_last || self.choices.of(6) == 5 {
            self.out.push(',');
            self.flow_gap(indent);
        }
    }

    fn flow_gap(&mut self, indent: usize) {
        match self.choices.of(12) {
            8 => self.out.push(' '),
            9 => self.out.push_str("  "),
            10 => {
                self.out.push('\n');
                self.spaces(indent + 2);
            }
            11 => {
                self.out.push_str(" # }\n");
                self.spaces(indent + 3);
            }
            _ => {}
        }
    }

    fn key(&mut self, key: &str) {
        self.is_behind_block_text = false;
        let way = self.choices.of(4);
        if is_plain(key) && way < 2 {
            self.out.push_str(key);
        } else if way.is_multiple_of(2) {
            self.single_quoted(key);
        } else {
            self.double_quoted(key, None);
        }
    }

    fn scalar(&mut self, text: &str, indent: usize) {
        let is_one_line = !text.contains(['\n', '\t']);
        match self.choices.of(6) {
            0..=2 if is_plain(text) => self.out.push_str(text),
            0 | 3 if is_one_line => self.single_quoted(text),
            4 => self.double_quoted(text, Some(indent)),
            _ => self.double_quoted(text, None),
        }
    }

    fn single_quoted(&mut self, text: &str) {
        self.out.extend(["'", &text.replace('\'', "''"), "'"]);
    }

    /// A text in double quotes; on two lines where an indentation is told.
    fn double_quoted(&mut self, text: &str, folded_at: Option<usize>) {
        let middle = text.chars().count() / 2;
        self.out.push('"');
        for (index, letter) in text.chars().enumerate() {
            if let Some(indent) = folded_at
                && index > 0
                && index == middle
                && letter != ' '
            {
                self.out.push_str("\\\n");
                self.spaces(indent + 2);
            }
            match letter {
                '"' | '\\' => self.out.extend(['\\', letter]),
                '\n' => self.out.push_str("\\n"),
                '\t' => self.out.push_str("\\t"),
                other => self.out.push(other),
            }
        }
        self.out.push('"');
    }
}

/// Whether a text needs no quotes, in brackets either.
fn is_plain(text: &str) -> bool {
    let is_word = |letter: char| letter.is_alphanumeric() || "._/:#@+-".contains(letter);
    text.starts_with(char::is_alphabetic)
        && text.ends_with(char::is_alphanumeric)
        && text.chars().all(is_word)
        && !["true", "false", "null"].contains(&text.to_lowercase().as_str())
}

/// Whether a text can stand in lines of its own, without a mark that says how far they are indented.
fn is_block_text(text: &str) -> bool {
    !text.ends_with('\n')
        && text
            .split('\n')
            .all(|line| !line.is_empty() && !line.starts_with(' ') && !line.ends_with(' '))
}

/// Any text that YAML can write, with much in it that means something to YAML.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z]{1,6}",
        2 => "[a-zé日😀:#@./+-]{1,8}",
        1 => "[-a-z0-9 :#{}\\[\\],&*!|>'\"%@`?~=<\\\\é日😀]{0,12}",
        1 => "[a-z:#-]{1,5}(\n[ a-z:#-]{0,5}){1,3}",
        1 => "(true|null|~|yes|0777|1e3|12|-|<<x|---)",
    ]
}

/// A key that is usual: without quotes and backslashes in it.
pub(crate) fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "[a-z]{1,5}",
        2 => "[a-zé日😀:#@./+-]{1,6}",
        1 => "[a-z :#{},&*!|>%@`?~=-]{1,6}",
    ]
    .prop_filter("a merge key means another thing", |key| key != "<<")
}

/// Any document of a mapping whose keys are usual.
pub(crate) fn document() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        1 => Just(Tree::Null),
        1 => any::<bool>().prop_map(Tree::Flag),
        1 => (-1000..1000_i64).prop_map(Tree::Number),
        6 => text().prop_map(Tree::Text),
    ];
    let any = leaf.prop_recursive(5, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Tree::List),
            entries(inner).prop_map(Tree::Map),
        ]
    });
    entries(any).prop_map(Tree::Map)
}

fn entries(values: impl Strategy<Value = Tree>) -> impl Strategy<Value = Vec<(String, Tree)>> {
    vec((key(), values), 0..5).prop_map(|mut entries| {
        let mut known = std::collections::HashSet::new();
        entries.retain(|(key, _)| known.insert(key.clone()));
        entries
    })
}
